"""Components that scikit-learn finds, in rows held in memory or on all rows compressed.

randomised  randomised SVD of the rows that memory holds (Halko et al. 2011)
ica         FastICA (Hyvärinen 1999) among the first principal components of the rows held
sparse      sparse PCA (Zou et al. 2006; the mini-batch form) of all rows, compressed
"""

import warnings
from dataclasses import replace
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from latty.directions.methods.ganspace import pca
from latty.directions.methods.ganspace.plan import FitPlan, exact, fits_exactly, sketch
from latty.directions.methods.ganspace.rows_in_memory import RowsInMemory
from latty.directions.moments import Covariance
from latty.errors import BadData
from latty.report import Report

ICA_ITERATIONS, ICA_TOLERANCE = 4000, 1e-4
RIDGE = 0.01  # GANSpace's, for coordinates along sparse components

Array = np.ndarray[tuple[int, int], np.dtype[np.float64]]


class HeldRows(RowsInMemory):
    """The rows of a plan, as many as memory holds."""

    def __init__(self, plan: FitPlan) -> None:
        super().__init__(plan.samples, plan.width, plan.latent)
        self.plan = plan

    def principal(self, components: int) -> pca.Principal:
        """By another estimator, in half of the memory; the rows are centred."""
        rows = self.centre()
        plan = replace(
            self.plan, samples=len(rows), memory=self.plan.memory // 2, device=rows.device
        )
        base = exact(plan) if fits_exactly(plan) else sketch(plan)
        for part in torch.split(rows, base.block):
            base.room()[: len(part)] = part
            base.add(len(part))
        return base.principal(min(components, len(rows) - 1))


class Randomised(HeldRows):
    """Randomised SVD with two power iterations and twice the rank, as GANSpace's fbpca had it."""

    def principal(self, components: int) -> pca.Principal:
        from sklearn.utils.extmath import randomized_svd

        rows, freedom = self.centre(), max(self.count - 1, 1)
        layer, latents = rows[:, : self.width], Covariance(rows.shape[1] - self.width, rows.device)
        rank = min(components, self.count - 1, self.width)
        left, scale, right = randomized_svd(
            layer.numpy(),
            n_components=rank,
            n_oversamples=rank,
            n_iter=2,
            power_iteration_normalizer="LU",
            random_state=self.plan.seed,
        )
        latents.add(rows[:, self.width :])
        scores = torch.from_numpy(left * scale).double()
        cross = scores.T @ rows[:, self.width :].double() / freedom
        variance = torch.from_numpy(scale).double().square() / freedom
        vectors = torch.from_numpy(np.ascontiguousarray(right)).float()
        total = _squares(layer) / freedom
        return pca.Principal(vectors, variance, total, cross, latents.matrix(), self.count)


def _squares(rows: Tensor) -> float:
    return sum(
        float(rows[:, columns].square().sum(dtype=torch.float64))
        for columns in pca.column_chunks(rows.shape[1])
    )


def ica(held: HeldRows, components: int, report: Report) -> pca.Components:
    """Independent sources among the first K principal components. Raises BadData where none are
    found.

    A source moves the rows along its column of the mixing matrix, with the other sources still;
    those columns are the vectors. (The rows of the unmixing matrix, which GANSpace took, read a
    source off; both agree only where the mixing is orthogonal.)
    """
    found = held.principal(components)
    keep = pca.significant(found.variance)
    stdev, axes = found.variance[:keep].sqrt(), found.vectors[:keep].double()
    white = _white(held.rows[: held.count], axes / stdev[:, None])
    turn = torch.from_numpy(_fast_ica(white, held.plan.seed, report)).double()  # (K, K)
    mixing = turn * stdev  # source i moves the principal coordinates by row i
    regression = turn @ (found.cross[:keep] / stdev[:, None])
    mixing = mixing / mixing.norm(dim=1, keepdim=True)
    projected = (mixing * stdev).norm(dim=1)
    r2 = pca.explained(regression, found.latents)
    vectors = (mixing @ axes).float()
    return by_stdev(
        pca.Components(vectors, projected, found.total, regression, r2, found.latents, held.count)
    )


