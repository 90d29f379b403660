"""Half blocks: every cell is two pixels. Works in every terminal with colours."""

from latty_tui.terminal import Pixels

ADVICE = "half blocks: two pixels in a cell"
ORDER = 40
SURVIVES = False
EXACT = False
CELLS = True


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """One pixel per half cell."""
    return columns, 2 * rows


def encode(rgb: Pixels, columns: int, rows: int, *, truecolor: bool = True, **_: object) -> str:
    """Rows of cells for a picture (2 * rows, columns, 3); "" where there are no cells."""
    from latty_tui.pictures.blocks import cells

    return cells.write(rgb, truecolor)


def hide(number: int) -> str:
    """Nothing: the picture is its cells."""
    return ""
