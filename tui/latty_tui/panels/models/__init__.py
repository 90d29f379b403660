"""The models there are, and how another one is opened: by name, by path, by dropping a file."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType

from latty.text import printable
from latty_tui.drawing.engine import OpenModel
from latty_tui.finding import Thing
from latty_tui.library import models
from latty_tui.library.models import ModelEntry
from latty_tui.panel import opens
from latty_tui.panels.directions import DirectionsPanel
from latty_tui.widgets.browser import FILTERS, MOVES, BrowserPanel, RowList

PATHS = ("/", "~", "./", "../")  # how they begin


class ModelsPanel(BrowserPanel[ModelEntry | None]):
    """Those here first; the zoo, which is to be fetched, last."""

    PLACE, ORDER, TITLE, JUMP = "left", 10, "models", "m"
    HELP = (
        "Enter opens a model; ● is the one that is open. Any checkpoint can be opened by its path, "
        "or by dropping its file on the terminal. The zoo is a list of public checkpoints: Enter "
        "on one tells how it comes here."
    )
    FILTER = "name, family, px"
    WATCH = 2.0
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("colon,ctrl+f", "open_path", "Open a file", show=False, key_display=":",
                tooltip="A checkpoint, a preset, or a picture that latty made, by its path"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("right,l", "fold(0)", "Unfold the zoo", show=False),
        Binding("left,h", "fold(1)", "Fold the zoo", show=False),
        Binding("y", "copy", "Copy its name", show=False),
        FILTERS,
        *MOVES,
    ]

    WORDS: ClassVar = {
        "open_path": "open import file checkpoint browse path load",
        "fold(0)": "zoo",
    }

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.known: list[ModelEntry] = []
        self.zoo_open = False
        self.broken = ""  # what could not be opened
        self._state: tuple[object, ...] = ()
        self._shown = ""  # the model that the cursor went to when it was opened

    # What the palette asks.

    def things(self) -> Iterator[Thing]:
        for one in self.known:
            kind = "model to fetch" if one.kind == "zoo" else "model"
            where = printable(str(Path(one.ref).parent)) if one.kind == "path" else ""
            facts = one.what if one.kind == "zoo" else one.facts
            why = one.what if one.kind == "wrong" else ""
            yield Thing(one.name, kind, partial(self._take, one), "", where, facts, why=why)

    def typed(self, text: str) -> Iterator[Thing]:
        """A path is opened."""
        if text.startswith(PATHS):
            with suppress(OSError, RuntimeError, ValueError):
                path = Path(text).expanduser().absolute()
                if path.is_file():
                    yield Thing(f"Open {text}", "file", partial(self.open_ref, str(path)))

    # What there is.

    async def look(self) -> None:
        async with self._looking:
            recent = self.desk.find(DirectionsPanel).marks.recent
            zoo = self.desk.config.zoo or ""
            state = await asyncio.to_thread(models.state, recent, zoo)
            if state == self._state:
                return
            known = await asyncio.to_thread(models.look, recent, zoo)
            self._state = state
        if known != self.known and self.query(RowList):  # or the studio closes
            self.known = known
            self.fill()
            opened = self.desk.opened if self.desk.model is not None else ""
            self._follow(opened if opened != self._shown else "")
            self.tell()

    def fill(self) -> None:
        """The rows again; the cursor stays at its model."""
        before, at = self.row, self.list.cursor
        first = not self.rows
        self.rows = models.rows(self.known, self.words, self.zoo_open)
        self.set_class(self.zoo_open or bool(self.words), "-unfolded")
        refs = [row.ref if row else None for row in self.rows]
        wanted = self.desk.state.scene.model if first else (before.ref if before else None)
        self.list.show(len(self.rows), refs.index(wanted) if wanted in refs else at)
        self.tell()

    def on_model(self, model: OpenModel | None) -> None:
        ref = self.desk.opened
        self.broken = ref if model is None else ""
        self._follow(ref if model is not None and ref != self._shown else "")
        self.list.refresh()
        self.tell()
        if model is not None and ref not in {one.ref for one in self.known}:
            directions = self.desk.find(DirectionsPanel)
            directions.mark(directions.marks.opened(ref))
            self.look_soon()

    def _follow(self, ref: str) -> None:
        """The cursor to a model that was opened, as soon as it is listed."""
        refs = [row.ref if row else None for row in self.rows]
        if ref and ref in refs:
            self._shown = ref
            self.list.show(len(self.rows), refs.index(ref))

    # Where the cursor is.

    def on_row_list_taken(self) -> None:
        self.action_open()

    def tell(self) -> None:
        row = self.row
        if row is None:
            words = "public checkpoints; Enter unfolds" if self.rows else "no model has these words"
        elif row.ref and row.ref == self.broken:
            words = "could not be opened"
        else:
            first = row.name if row.kind == "zoo" else self._facts(row)  # names are long there
            words = "\n".join(part for part in (first, row.what) if part)
        self.describe(words)

    def _facts(self, row: ModelEntry) -> str:
        """What is known of it; of the open one, what it says itself."""
        model = self.desk.model
        if model is None or row.ref != self.desk.opened:
            return row.facts
        size = models.weight(row.size)
        classes = f"{model.num_classes} classes" if model.num_classes else ""
        parts = (model.family, model.px, model.space, classes, size)
        return ", ".join(part for part in parts if part)

    def draw_row(self, index: int, width: int) -> Text:
        row, dim = self.rows[index], self.list.style("dim")
        if row is None:
            count = sum(one.kind == "zoo" for one in self.known)
            unfolded = self.zoo_open or self.words
            text = Text(f"{'▾' if unfolded else '▸'} zoo", self.list.style("head"), no_wrap=True)
            return text.append(f" {count} to fetch", dim)
        mark = "●" if row.ref == self.desk.opened and self.desk.model else " "
        mark = "✗" if row.ref and row.ref == self.broken else mark
        right = row.px
        size = models.weight(row.size)
        for shown in (f"{right} {size}".strip(), right, ""):  # as much as leaves the name whole
            right = shown
            if cell_len(row.name) + len(shown) + 3 <= width:
                break
        style = "" if row.kind in ("here", "path") else dim
        text = Text(f"{mark} {printable(row.name)}", style, no_wrap=True)
        text.truncate(max(1, width - len(right) - 1), overflow="ellipsis", pad=True)
        return text.append(f" {right}", dim)

    # Keys.

    def action_fold(self, folded: int) -> None:
        self.zoo_open = not folded
        self.fill()

    def action_open(self) -> None:
        if self.row is None:
            self.action_fold(int(self.zoo_open))
        else:
            self._take(self.row)

    def _take(self, row: ModelEntry) -> None:
        """Open a model, or tell how it comes here."""
        if row.kind == "zoo":
            from latty_tui.panels.models import fetching

            fetching.offer(self.desk, row)
        elif row.kind == "wrong":
            self.desk.say(row.what, "warning")
        else:
            from latty_tui.library.opening import show_model

            show_model(self.desk, row.ref)

    @opens
    def action_open_path(self) -> None:
        from latty_tui.panels.models.open_path import OpenPath

        self.desk.ask(OpenPath(), self.open_ref)

    def open_ref(self, ref: str) -> None:
        """Open whatever a name or path means."""
        from latty_tui.library import opening

        self.desk.background(opening.take(self.desk, ref), "drop")

    def action_copy(self) -> None:
        if self.row is not None:
            self.desk.copy(self.row.ref)


PANEL = ModelsPanel
