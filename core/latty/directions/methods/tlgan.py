"""TL-GAN: least squares of many attribute scores on latents gives one direction per attribute.

Guan 2018, "Transparent Latent-space GAN". Scores y of pictures of random latents x are regressed as
link(y) ~ B^T x + c; the columns of B are the directions. Three things are added to the original:
each attribute takes the link that explains it best, a direction may be the one that moves its
attribute alone (a column of the pseudo-inverse of B^T, in the place of Gram-Schmidt, whose result
depends on the order), and it acts in the layers where it moves its attribute and little else.
Whatever has alternatives is decided by measuring a walk from seeds that were not fitted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from latty.directions.linear import LinearDirection
from latty.directions.moments import NormalEquations
from latty.directions.orthogonal import orthogonal
from latty.directions.sampling import StoppableReport, normal_scores
from latty.directions.scored import ScoredMethod, checked
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import ALL

FINDS = "a direction for each attribute that can be scored"
NEEDS = "a scorer"
ORDER = 30
COST = {"picture": ("samples",)}
FORM = ("scorer", "names", "samples")  # of the parameters, what is asked first

PILOT = 512  # samples that show the range of each attribute before the links are applied
CLIP = 0.995  # TL-GAN's own: arctanh(+-0.995) = +-3
SHORT = 1.0  # seconds for what is left of the regression after an interruption
KNOWN = 0.1  # an attribute with a lower R2 tells nothing about what to hold still

LINKS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda u: u,
    "tanh": lambda u: u.clamp(-CLIP, CLIP).atanh(),
    "probit": lambda u: u.clamp(-CLIP, CLIP).erfinv(),
}


@dataclass(frozen=True, slots=True)
class _Model:
    """The regression: slopes (D, A), r2 (A,), link of each attribute, covariance of x (D, D), and
    the middle of the range and the standard deviation of each attribute (A,).

    gradients  slopes (D, A) of the attributes' normal scores: no link has to be chosen for them, so
               they are the surer normals to hold an attribute by
    """

    slopes: Tensor
    gradients: Tensor
    r2: Tensor
    links: tuple[str, ...]
    covariance: Tensor
    middle: Tensor
    spread: Tensor


@dataclass(kw_only=True)
class TLGAN(ScoredMethod):
    """Least-squares directions of attributes."""

    LATER: ClassVar[tuple[str, ...]] = (*ScoredMethod.LATER, "link")
    ridge: float = 1e-4  # share of the mean variance added to each variance
    link: Literal["best", "linear", "tanh", "probit"] = "best"  # of all attributes; tanh is the
    # original's, best = what explains each of them best
    locks: tuple[str, ...] = ()  # attributes that no other direction moves: TL-GAN's lock
    vector: str = "best"  # "best", or one of regression, covariance, alone, alone_covariance

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Sample, regress, choose, measure. Raises BadData for too few samples or names unknown.

        Scores are kept by `sampled_scores`, so `work` is not needed to go on after a stop. After an
        interruption directions are as the regression gives them, in all layers, not measured.
        """
        if self.samples < 2 * PILOT:
            raise BadData(f"{self.samples} samples are too few", f"take at least {2 * PILOT}")
        known = self.known(generator)
        wanted = [known.index(name) for name in checked(self.names, known)] or range(len(known))
        locks = [known.index(name) for name in checked(self.locks, known)]
        self.space_: str = self.settled(generator)
        progress = StoppableReport(report)
        scores = self.scores_so_far(generator, 2 * PILOT, progress)
        model = self.model_ = self._regress(generator, scores.double(), progress)
        candidates = {
            index: self._candidates(index, known[index], locks)
            for index in sorted(wanted)
            if model.spread[index] > 0  # the others never changed
        }
        found = self.judged(generator, candidates, (model.middle, model.spread), progress)
        self.complete_ = progress.complete
        normals = (model.gradients / model.gradients.norm(dim=0).clamp_min(1e-12)).T
        facts = {index: {"r2": float(model.r2[index])} for index in candidates}
        self.keep(found, facts, dict(enumerate(normals)))
        still = [known[index] for index in sorted(wanted) if index not in candidates]
        self.dropped_ += tuple((name, 0.0) for name in still)
        return self

    # --- regression ---------------------------------------------------------------------------

    def _regress(self, generator: Generator, scores: Tensor, progress: StoppableReport) -> _Model:
        """Of the scores (n, A) of the first n seeds; an attribute that is missing for half of them
        counts as constant, else a sample without a valid score is left out."""
        scores = torch.where(scores.isfinite().double().mean(0) > 0.5, scores, 0.0)
        middle, half = self._range(scores)
        sums, count, stop, levels = None, scores.shape[1], 0, normal_scores(scores)
        for start, stop in pairwise([*range(0, len(scores), PILOT), len(scores)]):
            x = self.at(generator, range(start, stop), self.space_)
            unit = (scores[start:stop] - middle) / half
            valid = unit.isfinite().all(1)
            sums = sums or NormalEquations(x.shape[1], count * (len(LINKS) + 1))
            targets = [link(unit) for link in LINKS.values()]
            sums.add(x[valid], torch.cat([*targets, levels[start:stop]], 1)[valid])
            progress.update(stop, len(scores), "latents")
            if progress.overdue(SHORT) and stop >= 2 * PILOT:
                break
        self.seeds_ = self.sampled(stop)
        assert sums is not None
        if sums.count <= (x.shape[1] if self.latents else 1):
            what = f"{sums.count} of {len(scores)} samples have a score of every attribute"
            raise BadData(what, f"at least {x.shape[1] + 1} are needed")
        fit = sums.solve(self.ridge)
        explained = fit.r2.view(-1, count)[: len(LINKS)]
        if self.link != "best":
            only = [*LINKS].index(self.link)
            explained = torch.where(torch.arange(len(LINKS))[:, None] == only, explained, -1e30)
        r2, best = explained.max(0)
        columns = best * count + torch.arange(count)
        links = tuple(list(LINKS)[int(i)] for i in best)
        spread = sums.spread[:count] * half  # the first link is the attribute itself
        gradients = fit.slopes[:, -count:]
        return _Model(fit.slopes[:, columns], gradients, r2, links, sums.covariance, middle, spread)

    def _range(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """The middle (A,) and half the width (A,) of what the links are applied to: of scores
        (n, A) the first ones', or of those that are given some from all over. Given scores under
        the original's link are what it took: from -1 to 1. Raises BadData for others."""
        if self.latents and self.link == "tanh":
            most = scores.abs().nan_to_num().max()
            if most > 1:
                what = f"the link tanh takes scores from -1 to 1, and one of these is {most:g}"
                raise BadData(what, "--link best scales them, and chooses")
            return torch.zeros(scores.shape[1]).double(), torch.ones(scores.shape[1]).double()
        pilot = scores[:: max(1, len(scores) // PILOT)] if self.latents else scores[:PILOT]
        low, high = pilot.nanquantile(0.01, 0), pilot.nanquantile(0.99, 0)
        return (low + high) / 2, ((high - low) / 2).clamp_min(1e-9)

    # --- directions ---------------------------------------------------------------------------

    def _candidates(self, index: int, name: str, locks: Sequence[int]) -> list[LinearDirection]:
        """Ways to raise attribute `index`, the plain regression first."""
        model = self.model_
        slopes = model.slopes / model.slopes.norm(dim=0).clamp_min(1e-12)
        cov = model.covariance
        known = model.r2 > KNOWN
        known[index] = True
        place = int(known[: index + 1].sum()) - 1
        forms = {"regression": slopes[:, index], "covariance": cov @ slopes[:, index]}
        forms["alone"] = _alone(slopes[:, known], slopes[:, known], place)
        forms["alone_covariance"] = _alone(slopes[:, known], cov @ slopes[:, known], place)
        if self.vector != "best" and self.vector not in forms:
            raise BadData(f"no form '{self.vector}'", f"there is: best, {', '.join(forms)}")
        vectors = forms.values() if self.vector == "best" else [forms[self.vector]]
        held = [model.gradients[:, lock] for lock in locks if lock != index]
        return [self._direction(name, orthogonal(v, held, name) if held else v) for v in vectors]

    def _direction(self, name: str, vector: Tensor) -> LinearDirection:
        """Of unit length; sigma = standard deviation of the samples along it."""
        unit = vector / vector.norm().clamp_min(1e-12)
        sigma = math.sqrt(max(float(unit @ self.model_.covariance @ unit), 1e-12))
        return LinearDirection(name, self.space_, ALL, unit.float(), sigma)


def _alone(slopes: Tensor, spanning: Tensor, place: int) -> Tensor:
    """The vector v in the span of `spanning` (D, A) with slopes^T v = the unit vector at `place`:
    for spanning = slopes a column of the pseudo-inverse, the shortest vector that moves one
    attribute and no other. A small ridge keeps attributes that cannot be told apart finite."""
    gram = slopes.T @ spanning
    damping = 1e-2 * gram.diagonal().mean() * torch.eye(len(gram)).double()
    weights: Tensor = torch.linalg.solve(gram + damping, torch.eye(len(gram)).double()[place])
    return spanning @ weights


def quick(generator: Generator) -> dict[str, Any]:
    """Few samples of an attribute that every picture has."""
    params = {"scorer": "brightness", "names": ("luma",), "layers": "all"}
    return {**params, "samples": 1024, "probes": 1}


METHOD = TLGAN
