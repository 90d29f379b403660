"""Principal components where no covariance fits: a sketch of few rows, merged block by block.

The sketch B (l, D) has nearly the Gram matrix of all centred rows so far, B^T B ~ X^T X. A block of
b new rows, centred by its own mean, and one row for the way the mean moved are put below it; of the
stack's l + b + 1 right singular vectors the first l are kept, found from the small Gram matrix
M M^T. One pass, (l + b + 1) D numbers of memory, whatever D and the number of rows are. On the flat
spectra of generators' activations this beats the randomised range finder with several passes.

The latents' columns are rotated along with the rows they belong to, but have no part in choosing
the rotation: B^T B_z then approximates X^T Z as well as B^T B does X^T X.

Pieces of fixed size have sketches of their own, which are merged in their order as a block is: any
process may have made a piece.
"""

from collections.abc import Mapping
from math import ceil, sqrt

import torch
from torch import Tensor

from latty.directions.methods.ganspace import pca
from latty.directions.moments import Covariance, accumulate, gram

PIECE = 16  # rows of a piece, in rows of its sketch: what is kept of it is a sixteenth


class SketchOfRows:
    """What the sketch of many rows is: `keep` rows (l, D + Q), their mean, their number, the sum of
    their squares about it, and the covariance of the latents."""

    def __init__(self, rows: Tensor, latents: Covariance) -> None:
        self.rows, self.latents = rows, latents
        self.count, self.total = 0, 0.0
        self.mean = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)

    def state(self, prefix: str = "") -> dict[str, Tensor]:
        """What it knows, by name: rows (l, D + Q), their mean (D + Q,) and figures."""
        figures = torch.tensor([self.count, self.total], dtype=torch.float64)
        own = {"sketch": self.rows, "mean": self.mean, "figures": figures}
        named = {f"{prefix}{name}": array for name, array in own.items()}
        return named | self.latents.state(f"{prefix}latents.")

    def restore(self, state: Mapping[str, Tensor], prefix: str = "") -> None:
        """Go on from what `state` gave: rows (l, D + Q), mean (D + Q,)."""
        self.rows.copy_(state[f"{prefix}sketch"])
        self.mean.copy_(state[f"{prefix}mean"])
        figures = state[f"{prefix}figures"]
        self.count, self.total = int(figures[0]), float(figures[1])
        self.latents.restore(state, f"{prefix}latents.")


