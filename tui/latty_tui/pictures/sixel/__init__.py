"""Sixels: exact pixels from a palette. xterm -ti vt340, foot, mlterm, Windows Terminal, tmux."""

from latty_tui.terminal import Pixels

ADVICE = "sixels: exact pixels, up to 256 colours"
ORDER = 10
SURVIVES = False
EXACT = True
CELLS = False


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """A pixel per pixel."""
    return columns * cell[0], rows * cell[1]


def encode(rgb: Pixels, columns: int, rows: int, *, colours: int = 256, **_: object) -> str:
    """One picture (H, W, 3), exactly as many pixels as it has, from the cursor on."""
    import numpy as np

    from latty_tui.pictures.sixel import bands
    from latty_tui.terminal import quantise as terminal_quantise

    image = terminal_quantise.quantise(rgb, colours, grid=2.55)  # sixels count in percent
    percent = np.rint(terminal_quantise.palette(image) / 2.55).astype(np.uint8)
    return bands.write(percent, np.asarray(image))


def hide(number: int) -> str:
    """Nothing: the pixels go with their cells."""
    return ""
