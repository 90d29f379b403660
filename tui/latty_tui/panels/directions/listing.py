"""The list of directions: what is in it, where its cursor is, what is starred."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.text import Text

from latty.errors import LattyError
from latty.scene import Edit
from latty.text import printable
from latty_tui.drawing.engine import OpenModel
from latty_tui.library import methods, sets
from latty_tui.library.marks import Marks
from latty_tui.library.methods import Facts
from latty_tui.library.sets import DirectionEntry, DirectionRow, SetEntry
from latty_tui.library.sliding import Slide
from latty_tui.panels.directions.words import about, line
from latty_tui.panels.edits import EditsPanel
from latty_tui.state import State
from latty_tui.widgets.browser import BrowserPanel, RowList

EMPTY = "no direction has all these words"
SEARCHED = "No direction of this model yet. d searches; Enter begins:"


class DirectionList(BrowserPanel[DirectionRow]):
    """The part of the panel that shows and chooses."""

    FILTER = "name, set, method, #tag"

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.entries: tuple[SetEntry, ...] = ()
        self.marks = Marks()
        self.folded: dict[str, bool] = {}
        self.strengths: dict[str, Edit] = {}
        self.slide = Slide()
        self.locks: tuple[str, ...] = ()
        self._reader = sets.SetReader()
        self.facts = Facts()
        self.advice = ""

    def on_mount(self) -> None:
        self._strengths(self.desk.state)

    # What to begin with, where the model has no direction yet.

    def _is_searched(self) -> bool:
        """Whether the list is where a search is begun."""
        return any(row.key == sets.SEARCH for row in self.rows)

    def on_drawn(self, drawn: object) -> None:
        """Asked when the picture is there: it is measured how long things take."""
        ref = self.desk.opened
        if self._is_searched() and self.facts.ref != ref:
            self.facts = Facts(ref)
            self.desk.background(self._learn(ref), "facts")

    async def _learn(self, ref: str) -> None:
        facts = await methods.ask(self.desk, ref)
        if ref == self.desk.opened and self.query(RowList):
            self.facts = facts
            self.fill()

    def _advise(self) -> None:
        """The line that leads to a search says what is recommended, and so does the panel of
        edits."""
        self.advice = ""
        if self._is_searched():
            method = methods.recommended(self.facts) if self.facts.pace else ""
            self.advice = f"{SEARCHED} {methods.advice(self.facts)}".strip() if method else SEARCHED
            time = self.facts.about(method) if method else ""
            title = f"search: {method}, {time}" if method else "search for directions"
            self.rows = [replace(row, title=title) if row.key == sets.SEARCH else row
                         for row in self.rows]  # fmt: skip
        self.desk.find(EditsPanel).advise(self.advice)

    # What there is.

    async def look(self) -> None:
        """Read what is new in the folders."""
        async with self._looking:
            first = not self.entries
            entries = await asyncio.to_thread(self._reader.look)
            if first:
                await self._load_marks()
        if entries is not self.entries and self.query(RowList):  # or the studio closes
            self.entries = entries
            self.fill()

    async def _load_marks(self) -> None:
        try:
            self.marks = await asyncio.to_thread(Marks.load)
        except LattyError as error:
            self.desk.say(str(error), "warning")

    def fill(self, select: str = "") -> None:
        """The rows again; the cursor stays at what it is at, or goes to `select`."""
        key, at = select or (self.row.key if self.row else ""), self.list.cursor
        starred = sets.among_stars(self.rows, at) and not select
        self._make()
        if select and self.words and select not in {row.key for row in self.rows}:
            self.unfilter()  # its words are others now; the cursor follows it
            self._make()
        if not key:  # the first time: at something to press
            key = next((row.key for row in self.rows if row.found and not row.misfit), "")
        same = [i for i, row in enumerate(self.rows) if row.key == key]
        here = [i for i in same if sets.among_stars(self.rows, i) == starred] or same
        first = self._usable(at) if self.words else at
        self.list.show(len(self.rows), here[0] if here else first)
        self.tell()

    def _make(self) -> None:
        model, coming = self.desk.known, self.desk.coming
        self.rows = sets.rows(self.entries, model, self.marks, self.folded, self.words, coming)
        self._advise()

    def _usable(self, otherwise: int) -> int:
        """The first row that can be used; of none the first direction, which says why not."""
        found = [i for i, row in enumerate(self.rows) if row.found]
        usable = (i for i in found if not self.rows[i].misfit)
        return next(usable, found[0] if found else otherwise)

    def on_opening(self, ref: str) -> None:
        self.call_later(self.fill)  # the engine says what it opens once it was asked

    def on_model(self, model: OpenModel | None) -> None:
        if model is not None:
            before = self.row
            self.fill()
            row = self.row
            if self._is_searched():
                self.list.show(len(self.rows), 0)
                self.tell()
            elif row is not None and (
                row.misfit or row.found is None or before is None or row.key != before.key
            ):
                self.list.show(len(self.rows), self._usable(self.list.cursor))
                self.tell()

    def on_state(self, state: State) -> None:
        before = self.strengths, self.locks
        self._strengths(state)
        if (self.strengths, self.locks) != before:
            self.list.refresh()

    def _strengths(self, state: State) -> None:
        self.strengths, self.locks = {}, state.scene.locks
        for edit in state.scene.edits:
            self.strengths.setdefault(edit.direction, edit)

    # Where the cursor is.

    @property
    def found(self) -> DirectionEntry | None:
        """The direction under the cursor."""
        return self.row.found if self.row else None

    def usable(self) -> DirectionEntry | None:
        """The same, where it can be used; otherwise why not is said."""
        row = self.row
        if row is not None and self.desk.known is None:
            name = printable(Path(self.desk.coming).stem)
            opening = self.desk.opened != self.desk.coming
            why = f"{name} is being opened: then" if opening else f"{name} is not open: with it"
            self.desk.say(f"{why} its directions can be used")
            return None
        if row is not None and row.misfit:
            self.desk.say(f"{row.title}: {row.misfit}", "warning")
            return None
        return self.found

    def tell(self) -> None:
        """The words below the list, and who else wants to know."""
        row = self.row
        searched = row is not None and row.key == sets.SEARCH
        self.describe(self.advice if searched else about(row, self.marks) if row else EMPTY)
        found = self.found
        ref = found.ref if found and not found.misfit and self.desk.known else None
        self.desk.tell(lambda panel: panel.on_direction(ref))

    def on_focus(self) -> None:
        self.tell()

    def draw_row(self, index: int, width: int) -> Text:
        row = self.rows[index]
        edit = self.strengths.get(row.key) if row.found else None
        return line(row, width, self.list, self.marks, edit, row.key in self.locks)

    async def _save_marks(self, marks: Marks, before: Marks) -> None:
        merged = await asyncio.to_thread(marks.save, before)
        if self.marks is marks and merged != marks:  # another studio has made some
            self.marks = merged
            self.fill()

    def mark(self, marks: Marks) -> None:
        """Other marks from now on."""
        before, self.marks = self.marks, marks
        self.fill()
        self.desk.background(self._save_marks(marks, before), "marks")
