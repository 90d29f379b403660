"""Pictures of few colours, chosen over the whole film and, for smooth ones, for each.

Smooth pictures (portraits, gradients) have few colours at a time: a palette of their own takes
5 dB off their error for a tenth more bytes and is chosen in milliseconds. The colours of a
photograph are too many for that: they come from the film's palette.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latty.presets import Output
from latty.presets.formats import Frames, Pixels, starts
from latty.render.writers.gif import palette
from latty.render.writers.gif.container import GifFile, Indices
from latty.render.writers.gif.entries import PaletteTable
from latty.render.writers.gif.lossy import Simplifier
from latty.render.writers.gif.own import OwnPalettes
from latty.render.writers.gif.shown import Errors, Mask, draw_over, drawn
from latty.report import Report

COLOURS = 255  # the last entry is transparent: pixels that stay as they were cost next to nothing
Shown = tuple[Indices, Mask | None, Pixels | None]


def encode(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """Two passes over frames (H, W, 3): colours, then pictures. Raises OSError."""
    way = _Colouring(palette.histogram(film), output, (film.height, film.width))
    times, size = starts(len(film), film.fps, 100), (film.height, film.width)
    with GifFile(path, size, way.colours, film.loops, comment.encode("ascii")) as container:
        for i, shown in enumerate(way.shown(film)):
            container.add(*shown, delay=times[i + 1] - times[i])
            report(i + 1, len(film), "gif")


class _Colouring:
    """Frames (H, W) of a film as entries of its palette, or of their own.

    colours  the film's palette (K, 3)
    """

    def __init__(self, counts: NDArray[np.int64], output: Output, size: tuple[int, int]) -> None:
        cells, most = palette.of_film(counts), min(output.colours, COLOURS)
        self.colours = palette.choose(cells.means, cells.weights, most)
        self._counts, self._dither = counts, output.dither
        self._simplify = Simplifier(self.colours, output.lossy) if output.lossy else None
        # A dither hides what bands the film's palette leaves, the same pixels in every frame.
        plain = self._simplify is None and not output.dither
        self._own = OwnPalettes(cells, self.colours, most, size) if plain else None

    @cached_property
    def _film(self) -> PaletteTable:
        """Smooth films never ask for it."""
        return PaletteTable.of_film(self._counts, self.colours, self._dither)

    def shown(self, film: Iterable[Pixels]) -> Iterator[Shown]:
        """Of each frame: its entries (H, W), which pixels stay as they are, its own palette."""
        before: Pixels | None = None
        canvas: Pixels | None = None
        for pixels in film:
            planes = palette.planes_of(pixels)
            if before is None or canvas is None:
                indices, own, _ = self._coloured(pixels, planes, None)
                canvas = drawn(indices, self.colours if own is None else own)
                yield indices, None, own
            elif np.array_equal(planes, before):
                size = pixels.shape[:2]
                yield np.zeros(size, np.uint8), np.ones(size, np.bool_), None
            else:
                indices, own, missed = self._coloured(pixels, planes, canvas)
                colours = self.colours if own is None else own
                stays = draw_over(canvas, indices, colours, planes, before, missed)
                yield indices, stays, own
            before = planes

    def _coloured(
        self, pixels: Pixels, planes: Pixels, canvas: Pixels | None
    ) -> tuple[Indices, Pixels | None, Errors | None]:
        """The entries (H, W) of a frame over what is shown, and where it has them its own palette
        and what misses it (see `OwnColours`)."""
        if self._own and (found := self._own(planes, canvas)):
            return found
        indices = self._film(planes)
        return (self._simplify(pixels, indices) if self._simplify else indices), None, None
