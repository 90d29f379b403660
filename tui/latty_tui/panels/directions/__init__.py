"""The directions there are, by method and set: pick one, press, see it change."""

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from latty.scene import Edit
from latty.text import spoken
from latty_tui.finding import Thing
from latty_tui.library import methods, sets
from latty_tui.library.direction_facts import strength_words
from latty_tui.library.sets import DirectionRow
from latty_tui.panel import name_of, opens
from latty_tui.panels.directions.files import FileActions
from latty_tui.panels.edits import EditsPanel
from latty_tui.widgets.browser import FILTERS, MOVES

STEP = 0.5  # σ of a nudge


class DirectionsPanel(FileActions):
    """A tree drawn as a list."""

    PLACE, ORDER, TITLE, JUMP = "left", 20, "directions", "d"
    HELP = (
        "Every direction of every set, by the method that found it. Left and right move the "
        "picture along the one under the cursor at once. The bar is the first score of a "
        "direction, the line below tells the others. What was made for another model is grey, at "
        "the end, with the reason."
    )
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("a", "keep", "Save the edits as one direction", show=False),
        Binding("slash", "find", "Find a direction", show=False, key_display="/"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "Add",
                tooltip="Add it to the stack, or go to its slider; fold a set"),
        Binding("left,h", "nudge(-1)", "-½σ", key_display="←"),
        Binding("right,l", "nudge(1)", "+½σ", key_display="→"),
        Binding("asterisk", "star", "Star", key_display="*"),
        Binding("number_sign", "tags", "Tags", show=False, key_display="#"),
        Binding("exclamation_mark", "lock", "Lock: no edit moves it", show=False),
        Binding("A", "add_all", "Add all of the set at 0", show=False),
        Binding("W", "traverse", "Walk all of the set: a job", show=False),
        Binding("f2", "rename", "Rename", show=False),
        Binding("F", "flip", "Flip: the other way round", show=False),
        Binding("D", "delete", "Delete", show=False),
        Binding("X", "export", "Export to a file", show=False),
        Binding("y", "copy", "Copy its name", show=False),
        FILTERS,
        *MOVES,
    ]  # fmt: skip

    WORDS: ClassVar = {
        "star": "favourite favorite mark",
        "lock": "keep hold",
        "traverse": "walk traverse sheet",
        "flip": "flip invert reverse mirror negate",
        "rename": "rename name call",
        "delete": "delete remove",
        "keep": "combine",
        "find": "find filter",
    }

    # What the palette asks.

    def why_not(self, action: str) -> str:
        if action in ("find", "filter"):
            return ""
        if action == "keep":
            return "" if self.desk.state.shown.edits else "there is no edit to keep"
        row = self.row
        return row.misfit if row is not None else "no direction is under the cursor"

    def things(self) -> Iterator[Thing]:
        for entry in self.entries:
            why = sets.misfit(entry, self.desk.known, self.desk.coming)
            for found in sets.directions(entry, why):
                go, method = partial(self.show_direction, found.ref), entry.method
                tags = " ".join(self.marks.tags.get(found.ref, ()))
                yield Thing(found.info.name, "direction", go, "", entry.name, method, tags, why,
                            found.ref)  # fmt: skip

    def show_direction(self, ref: str) -> None:
        """The cursor to a direction, whatever is folded or filtered."""
        self.words = ""
        self.query_one(Input).value = ""
        above = sets.rows(self.entries, self.desk.known, self.marks, {}, ref)
        self.folded.update({row.key: False for row in above if row.found is None})
        self.desk.go(name_of(type(self)))
        self.fill(select=ref)

    # Keys: edits.

    def on_row_list_taken(self) -> None:
        self.action_add()

    def _fold(self, row: DirectionRow, folded: bool) -> None:
        self.folded[row.key] = folded
        self.fill()

    def action_add(self) -> None:
        row = self.row
        if row is not None and row.key == sets.SEARCH:
            queue: Any = self.desk.panel("queue")
            queue.search(methods.recommended(self.facts))
            return
        if row is not None and row.found is None and not (row.entry and row.entry.error):
            self._fold(row, row.open)
            return
        if (found := self.usable()) is None:
            return
        state = self.desk.state
        at = state.where(found.ref)
        if at is None:
            edit = Edit(found.ref)
            self.desk.change(state.added(edit), f"{spoken(found.info.name)} {strength_words(edit)}")
            self._warn(len(state.scene.edits))
        else:
            edits = self.desk.find(EditsPanel)
            edits.choose(found.ref)
            edits.focus()

    def action_nudge(self, by: int) -> None:
        row = self.row
        if row is not None and row.found is None:
            self._fold(row, by < 0)
            return
        if (found := self.usable()) is None:
            return
        state, at = self.desk.state.along(found.ref)
        edit = state.scene.edits[at]
        wanted = round(edit.strength + by * STEP, 6)
        strength = self.slide.to(found.ref, edit.strength, wanted, (*found.info.usable, 0.0))
        state = state.edited(at, strength=strength)
        words = f"{spoken(found.info.name)} {strength_words(state.scene.edits[at])}"
        self.desk.change(state, words, f"strength:{at}")
        self._warn(at)

    def _warn(self, at: int) -> None:
        """Say why nothing is seen of an edit."""
        state = self.desk.state
        if not state.heard(at):
            why = "another edit is solo" if state.solo else "it is muted"
            self.desk.say(f"not in the picture: {why} (see edits)")

    @opens
    def action_find(self) -> None:
        """From any panel: the filter of this list."""
        self.action_filter()

    def action_lock(self) -> None:
        if (found := self.usable()) is not None:
            self.desk.background(self.desk.find(EditsPanel).lock_direction(found.ref), "lock")

    def action_add_all(self) -> None:
        entry = self.row.entry if self.row else None
        if entry is None or (self.row and self.row.misfit):
            self.usable()
            return
        state = self.desk.state
        new = [found.ref for found in sets.directions(entry) if state.where(found.ref) is None]
        if not new:
            self.desk.say(f"all of {entry.name} is in the stack")
            return
        edits = [Edit(ref, 0.0) for ref in new]
        self.desk.change(state.added(*edits), f"{len(new)} sliders of {entry.name}")

    @opens
    def action_traverse(self) -> None:
        entry = self.row.entry if self.row else None
        if entry is None or entry.error or (self.row and self.row.misfit):
            self.usable()
            return
        from latty_tui.panels.directions import traversing

        self.desk.opening(traversing.ask(self.desk, entry), "traverse")

    # Keys: marks.

    def action_star(self) -> None:
        if self.found:
            self.mark(self.marks.starred(self.found.ref))

    # Keys: files.

    def action_copy(self) -> None:
        if self.row is not None:
            self.desk.copy(self.row.key if self.row.found else self.row.title)


PANEL = DirectionsPanel
