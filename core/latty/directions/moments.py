"""Moments of rows that come in blocks, and least squares from them: memory does not grow with the
samples.

A block goes through one float32 product (numpy hands A^T A to SYRK: half the work) into float64
sums; a fixed centre, the mean of the first block, keeps the sums small.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BLOCK = 4096  # rows of one product: float32 sums of so many are good to a millionth


def gram(rows: Tensor) -> Tensor:
    """rows^T rows (D, D) of float32 or float64 rows (N, D)."""
    if rows.device.type != "cpu":
        return rows.T @ rows
    array = rows.numpy()
    return torch.from_numpy(array.T @ array)


def accumulate(total: Tensor, part: Tensor) -> None:
    """total += part, (D, D), in float64 without a float64 copy of the part."""
    if total.device.type == "cpu":
        np.add(total.numpy(), part.numpy(), out=total.numpy())
    else:
        total += part


class Covariance:
    """Mean and covariance of rows (N, W), streamed."""

    def __init__(self, width: int, device: torch.device) -> None:
        self.count, self.width = 0, width
        self.centre = torch.zeros(width, device=device)
        self.sums = torch.zeros(width, dtype=torch.float64, device=device)
        self.products = torch.zeros(width, width, dtype=torch.float64, device=device)

    def add(self, rows: Tensor) -> None:
        """Take in rows (N, W), float32 or all float64; they are left as they are."""
        if not self.count:
            self.centre = rows.double().mean(0).to(rows)
        centred = rows - self.centre
        self.sums += centred.sum(0, dtype=torch.float64)
        accumulate(self.products, gram(centred))
        self.count += len(rows)

    def merge(self, other: "Covariance") -> None:
        """Take in the rows that `other` saw: with d between the centres,
        sum of (x + d)(x + d)^T = P + s d^T + d s^T + n d d^T."""
        way = other.centre.double() - self.centre.double()
        self.products += other.products
        self.products.addr_(other.sums, way).addr_(way, other.sums)
        self.products.addr_(way, way, alpha=other.count)
        self.sums += other.sums + other.count * way
        self.count += other.count

    def clear(self) -> None:
        """As it was new, in the same memory."""
        self.count = 0
        self.sums.zero_()
        self.products.zero_()

    def matrix(self) -> Tensor:
        """(W, W) float64, on the CPU."""
        matrix, sums = self.products.cpu().clone(), self.sums.cpu()
        matrix.addr_(sums, sums, alpha=-1 / self.count)  # in place: it may be most of the memory
        return matrix.div_(max(self.count - 1, 1))

    def state(self, prefix: str = "") -> dict[str, Tensor]:
        """Everything it knows, by name: centre and sums (W,), products (W, W)."""
        names = {"centre": self.centre, "sums": self.sums, "products": self.products}
        counted = {f"{prefix}count": torch.tensor(self.count)}
        return counted | {f"{prefix}{name}": array for name, array in names.items()}

    def restore(self, state: Mapping[str, Tensor], prefix: str = "") -> None:
        """Go on from what `state` gave: centre and sums (W,), products (W, W)."""
        self.count = int(state[f"{prefix}count"])
        for own, name in ((self.centre, "centre"), (self.sums, "sums")):
            own.copy_(state[f"{prefix}{name}"])
        self.products.copy_(state[f"{prefix}products"])


@dataclass(frozen=True, slots=True)
class Fit:
    """y ~ x @ slopes + intercept; slopes (D, T), intercept (T,), r2 (T,), all float64."""

    slopes: Tensor
    intercept: Tensor
    r2: Tensor


class NormalEquations:
    """Least squares of targets y (N, T) on x (N, D), by the covariance of both together."""

    def __init__(self, width: int, targets: int) -> None:
        self.width, self.moments = width, Covariance(width + targets, torch.device("cpu"))

    @property
    def count(self) -> int:
        """Rows seen."""
        return self.moments.count

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in a batch of latents (N, D) and targets (N, T)."""
        x, y = x.detach().cpu(), y.detach().cpu().to(x.dtype)
        for rows in torch.split(torch.cat([x, y], 1), BLOCK):
            self.moments.add(rows)

    def _matrix(self) -> Tensor:
        """Of x and y together, about their means, divided by their number."""
        return self.moments.matrix() * ((self.count - 1) / self.count)

    @property
    def covariance(self) -> Tensor:
        """Of x, (D, D)."""
        return self._matrix()[: self.width, : self.width]

    @property
    def spread(self) -> Tensor:
        """Standard deviation of each target, (T,)."""
        return self._matrix().diagonal()[self.width :].clamp_min(0).sqrt()

    def solve(self, ridge: float) -> Fit:
        """(C + ridge tr(C)/D I) slopes = cov(x, y), C the covariance of x: the intercept is free
        and the ridge has no unit."""
        matrix, d = self._matrix(), self.width
        cov, cross = matrix[:d, :d], matrix[:d, d:]
        eye = torch.eye(d).double()
        slopes = torch.linalg.solve(cov + (ridge * cov.trace() / d) * eye, cross)
        variance = matrix.diagonal()[d:].clamp_min(0)
        error = variance - 2 * (slopes * cross).sum(0) + (slopes * (cov @ slopes)).sum(0)
        r2 = torch.where(variance > 0, 1 - error / variance.clamp_min(1e-30), 0.0)
        mean = self.moments.centre.double() + self.moments.sums / self.count
        return Fit(slopes, mean[d:] - mean[:d] @ slopes, r2)
