"""Pictures of few colours, chosen over the whole film and, for smooth ones, for each.

Smooth pictures (portraits, gradients) have few colours at a time: a palette of their own takes
5 dB off their error for a tenth more bytes and is chosen in milliseconds. The colours of a
photograph are too many for that: they come from the film's palette.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latty.presets import Output
from latty.presets.formats import Frames, Pixels, starts
from latty.render.writers.gif import palette
from latty.render.writers.gif.container import GifFile, Indices
from latty.render.writers.gif.entries import PaletteTable
from latty.render.writers.gif.lossy import Simplifier
from latty.report import Report

COLOURS = 255  # the last entry is transparent: pixels that stay as they were cost next to nothing
_SMOOTH = 1 << 13  # cells of a picture with a palette of its own, or a 32nd of its pixels
_PLAIN = 2.0  # squared error of the film's palette that no other has to better: 50 dB
_NEAR = 2  # squared error by which a pixel that stays may be worse
_RUN = 4  # pixels in a row that stay: fewer cost more codes than they save
_FAINT = 0.05  # weight of what is shown well already

Mask = NDArray[np.bool_]
Errors = NDArray[np.int32]
Shown = tuple[Indices, Mask | None, Pixels | None]


def encode(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """Two passes over frames (H, W, 3): colours, then pictures. Raises OSError."""
    counts = palette.histogram(film)
    cells = palette.of_film(counts)
    colours = palette.choose(cells.means, cells.weights, min(output.colours, COLOURS))
    times = starts(len(film), film.fps, 100)
    way = _Colouring(colours, counts, output)
    size = film.height, film.width
    with GifFile(path, size, colours, film.loops, comment.encode("ascii")) as container:
        for i, shown in enumerate(way.shown(film)):
            container.add(*shown, delay=times[i + 1] - times[i])
            report(i + 1, len(film), "gif")


class _Colouring:
    """Frames of a film as entries of its palette (K, 3), or of their own."""

    def __init__(self, colours: Pixels, counts: NDArray[np.int64], output: Output) -> None:
        self._colours, self._most = colours, min(output.colours, COLOURS)
        self._film = PaletteTable.of_film(counts, colours, output.dither)
        self._simplify = Simplifier(colours, output.lossy) if output.lossy else None
        self._dither = output.dither
        self._usual = 0.0  # squared error of the last palette that was a picture's own

    def shown(self, film: Iterable[Pixels]) -> Iterator[Shown]:
        """Of each frame: its entries (H, W), which pixels stay as they are, its own palette."""
        before: Pixels | None = None
        canvas: Pixels | None = None
        for pixels in film:
            if before is None or canvas is None:
                indices, own = self._coloured(pixels, None)
                canvas = self._drawn(indices, own)
                yield indices, None, own
            elif np.array_equal(pixels, before):
                size = pixels.shape[:2]
                yield np.zeros(size, np.uint8), np.ones(size, np.bool_), None
            else:
                indices, own = self._coloured(pixels, canvas)
                drawn = self._drawn(indices, own)
                stays = _same(pixels, before)
                if own is None:
                    stays |= _same(drawn, canvas)
                else:
                    stays |= _error(canvas, pixels) <= _error(drawn, pixels) + _NEAR
                stays = _runs(stays)
                for channel in range(3):  # a third of the time of all at once
                    np.copyto(canvas[..., channel], drawn[..., channel], where=~stays)
                yield indices, stays, own
            before = pixels

    def _drawn(self, indices: Indices, own: Pixels | None) -> Pixels:
        return (self._colours if own is None else own).take(indices, axis=0)

    def _coloured(self, pixels: Pixels, canvas: Pixels | None) -> tuple[Indices, Pixels | None]:
        """The entries (H, W) of a frame over what is shown, and its own palette where it has
        one."""
        # A dither hides what bands the film's palette leaves, the same pixels in every frame.
        plain = self._simplify is None and not self._dither
        if plain and (found := self._own(pixels, canvas)):
            return found
        indices = self._film(pixels)
        return (self._simplify(pixels, indices) if self._simplify else indices), None

    def _own(self, pixels: Pixels, canvas: Pixels | None) -> tuple[Indices, Pixels] | None:
        """The same with a palette of its own: None where the film's is as good, or where there
        are too many colours for one."""
        cell = palette.cell_bins(pixels)
        if palette.occupied_cells(cell) > max(_SMOOTH, cell.size >> 5):
            return None
        cells = palette.of_picture(pixels, cell)
        if self._error(cells, self._colours) <= _PLAIN:
            return None
        weights = cells.weights
        if canvas is not None:
            missed = _error(canvas, pixels).ravel()
            moved = np.bincount(cell[missed > self._usual], minlength=palette.CELLS)
            weights = _FAINT * weights + moved[cells.occupied]
        own = palette.choose(cells.means, weights, self._most)
        self._usual = self._error(cells, own)
        return PaletteTable.of_picture(cells, own)(pixels), own

    def _error(self, cells: palette.ColourCells, colours: Pixels) -> float:
        """Mean squared error (three channels together) of the cells in a palette."""
        gaps = cells.means - colours[palette.nearest(cells.means, colours)]
        return float(cells.weights @ (gaps**2).sum(1) / cells.weights.sum())


def _error(one: Pixels, other: Pixels) -> Errors:
    """Squared errors (H, W) between pictures (H, W, 3)."""
    gap = np.subtract(one, other, dtype=np.int16)
    gap *= gap
    squares = gap.view(np.uint16)  # up to 255 * 255; channel by channel is five times as quick
    total = squares[..., 0].astype(np.int32)
    total += squares[..., 1]
    total += squares[..., 2]
    return total


def _same(one: Pixels, other: Pixels) -> Mask:
    """The pixels (H, W) that are equal in two pictures (H, W, 3)."""
    equal = one == other
    whole: Mask = equal[..., 0] & equal[..., 1] & equal[..., 2]
    return whole


def _runs(mask: Mask) -> Mask:
    """The runs of a mask (H, W) in its rows that are long enough."""
    width = mask.shape[1] - _RUN + 1
    if width < 1:
        return mask
    begins = mask[:, :width].copy()
    for i in range(1, _RUN):
        begins &= mask[:, i : i + width]
    found = np.zeros_like(mask)
    for i in range(_RUN):
        found[:, i : i + width] |= begins
    return found
