"""Pictures and films of a file, in the terminal: one loop, in place, and a clean terminal after."""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain, count
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latty import pictures
from latty.cli import signals
from latty.errors import BadData
from latty.render.grids import on_board
from latty_tui import terminal as latty_tui_terminal
from latty_tui.terminal.probe import Terminal

if TYPE_CHECKING:
    from PIL.Image import Image

Frame = tuple[NDArray[np.uint8], float]  # pixels (H, W, 3), seconds until the next one
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
NUMBERS = count(42)  # of pictures; a film redraws one and the same
SHARP = 2048  # px of a side: as much as a terminal shows
STRIP = 64  # rows of what is made smaller at once
NAP = 0.05  # seconds: how fast Ctrl-C is felt


def play(path: Path, terminal: Terminal) -> None:
    """Show a still, or play a film once. Raises BadData, Interrupted."""
    found = frames(path)
    if (first := next(found, None)) is None:
        raise BadData(f"{path.name} holds no picture")
    number, second = next(NUMBERS), next(found, None)
    if second is None:
        _write(latty_tui_terminal.draw(first[0], terminal, number))
    else:
        _film(chain((first, second), found), first, terminal, number)


def _film(film: Iterable[Frame], first: Frame, terminal: Terminal, number: int) -> None:
    """Every frame in the same place. One that comes too late is left out."""
    _, rows = latty_tui_terminal.render(first[0], terminal, number)
    below = f"\x1b[{rows}B\r{SHOW}"
    due = time.monotonic()
    with signals.cooperative(farewell=below.encode()):
        _write(HIDE + latty_tui_terminal.reserve(rows))
        try:
            for pixels, seconds in film:
                signals.check()
                due += seconds
                if time.monotonic() < due:
                    data, _ = latty_tui_terminal.render(pixels, terminal, number)
                    _write(latty_tui_terminal.placed(data))
                    _wait(due)
        finally:
            _write(below)


def _wait(due: float) -> None:
    while (left := due - time.monotonic()) > 0:
        signals.check()
        time.sleep(min(left, NAP))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def frames(path: Path, most: int = pictures.LARGEST) -> Iterator[Frame]:
    """Frames of a picture or film, one in memory at a time: pixels (H, W, 3), those with an opacity
    on a board, at most SHARP px wide or high, and seconds. Raises BadData where it is damaged
    or has more than `most` px; UnfitFile, OSError."""
    from PIL import UnidentifiedImageError

    try:
        for frame in pictures.frames(path, most, SHARP):
            yield on_board(_pixels(frame)), frame.info.get("duration", 100) / 1000
        return
    except UnidentifiedImageError:
        pass  # a video: Pillow reads none
    for one, seconds in pictures.film(path, most):
        yield one.to_ndarray(format="rgb24").astype(np.uint8, copy=False), seconds


def _pixels(frame: "Image") -> NDArray[np.uint8]:
    """Pixels (H, W, 3 or 4) of a frame, no more than a terminal shows: a large one is made smaller
    a strip at a time, and stays in memory once."""
    mode = "RGBA" if frame.has_transparency_data else "RGB"
    if (times := ceil(max(frame.size) / SHARP)) == 1:
        return np.asarray(frame if frame.mode == mode else frame.convert(mode))
    width, height = frame.size
    tops = range(0, height, STRIP * times)
    strips = (frame.crop((0, y, width, min(y + STRIP * times, height))) for y in tops)
    return np.concatenate([np.asarray(strip.convert(mode).reduce(times)) for strip in strips])
