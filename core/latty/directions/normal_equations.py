"""Least squares of many targets on latents, streamed: memory does not grow with the samples."""

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 4096  # rows of one product: float32 sums of so many are good to a millionth
CLOSE = 0.1  # standard deviations: a mean nearer to 0 than this costs no digits


@dataclass(frozen=True, slots=True)
class Fit:
    """y ~ x @ slopes + intercept; slopes (D, T), intercept (T,), r2 (T,), all float64."""

    slopes: Tensor
    intercept: Tensor
    r2: Tensor


def gram(x: Tensor) -> Tensor:
    """x^T x of x (N, D) on the CPU. numpy sees that the factors are one matrix and computes half of
    the symmetric product; torch computes all of it."""
    rows = x.numpy()
    return torch.from_numpy(rows.T @ rows)


class NormalEquations:
    """Sums of x (N, D) and y (N, T) in float64 on the CPU, from which everything else follows.

    Both are taken from a point near their means, so that nothing cancels; of float32 latents the
    products of a block are float32, too, and their sums float64.
    """

    def __init__(self, width: int, targets: int) -> None:
        self.count = 0
        self.near: tuple[Tensor, Tensor] | None = None  # (D,), (T,): means of the first batch
        self.x, self.y = torch.zeros(width).double(), torch.zeros(targets).double()
        self.xx = torch.zeros(width, width).double()
        self.xy = torch.zeros(width, targets).double()
        self.yy = torch.zeros(targets).double()

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in a batch of latents (N, D) and targets (N, T)."""
        x, y = x.detach().cpu(), y.detach().cpu()
        if self.near is None:
            first = x[:BLOCK].double()
            near = first.mean(0)  # where samples lie around 0 as it is, nothing need be copied
            far = bool((near.abs() > CLOSE * first.std(0, correction=0)).any())
            self.near = near if far else torch.zeros_like(near), y[:BLOCK].double().mean(0)
        near_x, near_y = self.near[0].to(x.dtype), self.near[1].to(y.dtype)
        self.near = near_x.double(), near_y.double()
        self.count += len(x)
        for part, targets in zip(torch.split(x, BLOCK), torch.split(y, BLOCK), strict=True):
            self._add(part - near_x if near_x.any() else part, targets - near_y)

    def _add(self, x: Tensor, y: Tensor) -> None:
        self.x += x.sum(0)
        self.y += y.sum(0)
        self.xx += gram(x)
        self.xy += torch.from_numpy(x.numpy().T @ y.to(x.dtype).numpy())
        self.yy += y.double().square().sum(0)

    @property
    def covariance(self) -> Tensor:
        """Of x, (D, D)."""
        mean = self.x / self.count
        return self.xx / self.count - torch.outer(mean, mean)

    @property
    def spread(self) -> Tensor:
        """Standard deviation of each target, (T,)."""
        return (self.yy / self.count - (self.y / self.count) ** 2).clamp_min(0).sqrt()

    def solve(self, ridge: float) -> Fit:
        """(C + ridge tr(C)/D I) slopes = cov(x, y), C the covariance of x: the intercept is free
        and the ridge has no unit."""
        cov, mean = self.covariance, self.x / self.count
        cross = self.xy / self.count - torch.outer(mean, self.y / self.count)
        eye = torch.eye(len(cov)).double()
        slopes = torch.linalg.solve(cov + (ridge * cov.trace() / len(cov)) * eye, cross)
        variance = self.spread.square()
        error = variance - 2 * (slopes * cross).sum(0) + (slopes * (cov @ slopes)).sum(0)
        r2 = torch.where(variance > 0, 1 - error / variance.clamp_min(1e-30), 0.0)
        assert self.near is not None
        middle, level = self.near[0] + mean, self.near[1] + self.y / self.count
        return Fit(slopes, level - middle @ slopes, r2)


def normal_scores(scores: Tensor) -> Tensor:
    """Scores (n, K) as the quantiles of a normal that their ranks are, whatever their scale and
    however it bends; what is no number stays so."""
    levels = torch.full_like(scores, torch.nan)
    for column, level in zip(scores.T, levels.T, strict=True):
        valid = column.isfinite()
        ranks = column[valid].argsort(stable=True).argsort()
        level[valid] = torch.special.ndtri((ranks.double() + 0.5) / len(ranks)).to(level)
    return levels
