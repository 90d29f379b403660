"""Pictures with an opacity, laid on a ground where a file or a screen has none.

The opacity is straight, as PNG has it: the colours are not multiplied by it (Porter & Duff 1984).
"""

import numpy as np

from latty.presets.formats import Pixels

GROUND = "#ffffff"  # under what is written to files without an opacity
LIGHT, DARK = 204, 153  # squares of the board under what is only looked at
SQUARES = 16  # of the board, from top to bottom


def has_opacity(pixels: Pixels) -> bool:
    """Whether pictures (..., C) are of four channels."""
    return bool(pixels.shape[-1] == 4)


def opaque(pixels: Pixels) -> Pixels:
    """A picture (H, W, 4) on GROUND, (H, W, 3); one of three channels as it is."""
    if not has_opacity(pixels):
        return pixels
    ground = np.frombuffer(bytes.fromhex(GROUND[1:]), np.uint8)
    return _over(pixels, np.broadcast_to(ground, (*pixels.shape[:2], 3)))


def on_board(pixels: Pixels) -> Pixels:
    """A picture (H, W, 4) on a board of grey squares, (H, W, 3); one of three as it is."""
    if not has_opacity(pixels):
        return pixels
    height, width = pixels.shape[:2]
    side = max(1, height // SQUARES)
    rows, columns = np.arange(height)[:, None] // side, np.arange(width)[None] // side
    board = np.where((rows + columns) % 2, DARK, LIGHT).astype(np.uint8)
    return _over(pixels, np.broadcast_to(board[..., None], (height, width, 3)))


def _over(pixels: Pixels, ground: Pixels) -> Pixels:
    """(H, W, 4) over (H, W, 3), to the nearest level, halves up."""
    opacity = pixels[..., 3:].astype(np.uint32)
    mixed = pixels[..., :3] * opacity + ground * (255 - opacity)
    laid: Pixels = ((mixed + 127) // 255).astype(np.uint8)
    return laid
