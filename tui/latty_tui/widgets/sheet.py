"""Pictures to choose from: rows of cells with words below each, and a cursor among them."""

import asyncio
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from latty.text import printable
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixel_writer import PixelWriter
from latty_tui.drawing.pixels import PixelView
from latty_tui.widgets.lines import fitted

LEAST = 16  # cells across that a picture has, where nobody says how many stand in a row
FEW = 4  # in a row, where there are fewer: one alone would be as large as the screen
LOW = 3  # cells down that a row has at least, its words among them
LARGEST = 1280  # px across


class PictureCell(NamedTuple):
    """What is below a picture, and the picture; None = there is none (yet)."""

    words: str
    picture: RawPicture | None = None


class PictureSheet(Vertical):
    """Some cells, `columns` in a row (None: as many as there is room for), of which at most `rows`
    are seen at once. Whoever has the focus moves the cursor; the mouse moves it, too, and takes the
    cell on which it is."""

    DEFAULT_CSS = """
    PictureSheet { width: 1fr; height: 1fr; }
    PictureSheet PixelView { height: 0; }
    PictureSheet Static { height: 1; width: 1fr; }
    """

    class Moved(Message):
        """The cursor is on another cell: its index."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Taken(Moved):
        """The cell of the cursor was clicked."""

    def __init__(self, writer: PixelWriter, id: str, rows: int) -> None:
        super().__init__(id=id)
        self.writer, self.rows = writer, rows
        self.cells: tuple[PictureCell, ...] = ()
        self.columns: int | None = None
        self.cursor = 0
        self._top = 0  # the first row that is seen
        self._quick = self._dimmed = False
        self._shape = 1.0  # height by width of the tallest picture, those above a square as one
        self._busy = self._again = False
        self._shown: dict[int, object] = {}  # of each row, what its picture is of

    def compose(self) -> ComposeResult:
        for row in range(self.rows):
            view = PixelView(self.writer, f"{self.id}-row-{row}")
            view.largest = 2 * LARGEST  # it is made as large as its place
            yield view
            yield Static("", id=f"{self.id}-words-{row}", markup=False)

    def show(
        self, cells: Sequence[PictureCell], cursor: int | None = None, quick: bool = False
    ) -> None:
        """Other cells; the cursor stays, or goes where it is told."""
        self.cells, self._quick, self._dimmed = tuple(cells), quick, False
        shapes = [min(1.0, one.height / one.width) for _, one in self.cells if one is not None]
        self._shape = max(shapes, default=1.0)
        at = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(at, len(self.cells) - 1))
        self._lay_out()

    def dim(self) -> None:
        """The pictures are not those that are asked for any more."""
        if not self._dimmed:
            self._dimmed = True
            self._start()

    def go(self, index: int) -> None:
        """The cursor to a cell, which may be one that comes with the next ones."""
        if index != self.cursor:
            self.cursor = index
            self._lay_out()
            self.post_message(self.Moved(index))

    def move(self, across: int, down: int) -> bool:
        """The cursor so many cells and rows on; False where there is none. The last row may be
        shorter than the others."""
        to = self.cursor + across + down * self.across
        last = len(self.cells) - 1
        if down > 0 and to > last and to // self.across == last // self.across:
            to = last
        if there := 0 <= to <= last:
            self.go(to)
        return there

    @property
    def across(self) -> int:
        """How many stand in a row."""
        width = self.content_size.width
        fits = max(1, width // LEAST)
        return self.columns or min(fits, max(FEW, len(self.cells)))

    @property
    def seen(self) -> int:
        """How many rows are seen at once."""
        width, height = self.content_size
        whole = -(-len(self.cells) // self.across)
        usual = LOW if self.columns else self._usual(width) + 1
        return max(1, min(whole, self.rows, height // max(LOW, usual)))

    def _usual(self, width: int) -> int:
        """Rows of cells of the tallest picture, as wide as its place."""
        cell = self.writer.terminal.cell
        return max(1, ceil((width // self.across - 1) * self._shape * cell[0] / cell[1]))

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Rows as high as there is room, those around the cursor."""
        if not self.content_size.area or not self.query(PixelView):
            return
        self.styles.max_width = self.writer.shown(LARGEST) // self.writer.terminal.cell[0]
        seen, row = self.seen, self.cursor // self.across
        last = max(0, -(-len(self.cells) // self.across) - seen)
        self._top = min(last, max(row - seen + 1, min(self._top, row)))
        height = self._height(seen)
        for at in range(self.rows):
            for widget in (self._view(at), self._words(at)):
                widget.display = at < seen and bool(self.cells)
            self._view(at).styles.height = height
            if at < seen:
                self._words(at).update(self._below(at), layout=False)
        self.call_after_refresh(self._start)  # when each row has its height

    def _start(self) -> None:
        """Draw, in the background; asked again meanwhile it does so once more. It is not called
        off: while pictures come one after the other none would be seen."""
        self._again = True
        if not self._busy:
            self._busy = True
            self.run_worker(self._work(), group="sheet", exit_on_error=False)

    async def _work(self) -> None:
        try:
            while self._again:
                self._again = False
                await self._draw()
        finally:
            self._busy = False

    def _height(self, seen: int) -> int:
        """Rows of cells of a picture: all there are, or as many as it needs."""
        width, height = self.content_size
        free = height // seen - 1
        return max(1, free if self.columns else min(free, self._usual(width)))

    def _view(self, row: int) -> PixelView:
        return self.query_one(f"#{self.id}-row-{row}", PixelView)

    def _words(self, row: int) -> Static:
        return self.query_one(f"#{self.id}-words-{row}", Static)

    def _row(self, row: int) -> tuple[PictureCell, ...]:
        first = (self._top + row) * self.across
        return self.cells[first : first + self.across]

    def _edge(self, at: int) -> int:
        """The cell of the screen at which a cell of the sheet begins."""
        return at * self.content_size.width // self.across

    def _below(self, row: int) -> Text:
        """The words of a row, each below the middle of its picture."""
        text, first = Text(no_wrap=True), (self._top + row) * self.across
        for at, cell in enumerate(self._row(row)):
            room = self._edge(at + 1) - self._edge(at) - 1
            words = printable(cell.words)
            said = fitted(words, min(room, cell_len(words))).center(room)
            text.append(said, "bold reverse" if first + at == self.cursor else "dim")
            text.append(" ")
        return text

    async def _draw(self) -> None:
        """The pictures of each row in one, where they are other ones."""
        for row in range(self.seen if self.cells and self.content_size.area else 0):
            view, cells = self._view(row), self._row(row)
            place = self._place(row)
            key = place, cells, self._dimmed
            if self._shown.get(row) == key:
                continue
            pictures = [one.picture for one in cells]
            _, _, height, edges, ground = place
            made = await asyncio.to_thread(
                in_row, pictures, edges, height, self.writer.terminal.cell, ground
            )
            if self._place(row) == place:  # else it was scrolled meanwhile, and is drawn again
                self._shown[row] = key
                view.show(made, self._quick, self._dimmed)

    def _place(self, row: int) -> tuple[list[str], int, int, list[int], int]:
        """What a picture of a row has to fit: the words, the first cell, the height and the edges
        in cells of the screen, the colour around."""
        words = [one.words for one in self._row(row)]
        edges = [self._edge(at) for at in range(self.across + 1)]
        return words, self._top + row, self._height(self.seen), edges, self._view(row).ground

    def on_click(self, event: events.Click) -> None:
        """Go to a cell, or take the one on which the cursor is."""
        x, y = event.screen_x - self.content_region.x, event.screen_y - self.content_region.y
        row = y // (self._height(self.seen) + 1)
        at = next((at for at in range(self.across) if x < self._edge(at + 1)), self.across)
        index = (self._top + row) * self.across + at
        if row < self.seen and at < len(self._row(row)):
            if index == self.cursor:
                self.post_message(self.Taken(index))
            self.go(index)

    def on_mouse_scroll_down(self) -> None:
        self.move(0, 1)

    def on_mouse_scroll_up(self) -> None:
        self.move(0, -1)


def in_row(
    pictures: Sequence[RawPicture | None],
    edges: Sequence[int],
    rows: int,
    cell: tuple[int, int],
    ground: int,
) -> RawPicture:
    """Pictures side by side in one that covers its cells: each as large as fits between two
    `edges`, which count cells. Slow: call it in a thread."""
    import numpy as np

    from latty_tui import terminal
    from latty_tui.drawing.encoding import array

    scale = min(1.0, LARGEST / max(1, edges[-1] * cell[0]))
    across, down = cell[0] * scale, max(1, round(rows * cell[1] * scale))
    colour = np.array([ground >> 16, ground >> 8 & 255, ground & 255], np.uint8)
    whole = np.empty((down, max(1, round(edges[-1] * across)), 3), np.uint8)
    whole[:] = colour
    for at, picture in enumerate(pictures):
        if picture is None:
            continue
        left, room = round(edges[at] * across), (edges[at + 1] - edges[at] - 1) * across
        times = min(room / picture.width, down / picture.height)
        size = max(1, int(picture.width * times)), max(1, int(picture.height * times))
        left += max(0, int(room - size[0]) // 2)
        whole[down - size[1] :, left : left + size[0]] = terminal.fitted(array(picture), size)
    return RawPicture(whole.tobytes(), whole.shape[1], whole.shape[0])


def cut(picture: RawPicture, columns: int, count: int) -> list[RawPicture]:
    """The pictures of which one was put together without gaps. Slow: call it in a thread."""
    from latty_tui.drawing.encoding import array

    pixels, rows = array(picture), -(-count // columns)
    high, wide = pixels.shape[0] // rows, pixels.shape[1] // columns
    found = []
    for at in range(count):
        y, x = at // columns * high, at % columns * wide
        found.append(RawPicture(pixels[y : y + high, x : x + wide].tobytes(), wide, high))
    return found
