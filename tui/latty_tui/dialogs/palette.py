"""`ctrl+p`: anything by its words: commands, directions, models, presets, films, jobs, help."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from latty.text import printable
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog
from latty_tui.finding import Index, Thing
from latty_tui.widgets.browser import RowList

Typed = Callable[[str], Iterable[Thing]]
Read = Callable[[], Awaitable[Iterable[Thing]]]
PATIENCE = 2.0  # seconds that Enter waits for what is read
NOTHING = "nothing has these words; ? tells what there is"


class Palette(Dialog[Thing]):
    """What is taken; None for Esc.

    typed  what texts mean that are no words: seeds, paths
    reads  bring what has to be read first, while it is open
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("ctrl+p", "leave", show=False),
    ]

    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, index: Index, typed: Sequence[Typed], reads: Sequence[Read]) -> None:
        super().__init__()
        self.index, self._typed, self._reads = index, typed, reads
        self.found: list[Thing] = []
        self._whole = asyncio.Event()  # all has been read

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="palette") as box:
            box.border_title = "find anything"
            box.border_subtitle = "enter take   ↑ ↓ choose   esc close"
            yield Input(placeholder="a command, direction, model, preset, seed, page of help ...")
            yield RowList(self._row)
            yield Static("", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._fill()
        cast(Desk, self.app).background(self._read(), "found")

    async def _read(self) -> None:
        try:
            for read in self._reads:
                if more := [*await read()]:
                    self.index.add(more)
                    if self.query(RowList):  # it may have been closed
                        self._fill(self.thing if self.rows.cursor else None)
        finally:
            self._whole.set()

    # What is found.

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    @property
    def thing(self) -> Thing | None:
        """The one under the cursor."""
        return self.found[self.rows.cursor] if self.found else None

    def on_input_changed(self) -> None:
        self._fill()

    def _fill(self, chosen: Thing | None = None) -> None:
        """What is found now; the cursor stays with what was gone to, else it is at the best."""
        text = self.query_one(Input).value.strip()
        typed = chain.from_iterable(meant(text) for meant in self._typed if text)
        self.found = [*typed, *self.index.search(text)]
        at = (place for place, one in enumerate(self.found) if one is chosen)
        self.rows.show(len(self.found), next(at, 0))
        self._tell()

    def _tell(self) -> None:
        """A sentence about the one under the cursor."""
        thing = self.thing
        words = NOTHING if thing is None else thing.why or thing.more or thing.where
        self.say(words, bool(thing and thing.why))

    def _row(self, index: int, width: int) -> Text:
        """A name, what it is of, and at the right what kind it is and its key."""
        thing, dim = self.found[index], self.rows.style("dim")
        said = thing.kind if not thing.why else f"not now: {thing.why}"
        right = Text(printable(f" {said}"), dim)
        right.append(f" {thing.key:>6}", self.rows.style("value"))
        right.truncate(max(1, width * 2 // 3), overflow="ellipsis")
        line = Text(printable(thing.name), dim if thing.why else "", no_wrap=True)
        if thing.where:
            line.append(printable(f"  {thing.where}"), dim)
        line.truncate(max(1, width - right.cell_len), overflow="ellipsis", pad=True)
        return line.append_text(right)

    # Keys.

    def action_move(self, by: int) -> None:
        if self.found:
            self.rows.go((self.rows.cursor + by) % len(self.found))

    def action_page(self, by: int) -> None:
        self.rows.move(by * self.rows.page)

    def on_row_list_moved(self) -> None:
        self._tell()

    def on_row_list_taken(self) -> None:
        self._take()

    async def on_input_submitted(self) -> None:
        """Enter may come before all has been read: then it means what is found then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._whole.wait(), PATIENCE)
        self._take()

    def _take(self) -> None:
        if (thing := self.thing) is not None and not thing.why:
            self.dismiss(thing)