def _white(rows: Tensor, axes: Tensor) -> Array:
    """Coordinates (N, K) of variance 1 of centred rows (N, D + Q) along scaled axes (K, D)."""
    scores = torch.zeros(len(rows), len(axes), dtype=torch.float64)
    for columns in pca.column_chunks(axes.shape[1]):
        scores += (rows[:, columns] @ axes[:, columns].float().T).double()
    return scores.numpy()


def _fast_ica(white: Array, seed: int, report: Report) -> Array:
    """The rotation (K, K) that makes white coordinates (N, K) independent. Raises BadData."""
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    passed = 0

    def contrast(x: Array) -> tuple[object, object]:
        nonlocal passed
        passed += 1
        report(passed, 0, "ICA iterations")
        tanh = np.tanh(x)
        return tanh, (1 - tanh * tanh).mean(-1)

    fitted = FastICA(
        whiten=False, fun=contrast, max_iter=ICA_ITERATIONS, tol=ICA_TOLERANCE, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fitted.fit(white)
        except ConvergenceWarning:
            raise BadData(
                f"ICA did not converge in {ICA_ITERATIONS} iterations",
                "take fewer components or more samples; what is Gaussian has no sources",
            ) from None
    return np.asarray(fitted.components_)


def sparse(base: pca.Estimator, plan: FitPlan, components: int, report: Report) -> pca.Components:
    """Vectors with many zeros. Raises BadData where all of them are zero.

    The loss of sparse PCA does not change when the rows are rotated, so all rows are replaced by
    the few S V^T of a principal component analysis, about their mean, and scaled so that entries of
    an average direction are about 1: the penalty then means the same for any layer and any number
    of samples.
    """
    found = base.principal(min(3 * components, base.count - 1))
    keep = pca.significant(found.variance)
    stdev, axes = found.variance[:keep].sqrt(), found.vectors[:keep].double()
    scale = axes.shape[1] / sqrt(max(found.total, 1e-30))
    compressed = (scale * stdev[:, None] * axes).numpy()
    codes = torch.from_numpy(
        _sparse_codes(compressed, min(components, keep), plan, report)
    ).double()
    codes = codes[codes.norm(dim=1) > 0]
    if not len(codes):
        raise BadData("every sparse component is zero", "lower sparsity")
    vectors = codes / codes.norm(dim=1, keepdim=True)
    inner = vectors @ axes.T  # (J, K) in principal coordinates
    reader = torch.linalg.solve(vectors @ vectors.T + RIDGE * torch.eye(len(vectors)), inner)
    spread = (reader * stdev) @ (reader * stdev).T
    size = spread.diagonal().sqrt().clamp_min(1e-30)
    cross = reader @ found.cross[:keep] / size[:, None]
    spread = spread / size / size[:, None]
    ridge = 1e-6 * torch.eye(len(spread)).double()
    regression = torch.linalg.solve(spread + ridge, cross)
    projected, r2 = (inner * stdev).norm(dim=1), pca.explained(cross, found.latents)
    return by_stdev(
        pca.Components(
            vectors.float(), projected, found.total, regression, r2, found.latents, base.count
        )
    )


def _sparse_codes(rows: Array, components: int, plan: FitPlan, report: Report) -> Array:
    """Sparse components (J, D) of compressed rows (K, D)."""
    from sklearn.decomposition import MiniBatchSparsePCA

    mirrored = np.concatenate([rows, -rows]) / sqrt(2)  # their mean is 0, and taken off by fit
    passed = 0

    def tell(_: object) -> None:
        nonlocal passed
        passed += 1
        report(passed, 0, "sparse PCA steps")

    model = MiniBatchSparsePCA(
        n_components=components,
        alpha=plan.sparsity,
        method="cd",
        batch_size=min(256, rows.shape[1]),
        max_iter=100,
        random_state=plan.seed,
        callback=tell,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each step need not converge for the whole to do
        model.fit(mirrored)
    return np.asarray(model.components_)


def by_stdev(found: pca.Components) -> pca.Components:
    """The same components, the widest first."""
    order = found.stdev.argsort(descending=True, stable=True)
    rows = {name: getattr(found, name)[order] for name in ("vectors", "stdev", "regression", "r2")}
    return replace(found, **rows)
