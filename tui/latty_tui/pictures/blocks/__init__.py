"""Half blocks: every cell is two pixels. Works in every terminal with colours."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ADVICE = "half blocks: two pixels in a cell"
ORDER = 40
SURVIVES = False
EXACT = False
CELLS = True


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """One pixel per half cell."""
    return columns, 2 * rows


def encode(
    rgb: "NDArray[np.uint8]",
    columns: int,
    rows: int,
    *,
    truecolor: bool = True,
    number: int = 1,
    colours: int = 256,
) -> str:
    """Rows of cells for a picture (2 * rows, columns, 3); "" where there are no cells."""
    from latty_tui.pictures.blocks import cells

    return cells.write(rgb, truecolor)


def hide(number: int) -> str:
    """Nothing: the picture is its cells."""
    return ""
