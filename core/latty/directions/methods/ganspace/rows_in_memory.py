"""Rows that are held in memory: the dual Gram for few wide rows, and what scikit-learn works on.

The dual form needs inner products of rows only: X X^T = U S^2 U^T gives V^T = S^-1 U^T X, exactly,
for any width. The products are summed in float64 over blocks of columns as the rows come.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from latty.directions.methods.ganspace import pca
from latty.directions.moments import Covariance, gram


class RowsInMemory(pca.Estimator):
    """Rows (samples, D + Q) float32 on the CPU, as they came."""

    block, piece, eager = 512, 512, False
    count = 0

    def __init__(self, samples: int, width: int, latent: int) -> None:
        self.samples, self.width = samples, width
        self.rows = torch.empty(samples, width + latent)
        self._stored: list[tuple[int, int]] = []

    def room(self) -> Tensor:
        """Rows of a block to be written, (block, D + Q)."""
        return self.rows[self.count : self.count + self.block]

    def add(self, n: int) -> None:
        self.count += n

    def state(self) -> dict[str, Tensor]:
        """The rows since the last call as one more array, after those that were there before.
        Arrays (N, D + Q)."""
        start = self._stored[-1][1] if self._stored else 0
        if start < self.count:
            self._stored.append((start, self.count))
        return {f"rows-{a}": self.rows[a:b] for a, b in self._stored}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the rows, (N, D + Q), of `state`."""
        starts = sorted(int(name.removeprefix("rows-")) for name in state if "rows-" in name)
        for start in starts:
            part = state[f"rows-{start}"]
            self.count = start + len(part)
            self.rows[start : self.count] = part
            self._stored.append((start, self.count))

    def part(self, rows: int) -> "PieceOfRows":
        return PieceOfRows(rows, self.rows.shape[1])

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take in a piece, rows (N, D + Q)."""
        rows = state["rows"]
        self.room()[: len(rows)] = rows
        self.add(len(rows))

    def centre(self) -> Tensor:
        """Take the mean off the rows that are there, in place; gives them (N, D + Q)."""
        rows = self.rows[: self.count]
        for columns in pca.column_chunks(rows.shape[1]):
            part = rows[:, columns]
            part -= part.mean(0, dtype=torch.float64).float()
        return rows


class PieceOfRows:
    """A piece of rows as they are, for an estimator that holds them all."""

    def __init__(self, samples: int, width: int) -> None:
        self.block, self.rows = samples, torch.empty(samples, width)

    def room(self) -> Tensor:
        """Rows of a block to be written, (block, D + Q)."""
        return self.rows

    def add(self, n: int) -> None:
        assert n == len(self.rows), "a piece is one block"

    def state(self) -> dict[str, Tensor]:
        """The rows, (N, D + Q)."""
        return {"rows": self.rows}


class Dual(RowsInMemory):
    """Principal components from the inner products of all rows."""

    eager = True

    def __init__(self, samples: int, width: int, latent: int) -> None:
        super().__init__(samples, width, latent)
        self.shift = torch.zeros(width + latent)
        self.products = torch.zeros(samples, samples, dtype=torch.float64)

    def add(self, n: int) -> None:
        """Products of the new rows with all so far, about the mean of the first block."""
        start, stop = self.count, self.count + n
        new = self.rows[start:stop]
        if not start:
            self.shift = new.double().mean(0).float()
        new -= self.shift
        for columns in pca.column_chunks(self.width):
            part = new[:, columns].double()
            self.products[start:stop, start:stop] += gram(part.T)
            if start:
                self.products[start:stop, :start] += part @ self.rows[:start, columns].double().T
        self.products[:start, start:stop] = self.products[start:stop, :start].T
        self.count = stop

    def state(self) -> dict[str, Tensor]:
        """The rows (N, D + Q), their products (N, N) and what was taken off them, (D + Q,)."""
        return super().state() | {"products": self.products, "shift": self.shift}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the rows, (N, D + Q), of `state` and their products."""
        super().restore(state)
        self.products.copy_(state["products"])
        self.shift = state["shift"].clone()

    def principal(self, components: int) -> pca.Principal:
        n, d = self.count, self.width
        products = self.products[:n, :n]
        mean = products.mean(0)
        products = products - mean - mean[:, None] + mean.mean()
        squares, left = pca.top_eigenpairs(products, min(components, n - 1))
        scale = squares.sqrt().clamp_min(1e-30)
        rows, freedom = self.rows[:n], n - 1
        vectors = torch.empty(len(left), d)
        for columns in pca.column_chunks(d):  # U is orthogonal to the constant: no centring needed
            part = (left / scale[:, None]) @ rows[:, columns].double()
            vectors[:, columns] = part.float()
        latents = Covariance(rows.shape[1] - d, rows.device)
        latents.add(rows[:, d:])
        cross = (scale[:, None] * left) @ rows[:, d:].double() / freedom
        total = float(products.trace()) / freedom
        return pca.Principal(vectors, squares / freedom, total, cross, latents.matrix(), n)
