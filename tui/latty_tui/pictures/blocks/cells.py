"""Half blocks as text: the upper pixel of a cell in ink, the lower one as its background.

A cell is eleven words of four bytes, looked up in tables; the unused bytes are 0 and are dropped at
the end. Colours that do not change are not sent again.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Words = NDArray[np.uint32]
Flags = NDArray[np.bool_]


def _words(texts: Iterable[str]) -> Words:
    """Text of up to four bytes as numbers."""
    return np.frombuffer(b"".join(text.encode().ljust(4, b"\0") for text in texts), np.uint32)


FIRST = _words(f"{i}" for i in range(256))
NEXT = _words(f";{i}" for i in range(256))
INK, PAPER = _words(["38;", "48;"])
TRUE, INDEXED, ESCAPE, BETWEEN, END, BLOCK = _words(["2;", "5;", "\x1b[", ";", "m", "▀"])
ROW_END = b"\x1b[0m\r\n"
RAMP = np.array([0, 95, 135, 175, 215, 255])  # the levels of xterm's 6 x 6 x 6 cube
NEAREST = np.abs(np.arange(256)[:, None] - RAMP).argmin(1)


def write(rgb: Pixels, truecolor: bool = True) -> str:
    """Rows of cells for a picture (2 * rows, columns, 3)."""
    levels = rgb if truecolor else _cube(rgb)[..., None]
    upper, lower = levels[0::2], levels[1::2]
    ink, paper = _changed(upper), _changed(lower)
    kind = TRUE if truecolor else INDEXED
    words = [
        (ink | paper) * ESCAPE,
        *_colour(upper, ink, INK, kind),
        (ink & paper) * BETWEEN,
        *_colour(lower, paper, PAPER, kind),
        (ink | paper) * END,
        np.broadcast_to(BLOCK, ink.shape),
    ]
    table = np.stack(words, axis=-1)
    rows = (row.tobytes().translate(None, b"\0") for row in table)
    return (ROW_END.join(rows) + b"\x1b[0m").decode()


def _changed(half: Pixels) -> Flags:
    """Where a colour differs from that of the cell before; always at the start of a row."""
    new = np.ones(half.shape[:2], bool)
    new[:, 1:] = (half[:, 1:] != half[:, :-1]).any(-1)
    return new


def _colour(half: Pixels, shown: Flags, plane: Words, kind: Words) -> list[Words]:
    """38;2;R;G;B or 38;5;N of each cell that shows a new one, in words (rows, columns)."""
    first, *others = (half[..., channel] for channel in range(half.shape[-1]))
    words = [plane, kind, FIRST[first], *(NEXT[level] for level in others)]
    return [word * shown for word in words]


def _cube(rgb: Pixels) -> Pixels:
    """The nearest of xterm's 256 colours: its cube, or its 24 greys."""
    wide = rgb.astype(np.int32)
    index = NEAREST[rgb]  # (H, W, 3) level of each channel
    cube_error = ((wide - RAMP[index]) ** 2).sum(-1)
    grey = np.clip((wide.sum(-1) // 3 - 8 + 5) // 10, 0, 23)
    grey_error = ((wide - (8 + 10 * grey)[..., None]) ** 2).sum(-1)
    cube = 16 + index @ np.array([36, 6, 1])
    levels: Pixels = np.where(grey_error < cube_error, 232 + grey, cube).astype(np.uint8)
    return levels
