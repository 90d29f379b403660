"""Ways to show a picture in a terminal: one file each, in latty_tui/pictures/.

    canvas(columns, rows, cell) -> (width, height) in px that encode wants, or None: any
    encode(rgb uint8 (H, W, 3), columns, rows, *, truecolor, number, colours) -> str
        what to write to draw the picture from the cursor on, `columns` x `rows` cells large;
        pictures with the same `number` replace each other where the terminal keeps them;
        fewer `colours` make it shorter where the way has a palette
    hide(number) -> str
        what to write to take that picture away; "" where writing over its cells does
    SURVIVES, EXACT, CELLS
        whether the picture stays when its cells are written over; whether it covers exactly the
        pixels it is given, however large its cells are; whether its pixels are parts of cells
    ADVICE, ORDER
        what it is, in a few words, for `latty doctor`; its place among the ways that a key goes
        through, smaller first. Both may be left out.

These are literals.

`draw` reserves the cells, so that no way scrolls the screen by itself and the cursor ends below.
A way imports numpy and Pillow when it encodes: an app can ask for the rest before its first paint.
"""

from typing import TYPE_CHECKING, Any, Protocol

from latty.plugins import Registry
from latty_tui.terminal.probe import Terminal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
else:
    Pixels = Any

LARGEST = 512  # px: more costs seconds over a slow line and shows nothing new
COLOURS = 256


class Way(Protocol):
    """A module in latty_tui/pictures/."""

    SURVIVES: bool
    EXACT: bool
    CELLS: bool

    def canvas(self, columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int] | None: ...

    def encode(
        self,
        rgb: Pixels,
        columns: int,
        rows: int,
        *,
        truecolor: bool = True,
        number: int = 1,
        colours: int = COLOURS,
    ) -> str:
        """What draws the picture (H, W, 3) from the cursor on."""

    def hide(self, number: int) -> str: ...


PICTURES = Registry[Way](
    "latty_tui.pictures", needs=("SURVIVES", "EXACT", "CELLS", "canvas", "encode", "hide")
)


def way(name: str) -> Way:
    """The way of that name; raises Missing."""
    return PICTURES.load(name)


def box(shape: tuple[int, ...], terminal: Terminal) -> tuple[int, int]:
    """The largest (columns, rows) that keep the shape (H, W, 3) and leave room for words."""
    height, width = shape[:2]
    cell_width, cell_height = terminal.cell
    room_width = (terminal.columns - 1) * cell_width
    room_height = max(1, terminal.rows - 3) * cell_height
    if not way(terminal.way).CELLS:  # cells have no pixels to save: they may fill the screen
        room_width, room_height = min(room_width, 2 * LARGEST), min(room_height, LARGEST)
    scale = min(room_width / width, room_height / height)
    columns, rows = round(width * scale / cell_width), round(height * scale / cell_height)
    return max(1, columns), max(1, rows)


def fitted(rgb: Pixels, size: tuple[int, int] | None, filter: str = "lanczos") -> Pixels:
    """The picture resampled to (width, height) by one of Pillow's filters."""
    if size is None or (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    import numpy as np
    from PIL import Image

    how = Image.Resampling[filter.upper()]
    return np.asarray(Image.fromarray(rgb).resize(size, how))


def render(rgb: Pixels, terminal: Terminal, number: int = 1) -> tuple[str, int]:
    """The picture (H, W, 3) in the terminal's way, and how many rows it takes."""
    how = way(terminal.way)
    columns, rows = box(rgb.shape, terminal)
    pixels = fitted(rgb, how.canvas(columns, rows, terminal.cell))
    return how.encode(pixels, columns, rows, truecolor=terminal.truecolor, number=number), rows


def reserve(rows: int) -> str:
    """Make room for `rows` rows below the cursor and go back to their start."""
    return "\r\n" * rows + f"\x1b[{rows}A"


def placed(data: str) -> str:
    """Draw at the cursor and come back to where it was, whatever the way does to the cursor.

    ?2026 makes terminals that know it show the change at once.
    """
    return f"\x1b[?2026h\x1b7{data}\x1b8\x1b[?2026l"


def draw(rgb: Pixels, terminal: Terminal, number: int = 1) -> str:
    """All that is to be written for a picture (H, W, 3) on lines of its own."""
    data, rows = render(rgb, terminal, number)
    return reserve(rows) + placed(data) + f"\x1b[{rows}B\r"
