"""Least squares of many targets on latents, streamed: memory does not grow with the samples."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fit:
    """y ~ x @ slopes + intercept; slopes (D, T), intercept (T,), r2 (T,), all float64."""

    slopes: Tensor
    intercept: Tensor
    r2: Tensor


class NormalEquations:
    """Sums of x (N, D) and y (N, T) in float64 on the CPU, from which everything else follows."""

    def __init__(self, width: int, targets: int) -> None:
        self.count = 0
        self.x, self.y = torch.zeros(width).double(), torch.zeros(targets).double()
        self.xx = torch.zeros(width, width).double()
        self.xy = torch.zeros(width, targets).double()
        self.yy = torch.zeros(targets).double()

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in a batch of latents (N, D) and targets (N, T)."""
        x, y = x.cpu().double(), y.cpu().double()
        self.count += len(x)
        self.x += x.sum(0)
        self.y += y.sum(0)
        self.xx += x.T @ x
        self.xy += x.T @ y
        self.yy += y.square().sum(0)

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
        return Fit(slopes, self.y / self.count - mean @ slopes, r2)
