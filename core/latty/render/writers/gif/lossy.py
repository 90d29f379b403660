"""Longer runs for LZW: a pixel stays as the last frame had it, or as its left neighbour is, where
that is nearly as good. The first makes it transparent, the second repeats a code.

What is allowed counts in squared error beyond that of the nearest colour, so that no pixel is
further off than the tolerance, however long a film stands still.
"""

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels

Indices = NDArray[np.uint8]
Levels = NDArray[np.int32]


class Simplifier:
    """Makes frames of palette entries cheaper, one after the other.

    colours    the palette (K, 3)
    tolerance  levels of 255 that a pixel may be further off than it had to be
    """

    def __init__(self, colours: Pixels, tolerance: int) -> None:
        self._colours = colours.astype(np.int32)
        self._allowed = tolerance**2
        self._shown: Indices | None = None

    def __call__(self, pixels: Pixels, indices: Indices) -> Indices:
        """The entries (H, W) to show for a frame (H, W, 3) whose nearest ones are `indices`."""
        wanted = pixels.astype(np.int32)
        limit = self._error(wanted, indices) + self._allowed
        simple = self._runs(wanted, indices, limit)
        if self._shown is not None:
            stays = self._error(wanted, self._shown) <= limit
            simple = np.where(stays, self._shown, simple)
        self._shown = simple
        return simple

    def _runs(self, wanted: Levels, indices: Indices, limit: Levels) -> Indices:
        """Each row with the entry of the left neighbour where that is within the limit."""
        columns, found = np.ascontiguousarray(wanted.transpose(1, 0, 2)), indices.T.copy()
        limits = np.ascontiguousarray(limit.T)
        for x in range(1, len(found)):
            left = found[x - 1]
            fits = self._error(columns[x], left) <= limits[x]
            np.copyto(found[x], left, where=fits)
        return np.ascontiguousarray(found.T)

    def _error(self, wanted: Levels, indices: Indices) -> Levels:
        """Squared errors (...) of entries (...) for colours (..., 3)."""
        gap = wanted - self._colours[indices]
        squares: Levels = np.einsum("...c,...c->...", gap, gap)
        return squares
