"""Principal components of rows that come in blocks: exact, from one covariance.

Rows (N, D + Q) are D numbers of a layer and Q of the latent they came from. The latents ride along:
the covariance of both with each other is what least squares from components to latents needs.

A block goes through one float32 product (numpy hands A^T A to SYRK: half the work) into float64
sums. A fixed centre, the mean of the first block, keeps the sums small. The block size is fixed, so
that nothing depends on the batches in which the rows were made. Blocks are summed up in pieces of
fixed size, which are merged in their order: any process may have made a piece.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from latty.directions.moments import Covariance
from latty.report import Report

BLOCK = 1024  # rows
PIECE = 4 * BLOCK  # rows that are summed up by themselves
CHUNK = 8192  # columns of a wide product at once
NEGLIGIBLE = 1e-8  # of the largest variance: rounding, no component


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """What an estimator found.

    vectors     (K, D) float32, unit rows
    stdev       (K,) float64, of the rows' projections on each; falling
    total       variance of the rows, summed over all D
    regression  (K, Q) float64, least squares of latents on coordinates in their standard deviations
    r2          (K,) float64, share of each coordinate's variance that is linear in the latents
    latents     (Q, Q) float64, covariance of the latents
    count       rows seen
    """

    vectors: Tensor
    stdev: Tensor
    total: float
    regression: Tensor
    r2: Tensor
    latents: Tensor
    count: int

    @property
    def random(self) -> float:
        """Standard deviation along random unit directions: the root mean square over all of them,
        as the mean of r^T C r is tr(C) / D."""
        return sqrt(self.total / self.vectors.shape[1])


class PartialSums(Protocol):
    """Sums up rows: they are written into `room()` (block, D + Q) and taken in by `add`; every
    block but the last has `block` rows."""

    block: int

    def room(self) -> Tensor:
        """Rows of a block to be written, (block, D + Q)."""

    def add(self, n: int) -> None: ...

    def state(self) -> dict[str, Tensor]:
        """The sums, by name: arrays such as (D + Q,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Principal components as the estimators that find them see them.

    vectors (K, D) float32 orthonormal; variance (K,) float64, falling; cross (K, Q) float64, the
    covariance of coordinates and latents; latents (Q, Q) float64
    """

    vectors: Tensor
    variance: Tensor
    total: float
    cross: Tensor
    latents: Tensor
    count: int

    def components(self) -> Components:
        """With the least squares to the latents. Coordinates are uncorrelated: A^T A / (n - 1) =
        S^2, so with coordinates in their standard deviations M = S^-1 P C_xz (GANSpace, sec. 3.2,
        without the second pass through the generator)."""
        keep = significant(self.variance)
        variance, cross = self.variance[:keep], self.cross[:keep]
        stdev = variance.sqrt()
        regression = cross / stdev[:, None]
        r2 = explained(regression, self.latents)
        vectors = self.vectors[:keep]
        return Components(vectors, stdev, self.total, regression, r2, self.latents, self.count)


class Estimator(PartialSums, ABC):
    """Takes rows in, gives components.

    `state` and `restore` are for going on in another process: arrays named "rows-..." never change
    once they are there. `take` adds a piece of rows that what `part` made has seen, by its state;
    the result is the same as if the rows had been added here.

    piece     rows, a multiple of `block`
    samples   rows it can take
    eager     whether `finish` is quick at any time
    finisher  makes the components, where they are other than principal ones
    """

    piece: int
    samples: int
    eager: bool = True
    finisher: Callable[[int, Report], Components] | None = None

    @property
    @abstractmethod
    def count(self) -> int:
        """Rows seen."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from the arrays of `state`, such as (D + Q,)."""

    @abstractmethod
    def part(self, rows: int) -> PartialSums:
        """What sums up a piece of so many rows elsewhere."""

    @abstractmethod
    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take in the `state` of a piece summed up elsewhere, arrays such as (D + Q,)."""

    @abstractmethod
    def principal(self, components: int) -> Principal:
        """The first principal components of the rows."""

    def finish(self, components: int, report: Report) -> Components:
        """What was found. Raises BadData where that is nothing."""
        if self.finisher:
            return self.finisher(components, report)
        return self.principal(components).components()


class Mergeable(Protocol):
    """Sums over the rows of a piece."""

    count: int

    def state(self, prefix: str = "") -> dict[str, Tensor]:
        """The sums, by name: arrays such as (D + Q,)."""

    def restore(self, state: Mapping[str, Tensor], prefix: str = "") -> None:
        """Go on from what `state` gave, arrays such as (D + Q,)."""


S = TypeVar("S", bound=Mergeable)


class PiecewiseEstimator(Estimator, Generic[S]):
    """Sums up pieces of rows by themselves, and merges them in their order."""

    own: S  # of the piece at hand
    whole: S | None = None  # of all finished pieces

    @property
    def count(self) -> int:
        return self.own.count + (self.whole.count if self.whole else 0)

    @abstractmethod
    def close(self, more: bool) -> None:
        """The piece at hand is finished; `more` rows come, or not."""

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take in the `state` of a piece summed up elsewhere, arrays such as (D + Q,)."""
        self.own.restore(state)
        self.close(self.count < self.samples)

    def state(self) -> dict[str, Tensor]:
        """The sums, by name: arrays such as (D + Q,)."""
        found = self.whole.state() if self.whole else {}
        return found | self.own.state("own.") if self.own.count else found

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from the arrays of `state`, such as (D + Q,)."""
        begun = sum(name.startswith("own.") for name in state)
        if len(state) > begun:
            self.take(state)
        if begun:
            self.own.restore(state, "own.")

    def finished(self) -> S:
        """The sums of all rows."""
        if self.own.count:
            self.close(more=False)
        assert self.whole is not None, "rows"
        return self.whole


def column_chunks(width: int) -> Iterator[slice]:
    """Slices that cut `width` columns into pieces of CHUNK."""
    return (slice(start, min(start + CHUNK, width)) for start in range(0, width, CHUNK))


def top_eigenpairs(matrix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest eigenvalues (K,), falling and never below 0, and eigenvectors (K, D) of a
    symmetric float64 matrix, on the CPU; where K is a small part of D, only those are computed."""
    array, width = matrix.cpu().numpy(), len(matrix)
    count = min(count, width)
    if width >= 640 and count <= width // 2:
        from scipy.linalg import eigh

        wanted = [width - count, width - 1]
        values, vectors = eigh(array, subset_by_index=wanted, driver="evr", check_finite=False)
    else:
        values, vectors = np.linalg.eigh(array)
    largest = torch.from_numpy(values[::-1][:count].copy()).clamp_min(0)
    return largest, torch.from_numpy(np.ascontiguousarray(vectors.T[::-1][:count]))


def significant(variance: Tensor) -> int:
    """How many of falling variances (K,) are more than rounding."""
    return int((variance > NEGLIGIBLE * variance[:1].clamp_min(1e-30)).sum())


class Exact(PiecewiseEstimator[Covariance]):
    """Principal components by the covariance of layer and latent together."""

    block, piece = BLOCK, PIECE

    def __init__(self, samples: int, width: int, latent: int, device: torch.device) -> None:
        self.samples, self.width, self.latent, self.device = samples, width, latent, device
        self.own = Covariance(width + latent, device)
        self.rows = torch.empty(self.block, width + latent, device=device)

    def room(self) -> Tensor:
        """Rows of a block to be written, (block, D + Q)."""
        return self.rows

    def add(self, n: int) -> None:
        self.own.add(self.rows[:n])
        if self.own.count == self.piece or self.count == self.samples:
            self.close(self.count < self.samples)

    def close(self, more: bool) -> None:
        if self.whole is None:
            self.whole = self.own
            self.own = Covariance(self.own.width if more else 0, self.device)
        else:
            self.whole.merge(self.own)
            self.own.clear()

    def part(self, rows: int) -> "Exact":
        return Exact(rows, self.width, self.latent, self.device)

    def principal(self, components: int) -> "Principal":
        whole, d = self.finished(), self.width
        self.own = Covariance(0, self.device)
        matrix = whole.matrix()
        variance, vectors = top_eigenpairs(matrix[:d, :d], components)
        cross = vectors @ matrix[:d, d:]
        total = float(matrix[:d, :d].trace())
        return Principal(vectors.float(), variance, total, cross, matrix[d:, d:], whole.count)


def explained(regression: Tensor, latents: Tensor) -> Tensor:
    """R2 (K,) of coordinates of variance 1 regressed on latents, from their covariance (K, Q) and
    that of the latents (Q, Q)."""
    if not regression.shape[1]:
        return torch.ones(len(regression)).double()
    ridge = 1e-9 * latents.diagonal().mean().clamp_min(1e-30) * torch.eye(len(latents)).double()
    slopes = torch.linalg.solve(latents + ridge, regression.T)
    shares: Tensor = (regression.T * slopes).sum(0)
    return shares.clamp(0, 1)
