"""From pixels to entries of a palette through a table; a dither mixes two of them.

A dither takes, for each colour, the nearest entry and the one with which a mixture comes nearest,
and a fixed 8 x 8 pattern of thresholds (Bayer 1973) says which of them a pixel shows. So it is as
strong as the palette is coarse there, and no still pixel flickers.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels
from latty.render.writers.gif import palette
from latty.render.writers.gif.container import Indices

_NOISE = 0.1  # what that of a mixture counts against the error that is left
# how far an entry may lie that is mixed in, in levels, and for each level of the palette's error:
# a few pixels of a far one are specks, and of photographs, whose palette is coarse, a dither would
# take 2 dB for nothing
_FAR, _FARTHER = 8, 1


class PaletteTable:
    """The entry of each pixel of pictures (H, W, 3).

    index   the occupied bins (P,), of `bits` per channel
    points  their colours (P, 3)
    dither  how many pixels have each of the colours (P,), where two entries are to be mixed
    """

    def __init__(
        self,
        index: palette.Index,
        points: palette.Points,
        colours: Pixels,
        bits: int,
        dither: palette.Floats | None = None,
    ) -> None:
        self._bits = bits
        near = palette.nearest(points, colours)
        self._near = np.zeros(1 << 3 * bits, np.uint8)
        self._near[index] = near
        self._other: Indices | None = None
        if dither is not None:
            self._other, self._share = np.zeros_like(self._near), np.zeros_like(self._near)
            self._other[index], self._share[index] = _mixed(points, colours, near, dither)

    @classmethod
    def of_film(cls, counts: NDArray[np.int64], colours: Pixels, dither: bool) -> Self:
        """Of all pictures whose histogram is `counts`, in a palette (K, 3)."""
        if dither:  # of cells: mixtures of all bins take five times as long to find
            cells = palette.of_film(counts)
            return cls(cells.occupied, cells.means, colours, palette.CELL_BITS, cells.weights)
        occupied = np.flatnonzero(counts > 0)
        return cls(occupied, palette.centres(occupied), colours, palette.BITS)

    def __call__(self, planes: Pixels) -> Indices:
        """The entries (H, W) of a picture (3, H, W)."""
        found = np.empty(planes.shape[1:], np.uint8)
        for rows in palette.strips(found.shape):
            part = found[rows]
            index = palette.bins(planes[:, rows], self._bits).reshape(part.shape)
            part[:] = self._near.take(index)
            if self._other is not None:
                tiles = -(-part.shape[0] // 8), -(-part.shape[1] // 8)
                pattern = np.tile(_bayer(), tiles)[: part.shape[0], : part.shape[1]]
                mixed = self._share.take(index) > pattern
                np.copyto(part, self._other.take(index), where=mixed)
        return found


def _mixed(
    points: palette.Points, colours: Pixels, near: palette.Index, weights: palette.Floats
) -> tuple[Indices, Indices]:
    """For colours (P, 3) with their nearest entry: the entry to mix with it, and its share, of
    255."""
    entries = colours.astype(np.float32)
    error = weights @ ((points - entries[near]) ** 2).sum(1) / weights.sum()
    limit = (_FAR + _FARTHER * np.sqrt(error)) ** 2
    between = ((entries[:, None] - entries[None]) ** 2).sum(2)
    other, share = np.zeros(len(points), np.uint8), np.zeros(len(points), np.uint8)
    for i in range(0, len(points), 1 << 11):
        part, first = points[i : i + (1 << 11)], near[i : i + (1 << 11)]
        gap, apart = part - entries[first], np.maximum(between[first], 1e-3)
        along = gap @ entries.T - np.einsum("pc,pc->p", gap, entries[first])[:, None]
        amount = np.where(apart <= limit, np.clip(along / apart, 0, 0.5), 0)
        # what is left of the error, and the noise, against those of the nearest entry alone
        cost = amount * (amount * apart - 2 * along) + _NOISE * amount * (1 - amount) * apart
        best = cost.argmin(1)[:, None]
        other[i : i + (1 << 11)] = best[:, 0]
        share[i : i + (1 << 11)] = np.rint(np.take_along_axis(amount, best, 1)[:, 0] * 255)
    return other, share


def _bayer() -> Pixels:
    """The 8 x 8 ordered-dither thresholds, 2..253."""
    rank = np.zeros((1, 1))
    for _ in range(3):
        rank = np.block([[4 * rank, 4 * rank + 2], [4 * rank + 3, 4 * rank + 1]])
    return ((rank + 0.5) * 4 - 0.5).astype(np.uint8)
