"""Principal components where no covariance fits: a sketch of few rows, merged block by block.

The sketch B (l, D) has nearly the Gram matrix of all centred rows so far, B^T B ~ X^T X. A block of
b new rows, centred by its own mean, and one row for the way the mean moved are put below it; of the
stack's l + b + 1 right singular vectors the first l are kept, found from the small Gram matrix
M M^T. One pass, (l + b + 1) D numbers of memory, whatever D and the number of rows are. On the flat
spectra of generators' activations this beats the randomised range finder with several passes.

The latents' columns are rotated along with the rows they belong to, but have no part in choosing
the rotation: B^T B_z then approximates X^T Z as well as B^T B does X^T X.
"""

from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor

from core.directions._pca import (
    Components,
    Covariance,
    Principal,
    accumulate,
    column_chunks,
    gram,
    top_eigenpairs,
)
from core.report import Report


class Sketch:
    """Merge-and-truncate; `keep` = l rows are kept, `block` = b rows are merged at a time."""

    eager = True

    def __init__(
        self,
        samples: int,
        width: int,
        latent: int,
        keep: int,
        block: int,
        device: torch.device,
    ) -> None:
        self.samples, self.width, self.keep, self.block = samples, width, keep, block
        self.count, self.total = 0, 0.0
        self.rows = torch.zeros(keep + 1 + block, width + latent, device=device)
        self.mean = torch.zeros(width + latent, dtype=torch.float64, device=device)
        self.latents = Covariance(latent, device)

    def room(self) -> Tensor:
        return self.rows[self.keep + 1 :]

    def add(self, n: int) -> None:
        self.latents.add(self.room()[:n, self.width :])
        self._centre(n)
        self.count += n
        self._truncate(self.keep + 1 + n)

    def _centre(self, n: int) -> None:
        """Rows about their own mean, and the row that stands for the difference of the means:
        sqrt(N n / (N + n)) (block mean - mean), as two sums of squares are merged."""
        new, share = self.room()[:n], n / (self.count + n)
        weight = sqrt(self.count * share)
        for columns in column_chunks(len(self.mean)):
            part, mean = new[:, columns], self.mean[columns]
            own = part.mean(0, dtype=torch.float64)
            part -= own.float()
            self.rows[self.keep, columns] = (weight * (own - mean)).float()
            mean += share * (own - mean)

    def _truncate(self, used: int) -> None:
        """Turn the first `used` rows so that the first `keep` say the most, and keep those."""
        products = torch.zeros(used, used, dtype=torch.float64, device=self.rows.device)
        for columns in column_chunks(self.width):
            accumulate(products, gram(self.rows[:used, columns].T))
        self.total += float(products.diagonal()[self.keep :].sum())
        rotation = top_eigenpairs(products, self.keep)[1].float().to(self.rows)
        for columns in column_chunks(len(self.mean)):
            turned = rotation @ self.rows[:used, columns]
            self.rows[: len(turned), columns] = turned
        self.rows[len(rotation) : self.keep] = 0

    def state(self) -> dict[str, Tensor]:
        own = {"sketch": self.rows[: self.keep], "mean": self.mean}
        figures = torch.tensor([self.count, self.total], dtype=torch.float64)
        return own | {"figures": figures} | self.latents.state("latents.")

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.rows[: self.keep].copy_(state["sketch"])
        self.mean.copy_(state["mean"])
        self.count, self.total = int(state["figures"][0]), float(state["figures"][1])
        self.latents.restore(state, "latents.")

    def principal(self, components: int) -> Principal:
        """Gives the rows' memory away: there is no adding afterwards."""
        sketch, d = self.rows[: self.keep], self.width
        squares, turn = top_eigenpairs(_gram_double(sketch[:, :d]), min(components, self.keep))
        riders = turn @ sketch[:, d:].double().cpu()
        scale = squares.sqrt().clamp_min(1e-30)
        _apply(turn / scale[:, None], sketch[:, :d])
        vectors = sketch[: len(turn), :d].clone()
        self.rows = self.rows[:0].clone()
        _orthonormalise(vectors[: int((squares > 1e-12 * squares[:1]).sum())])
        cross = riders * scale[:, None] / max(self.count - 1, 1)
        freedom = max(self.count - 1, 1)
        return Principal(
            vectors.cpu(),
            squares / freedom,
            self.total / freedom,
            cross,
            self.latents.matrix(),
            self.count,
        )

    def finish(self, components: int, report: Report) -> Components:
        return self.principal(components).components()


def _gram_double(rows: Tensor) -> Tensor:
    """rows rows^T (l, l) in float64, of float32 rows (l, D)."""
    products = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for columns in column_chunks(rows.shape[1]):
        products += gram(rows[:, columns].double().T)
    return products


def _apply(matrix: Tensor, rows: Tensor) -> None:
    """The first rows become matrix (K, l) @ rows (l, D), computed in float64."""
    matrix = matrix.to(rows.device)
    for columns in column_chunks(rows.shape[1]):
        rows[: len(matrix), columns] = (matrix @ rows[:, columns].double()).float()


def _orthonormalise(vectors: Tensor) -> None:
    """Rows (K, D) that are nearly orthonormal become so: V <- L^-1 V with V V^T = L L^T."""
    lower = torch.linalg.cholesky(_gram_double(vectors))
    _apply(torch.linalg.inv(lower), vectors)