class Sketch(pca.PiecewiseEstimator[SketchOfRows]):
    """Merge-and-truncate; `keep` = l rows are kept, `block` = b rows are merged at a time. Without
    `split` all rows are one piece, which spares the memory of a second sketch."""

    def __init__(
        self,
        samples: int,
        width: int,
        latent: int,
        keep: int,
        block: int,
        device: torch.device,
        split: bool = True,
    ) -> None:
        self.samples, self.width, self.keep, self.block = samples, width, keep, block
        self.latent, self.device = latent, device
        self.piece = block * ceil((PIECE * keep if split else samples) / block)
        most = max(block, keep) if samples > self.piece else block  # a sketch is merged, too
        self.rows = torch.zeros(keep + 1 + most, width + latent, device=device)
        self.own = SketchOfRows(self.rows[:keep], Covariance(latent, device))

    def room(self) -> Tensor:
        """Rows of a block to be written, (block, D + Q)."""
        return self.rows[self.keep + 1 : self.keep + 1 + self.block]

    def add(self, n: int) -> None:
        own = self.own
        own.latents.add(self.room()[:n, self.width :])
        self._centre(n)
        own.count += n
        own.total += self._truncate(self.keep + 1 + n)[self.keep :].sum().item()
        if own.count == self.piece or self.count == self.samples:
            self.close(self.count < self.samples)

    def close(self, more: bool) -> None:
        if self.whole is None:
            self.whole = self.own
            if more:  # the next piece needs the place
                self.whole.rows = self.own.rows.clone()
        else:
            self._merge(self.whole)
        self.own = SketchOfRows(self.rows[: self.keep], Covariance(self.latent, self.device))
        if more:
            self.rows[: self.keep].zero_()

    def _merge(self, whole: SketchOfRows) -> None:
        """The piece's sketch, and the row for the way to its mean, below the sketch so far."""
        keep, own = self.keep, self.own
        share = own.count / (whole.count + own.count)
        way = own.mean - whole.mean
        self.rows[keep + 1 : 2 * keep + 1] = self.rows[:keep]
        self.rows[:keep] = whole.rows
        self.rows[keep] = (sqrt(whole.count * share) * way).float()
        whole.mean += share * way
        squares = self._truncate(2 * keep + 1)
        whole.total += own.total + squares[keep].item()
        whole.count += own.count
        whole.latents.merge(own.latents)
        whole.rows.copy_(self.rows[:keep])

    def _centre(self, n: int) -> None:
        """Rows about their own mean, and the row that stands for the difference of the means:
        sqrt(N n / (N + n)) (block mean - mean), as two sums of squares are merged."""
        count, means = self.own.count, self.own.mean
        new, share = self.room()[:n], n / (count + n)
        weight = sqrt(count * share)
        for columns in pca.column_chunks(len(means)):
            part, mean = new[:, columns], means[columns]
            own = part.mean(0, dtype=torch.float64)
            part -= own.float()
            self.rows[self.keep, columns] = (weight * (own - mean)).float()
            mean += share * (own - mean)

    def _truncate(self, used: int) -> Tensor:
        """Turn the first `used` rows so that the first `keep` say the most, and keep those; gives
        the squares (used,) of the rows as they were, in the layer."""
        products = torch.zeros(used, used, dtype=torch.float64, device=self.rows.device)
        for columns in pca.column_chunks(self.width):
            accumulate(products, gram(self.rows[:used, columns].T))
        squares = products.diagonal().clone()
        rotation = pca.top_eigenpairs(products, self.keep)[1].float().to(self.rows)
        for columns in pca.column_chunks(self.rows.shape[1]):
            turned = rotation @ self.rows[:used, columns]
            self.rows[: len(turned), columns] = turned
        self.rows[len(rotation) : self.keep] = 0
        return squares

    def part(self, rows: int) -> "Sketch":
        return Sketch(rows, self.width, self.latent, self.keep, self.block, self.device, False)

    def principal(self, components: int) -> pca.Principal:
        """Gives the rows' memory away: there is no adding afterwards."""
        whole = self.finished()
        self.rows, self.own.rows, d = self.rows[:0].clone(), self.rows[:0], self.width
        sketch, freedom = whole.rows, max(whole.count - 1, 1)
        squares, turn = pca.top_eigenpairs(_gram_double(sketch[:, :d]), min(components, self.keep))
        riders = turn @ sketch[:, d:].double().cpu()
        scale = squares.sqrt().clamp_min(1e-30)
        _apply(turn / scale[:, None], sketch[:, :d])
        vectors = sketch[: len(turn), :d].clone()
        whole.rows = sketch = sketch[:0].clone()
        _orthonormalise(vectors[: int((squares > 1e-12 * squares[:1]).sum())])
        cross = riders * scale[:, None] / freedom
        total, latents = whole.total / freedom, whole.latents.matrix()
        return pca.Principal(vectors.cpu(), squares / freedom, total, cross, latents, whole.count)


def _gram_double(rows: Tensor) -> Tensor:
    """rows rows^T (l, l) in float64, of float32 rows (l, D)."""
    products = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for columns in pca.column_chunks(rows.shape[1]):
        products += gram(rows[:, columns].double().T)
    return products


def _apply(matrix: Tensor, rows: Tensor) -> None:
    """The first rows become matrix (K, l) @ rows (l, D), computed in float64."""
    matrix = matrix.to(rows.device)
    for columns in pca.column_chunks(rows.shape[1]):
        rows[: len(matrix), columns] = (matrix @ rows[:, columns].double()).float()


def _orthonormalise(vectors: Tensor) -> None:
    """Rows (K, D) that are nearly orthonormal become so: V <- L^-1 V with V V^T = L L^T."""
    lower = torch.linalg.cholesky(_gram_double(vectors))
    _apply(torch.linalg.inv(lower), vectors)
