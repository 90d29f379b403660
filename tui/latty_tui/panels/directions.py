"""The directions there are, by method and set: pick one, press, see it change."""

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from latty.cli.out import clean
from latty.scene import Edit
from latty_tui.library import sets
from latty_tui.library.direction_files import FileActions
from latty_tui.library.marks import Marks, read_tags
from latty_tui.library.sets import Found, Row, Shelf
from latty_tui.panel import Panel
from latty_tui.widgets.browser import MOVES, Browsing, Rows

if TYPE_CHECKING:
    from latty_tui.drawing.engine import Model
    from latty_tui.state import State

STEP = 0.5  # σ of a nudge
BAR = 4  # cells of a score
WATCH = 1.0  # seconds between two looks at the folders
EMPTY = "no direction has all these words"


class DirectionsPanel(FileActions, Browsing, Panel, Vertical):
    """A tree drawn as a list."""

    PLACE, ORDER, TITLE, JUMP = "left", 20, "directions", "d"
    HELP = (
        "Every direction of every set, by the method that found it. Left and right move the "
        "picture along the one under the cursor at once. The bar is the first score of a "
        "direction, the line below tells the others. What was made for another model is grey, at "
        "the end, with the reason."
    )
    can_focus = True
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("a", "keep", "Save the edits as one direction", show=False),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "Add",
                tooltip="Add it to the stack, or go to its slider; fold a set"),
        Binding("left,h", "nudge(-1)", "-½σ", key_display="←"),
        Binding("right,l", "nudge(1)", "+½σ", key_display="→"),
        Binding("asterisk", "star", "Star", key_display="*"),
        Binding("number_sign", "tags", "Tags", show=False, key_display="#"),
        Binding("A", "add_all", "Add all of the set at 0", show=False),
        Binding("f2", "rename", "Rename", show=False),
        Binding("F", "flip", "Flip: the other way round", show=False),
        Binding("D", "delete", "Delete", show=False),
        Binding("X", "export", "Export to a file", show=False),
        Binding("y", "copy", "Copy its name", show=False),
        *MOVES,
    ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shelves: tuple[Shelf, ...] = ()
        self.marks = Marks()
        self.folded: dict[str, bool] = {}
        self.rows: list[Row] = []
        self.strengths: dict[str, float] = {}
        self._reader = sets.Shelves()
        self._lock = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield Input(placeholder="name, set, method, #tag", id="directions-filter", compact=True)
        yield Rows(self._draw)
        yield Static("", id="directions-what", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._strengths(self.studio.state)
        self._watch()
        self.set_interval(WATCH, self._watch)

    # What there is.

    def _watch(self) -> None:
        if not self._lock.locked():
            self.studio.background(self.look(), "directions")

    async def look(self) -> None:
        """Read what is new in the folders."""
        async with self._lock:
            first = not self.shelves
            shelves = await asyncio.to_thread(self._reader.look)
            if first:
                self.marks = await asyncio.to_thread(Marks.load)
        if shelves is not self.shelves and self.query(Rows):  # or the studio closes
            self.shelves = shelves
            self.fill()

    def fill(self, select: str = "") -> None:
        """The rows again; the cursor stays at what it is at, or goes to `select`."""
        key, at = select or (self.row.key if self.row else ""), self.list.cursor
        starred = sets.among_stars(self.rows, at) and not select
        self.rows = sets.rows(self.shelves, self.studio.model, self.marks, self.folded,
                                 self.words)  # fmt: skip
        if not key:  # the first time: at something to press
            key = next((row.key for row in self.rows if row.found), "")
        same = [i for i, row in enumerate(self.rows) if row.key == key]
        here = [i for i in same if sets.among_stars(self.rows, i) == starred] or same
        first = self._usable(at) if self.words else at
        self.list.show(len(self.rows), here[0] if here else first)
        self._tell()

    def _usable(self, otherwise: int) -> int:
        """The first row that can be used."""
        rows = enumerate(self.rows)
        return next((i for i, row in rows if row.found and not row.misfit), otherwise)

    def model_changed(self, model: "Model | None") -> None:
        if model is not None:
            before = self.row
            self.fill()
            row = self.row
            if row is not None and (row.misfit or before is None or row.key != before.key):
                self.list.show(len(self.rows), self._usable(self.list.cursor))
                self._tell()

    def state_changed(self, state: "State") -> None:
        before = self.strengths
        self._strengths(state)
        if self.strengths != before:
            self.list.refresh()

    def _strengths(self, state: "State") -> None:
        self.strengths = {}
        for edit in state.scene.edits:
            self.strengths.setdefault(edit.direction, edit.strength)

    # Where the cursor is.

    @property
    def row(self) -> Row | None:
        at = self.list.cursor
        return self.rows[at] if at < len(self.rows) else None

    @property
    def found(self) -> Found | None:
        """The direction under the cursor."""
        return self.row.found if self.row else None

    def usable(self) -> Found | None:
        """The same, where it can be used; otherwise why not is said."""
        row = self.row
        if row is not None and row.misfit:
            self.studio.say(f"{row.title}: {row.misfit}", "warning")
            return None
        return self.found

    def _tell(self) -> None:
        """The words below the list, and who else wants to know."""
        from latty_tui.library import direction_words

        row = self.row
        what = self.query_one("#directions-what", Static)
        what.update(direction_words.about(row, self.marks) if row else EMPTY, layout=False)
        found = self.found
        self.studio.tell("under", found.ref if found and not found.misfit else None)

    def on_rows_moved(self) -> None:
        self._tell()

    def on_rows_taken(self) -> None:
        self.action_add()

    def on_focus(self) -> None:
        self._tell()

    def _draw(self, index: int, width: int) -> Text:
        from latty_tui.library import direction_words

        row = self.rows[index]
        strength = self.strengths.get(row.key) if row.found else None
        return direction_words.line(row, width, self.list, self.marks, strength)

    # Keys: edits.

    def _fold(self, row: Row, folded: bool) -> None:
        self.folded[row.key] = folded
        self.fill()

    def action_add(self) -> None:
        row = self.row
        if row is not None and row.found is None and not (row.shelf and row.shelf.error):
            self._fold(row, row.open)
            return
        found = self.usable()
        if found is None:
            return
        state = self.studio.state
        at = state.where(found.ref)
        if at is None:
            self.studio.change(state.added(Edit(found.ref)), f"{found.info.name} +1")
            self._warn(len(state.scene.edits))
        else:
            edits = self.studio.panel("edits")
            edits.choose(found.ref)
            edits.focus()

    def action_nudge(self, by: int) -> None:
        row = self.row
        if row is not None and row.found is None:
            self._fold(row, by < 0)
            return
        found = self.usable()
        if found is None:
            return
        state, amount = self.studio.state, by * STEP
        at = state.where(found.ref)
        if at is None:
            at, state = len(state.scene.edits), state.added(Edit(found.ref, amount))
        else:
            state = state.nudged(at, amount)
        strength = state.scene.edits[at].strength
        self.studio.change(state, f"{found.info.name} {strength:+g}", f"strength:{at}")
        self._warn(at)

    def _warn(self, at: int) -> None:
        """Say why nothing is seen of an edit."""
        state = self.studio.state
        if not state.heard(at):
            why = "another edit is solo" if state.solo else "it is muted"
            self.studio.say(f"not in the picture: {why} (see edits)")

    def action_add_all(self) -> None:
        shelf = self.row.shelf if self.row else None
        if shelf is None or (self.row and self.row.misfit):
            self.usable()
            return
        state = self.studio.state
        new = [found.ref for found in sets.directions(shelf) if state.where(found.ref) is None]
        if not new:
            self.studio.say(f"all of {shelf.name} is in the stack")
            return
        edits = [Edit(ref, 0.0) for ref in new]
        self.studio.change(state.added(*edits), f"{len(new)} sliders of {shelf.name}")

    # Keys: marks.

    def action_star(self) -> None:
        if self.found:
            self.mark(self.marks.starred(self.found.ref))

    def action_tags(self) -> None:
        from latty_tui.dialogs.ask import Ask

        found = self.found
        if found is None:
            return

        def tagged(tags: tuple[str, ...] | None) -> None:
            if tags is not None:
                self.mark(self.marks.tagged(found.ref, tags))

        before = " ".join(self.marks.tags.get(found.ref, ()))
        hint = "words, with or without #; / finds them"
        self.app.push_screen(Ask(f"tags of {clean(found.ref)}", before, read_tags, hint), tagged)

    def mark(self, marks: Marks) -> None:
        """Other marks from now on."""
        self.marks = marks
        self.fill()
        self.studio.background(asyncio.to_thread(marks.save), "marks")

    # Keys: files.

    def action_copy(self) -> None:
        if self.row is not None:
            name = self.row.key if self.row.found else self.row.title
            self.app.copy_to_clipboard(name)
            self.studio.say(f"copied: {clean(name)}")


PANEL = DirectionsPanel
