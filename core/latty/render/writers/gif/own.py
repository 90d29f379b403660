"""A palette for each picture of a film whose pictures have few colours."""

from typing import NamedTuple

import numpy as np

from latty.presets.formats import Pixels
from latty.render.writers.gif import palette
from latty.render.writers.gif.container import Indices
from latty.render.writers.gif.palette import strips
from latty.render.writers.gif.shown import Errors, squared_errors

_SMOOTH = 1 << 13  # cells of a picture with a palette of its own, or a 32nd of its pixels
_PLAIN = 2.0  # squared error of the film's palette that no other has to better: 50 dB
_FAINT = 0.05  # weight of what is shown well already
_SAMPLE = 1 << 17  # pixels that tell the means of cells


class OwnColours(NamedTuple):
    """A picture's entries (H, W) of its own palette (K, 3), and by how much what is shown missed
    it (H, W)."""

    indices: Indices
    colours: Pixels
    missed: Errors | None


class OwnPalettes:
    """Palettes of pictures (H, W), one after the other.

    film     the cells of all pictures
    colours  the film's palette (K, 3)
    most     entries of a palette
    """

    def __init__(
        self, film: palette.ColourCells, colours: Pixels, most: int, size: tuple[int, int]
    ) -> None:
        self._most = most
        self._usual = 0.0  # squared error of the last palette
        self._of_film = np.zeros((palette.CELLS, 3), np.uint8)
        self._of_film[film.occupied] = colours[palette.nearest(film.means, colours)]
        self._seen = np.zeros(palette.CELLS, np.bool_)
        self._numbers = np.zeros(palette.CELLS, np.intp)
        self._cell = np.zeros(size, np.intp)

    def __call__(self, planes: Pixels, canvas: Pixels | None) -> OwnColours | None:
        """Of a picture (3, H, W) over what is shown: None where the film's palette is as good, or
        where there are too many colours for one."""
        occupied = self._occupied(planes)
        if len(occupied) > max(_SMOOTH, self._cell.size >> 5):
            return None
        self._numbers[occupied] = np.arange(len(occupied))
        missed = None if canvas is None else squared_errors(canvas, planes)
        means, weights, moved = self._counted(planes, occupied, missed)
        if _error(means, weights, self._of_film[occupied]) <= _PLAIN:
            return None
        wanted = weights if missed is None else _FAINT * weights + moved
        colours = palette.choose(means, wanted, self._most)
        near = palette.nearest(means, colours)
        self._usual = _error(means, weights, colours[near])
        entries = np.zeros(palette.CELLS, np.uint8)
        entries[occupied] = near
        return OwnColours(entries.take(self._cell), colours, missed)

    def _occupied(self, planes: Pixels) -> palette.Index:
        """The cells (P,) of a picture, whose pixels' are remembered."""
        for rows in strips(self._cell.shape):
            cell = palette.bins(planes[:, rows], palette.CELL_BITS)
            part = self._cell[rows]
            part[:] = cell.reshape(part.shape)
            self._seen[cell] = True
        occupied = np.flatnonzero(self._seen)
        self._seen[occupied] = False
        return occupied

    def _counted(
        self, planes: Pixels, occupied: palette.Index, missed: Errors | None
    ) -> tuple[palette.Points, palette.Floats, palette.Floats]:
        """Of cells (P,): the mean colours (P, 3), or the centres of those that the sample does not
        have; how many pixels they have, and how many that are shown worse than usual."""
        step, count = max(1, self._cell.size // _SAMPLE), len(occupied)
        every, sampled, moved = np.zeros((3, count), np.intp)
        sums = np.zeros((3, count))
        for rows in strips(self._cell.shape):
            number = self._numbers.take(self._cell[rows].ravel())
            every += np.bincount(number, minlength=count)
            if missed is not None:
                worse = number[missed[rows].ravel() > self._usual]
                moved += np.bincount(worse, minlength=count)
            sample = number[::step]
            sampled += np.bincount(sample, minlength=count)
            for total, plane in zip(sums, planes[:, rows], strict=True):
                total += np.bincount(sample, plane.ravel()[::step], count)
        means = (sums / np.maximum(sampled, 1)).T.astype(np.float32)
        empty = sampled == 0
        means[empty] = palette.centres(occupied[empty], palette.CELL_BITS)
        return means, every.astype(np.float64), moved.astype(np.float64)


def _error(means: palette.Points, weights: palette.Floats, shown: Pixels) -> float:
    """Mean squared error (three channels together) of cells (P, 3) shown in colours (P, 3)."""
    gaps = means - shown
    return float(weights @ (gaps**2).sum(1) / weights.sum())
