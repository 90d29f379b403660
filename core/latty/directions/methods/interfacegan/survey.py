"""One pass over all samples once boundaries are known: spreads, right guesses, gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latty.directions.methods.interfacegan.svm import Boundary
from latty.directions.moments import NormalEquations
from latty.directions.sampling import StoppableReport, blocks, normal_scores

SHORT, ROUGH = 0.5, 1000  # seconds after an interruption, and samples that must do then
WIDEST = 2048  # dimensions up to which least squares are worth their matrix
RIDGE = 1e-4  # share of the mean variance
TELLING = 0.05  # below this R2 the slope says less than the boundary


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Of K boundaries and vectors, over n samples.

    deviations  of samples along each vector (K,)
    guesses     whether each sample is on the positive side of each boundary (n, K)
    normals     what each score grows along (K, D), of unit length: the least-squares slope of its
                normal scores over all samples where that explains them, else the boundary's normal,
                which fewer samples have determined
    """

    deviations: list[float]
    guesses: Tensor
    normals: Tensor


def survey(
    rows: Callable[[range], Tensor],
    scores: Tensor,
    vectors: Tensor,
    boundaries: Sequence[Boundary],
    progress: StoppableReport,
) -> Survey:
    """`rows` gives latents (n, D) of a range of samples; scores (n, K) may be no number; vectors
    (K, D). An interruption leaves it to the samples seen by then."""
    normals = torch.stack([line.normal for line in boundaries])
    offsets = torch.tensor([line.intercept for line in boundaries])
    ways, guesses, sums, levels = [], [], None, normal_scores(scores)
    for block in blocks(range(len(scores))):
        x = rows(block)
        ways.append(x @ vectors.float().T)
        guesses.append(x @ normals.T + offsets > 0)
        if x.shape[1] <= WIDEST:
            sums = sums or NormalEquations(x.shape[1], scores.shape[1])
            y = levels[block.start : block.stop]
            valid = y.isfinite().all(1)
            if valid.any():
                sums.add(x[valid], y[valid])
        progress.update(block.stop, len(scores), "latents")
        if progress.overdue(SHORT) and block.stop >= ROUGH:
            break
    if sums is not None and sums.count > 2 * normals.shape[1]:
        fit = sums.solve(RIDGE)
        slopes = (fit.slopes / fit.slopes.norm(dim=0).clamp_min(1e-30)).T.float()
        normals = torch.where(fit.r2[:, None] > TELLING, slopes, normals)
    deviations = torch.cat(ways).double().std(0).clamp_min(1e-6).tolist()
    return Survey(deviations, torch.cat(guesses), normals)
