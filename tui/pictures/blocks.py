"""Half blocks: every cell is two pixels, the upper half in ink, the lower one as background.

Works in every terminal with colours. Colours that do not change are not sent again.
"""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
GLYPH = "▀".encode()
NEXT_ROW = b"\x1b[0m\r\n"


def _digits() -> Pixels:
    """0..255 as three characters, unused ones 0: those are dropped when all is put together."""
    text = [str(i).encode().ljust(3, b"\0") for i in range(256)]
    return np.frombuffer(b"".join(text), np.uint8).reshape(256, 3)


DIGITS = _digits()


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """One pixel per half cell."""
    return columns, 2 * rows


def encode(rgb: Pixels, columns: int, rows: int, *, truecolor: bool = True, number: int = 1) -> str:
    """Rows of cells for a picture (2 * rows, columns, 3)."""
    levels = rgb if truecolor else _cube(rgb)[..., None]
    upper, lower = levels[0::2], levels[1::2]
    parts = [_colour(upper, 38, truecolor), _colour(lower, 48, truecolor)]
    for part, half in zip(parts, (upper, lower), strict=True):
        same = np.zeros(half.shape[:2], bool)
        same[:, 1:] = (half[:, 1:] == half[:, :-1]).all(-1)
        part[same] = 0
    glyph = np.frombuffer(GLYPH, np.uint8)
    cells = np.concatenate([*parts, np.broadcast_to(glyph, (*upper.shape[:2], 3))], axis=-1)
    lines = [line[line != 0].tobytes() for line in cells.reshape(len(cells), -1)]
    return (NEXT_ROW.join(lines) + b"\x1b[0m").decode()


def _colour(half: Pixels, plane: int, truecolor: bool) -> Pixels:
    """ESC[38;2;R;G;Bm or ESC[38;5;Nm for each cell, as characters (rows, columns, C)."""
    shape = half.shape[:2]

    def fixed(text: str) -> Pixels:
        return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (*shape, len(text)))

    pieces = [fixed(f"\x1b[{plane};{2 if truecolor else 5}")]
    for channel in range(half.shape[-1]):
        pieces += [fixed(";"), DIGITS[half[..., channel]]]
    return np.concatenate([*pieces, fixed("m")], axis=-1)


def _cube(rgb: Pixels) -> Pixels:
    """The nearest of xterm's 256 colours: its 6 x 6 x 6 cube, or its 24 greys."""
    steps = np.array([0, 95, 135, 175, 215, 255])
    wide = rgb.astype(np.int32)
    index = np.abs(wide[..., None] - steps).argmin(-1)  # (H, W, 3) level of each channel
    cube_error = ((wide - steps[index]) ** 2).sum(-1)
    grey = np.clip((wide.mean(-1) - 8 + 5) // 10, 0, 23).astype(np.int32)
    grey_error = ((wide - (8 + 10 * grey)[..., None]) ** 2).sum(-1)
    cube = 16 + index @ np.array([36, 6, 1])
    levels: Pixels = np.where(grey_error < cube_error, 232 + grey, cube).astype(np.uint8)
    return levels
