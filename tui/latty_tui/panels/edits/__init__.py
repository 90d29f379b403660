"""The stack of edits: a slider each."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from latty.scene import Edit
from latty_tui.drawing.engine import Drawn, OpenModel
from latty_tui.library import edit_layers as layers
from latty_tui.panels.edits import bars
from latty_tui.panels.edits.editing import EditingPanel
from latty_tui.state import State
from latty_tui.widgets.lines import LinePart, fitted

MODE_SIGNS = {"relative": "", "absolute": "a", "centred": "c", "flip": "f"}


class EditsPanel(EditingPanel):
    """Every edit is a row; directions that are locked without an edit follow."""

    PLACE, ORDER, TITLE, JUMP = "right", 10, "edits", "e"
    HELP = (
        "The edits of the picture, in the order in which they act. A bar spans the strengths that "
        "are usable, zero in its middle; a key that is held stops at their end and at zero, "
        "and goes on where you press it again. Signs before a name: M muted, S solo, ! locked "
        "(no other edit moves along it), a absolute, c centred, f flip, ¬ without other "
        "directions; ✗ cannot be applied: the picture is drawn without it, and the border says why."
    )
    EMPTY = "No edits yet. Choose a direction on the left and press Enter, or → to try it at once."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "nudge(1)", "More", key_display="→"),
        Binding("left,h", "nudge(-1)", "Less", key_display="←"),
        Binding("shift+right,L", "nudge(1, True)", "Much more", show=False),
        Binding("shift+left,H", "nudge(-1, True)", "Much less", show=False),
        Binding("0", "zero", "Zero", show=False),
        Binding("home", "all_zero", "All to zero", show=False),
        Binding("enter,equals_sign", "type", "Type a value", key_display="⏎"),
        Binding("percent_sign", "amount", "How much of it", show=False),
        Binding("m", "mute", "Mute"),
        Binding("S", "solo", "Solo: it alone", show=False),
        Binding("exclamation_mark", "lock", "Lock: no other edit moves it", show=False),
        Binding("left_square_bracket", "layer('start', -1)", "First layer down", show=False),
        Binding("right_square_bracket", "layer('start', 1)", "First layer up", show=False),
        Binding("left_curly_bracket", "layer('stop', -1)", "Last layer down", show=False),
        Binding("right_curly_bracket", "layer('stop', 1)", "Last layer up", show=False),
        Binding("A", "all_layers", "All layers, or the direction's own", show=False),
        Binding("U", "unit", "Count in sigma or in the direction's own unit", show=False),
        Binding("M", "mode", "Relative, absolute, centred, flip", show=False),
        Binding("w", "within", "Directions within which it goes", show=False),
        Binding("c", "conditions", "Directions along which it does not go", show=False),
        Binding("ctrl+up", "move(-1)", "Earlier in the stack", show=False),
        Binding("ctrl+down", "move(1)", "Later in the stack", show=False),
        Binding("x,delete", "delete", "Remove", key_display="x"),
    ]

    WORDS: ClassVar = {
        "zero": "neutral",
        "all_zero": "reset clear neutral",
        "type": "strength value amount",
        "mute": "off hide",
        "mode": "absolute centred",
        "delete": "remove delete",
    }

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._seen: tuple[tuple[Edit, ...], object] = ((), None)
        self._dragged: int | None = None

    def on_mount(self) -> None:
        self.on_state(self.desk.state)

    def why_not(self, action: str) -> str:
        return "" if self.count() else "there is no edit yet"

    def advise(self, words: str) -> None:
        """What to do where there is no edit; "" = the usual."""
        if words != self.empty:
            self.empty = words
            self.refresh(layout=not self.count())

    # What the studio tells.

    def on_state(self, state: State) -> None:
        edits, (old, marks) = state.scene.edits, self._seen
        self._seen = edits, (state.muted, state.solo, state.scene.locks)
        there = {edit.direction for edit in edits}
        self.held = tuple(lock for lock in state.scene.locks if lock not in there)
        if marks == self._seen[1] and len(edits) == len(old):
            for i in (i for i, edit in enumerate(edits) if edit != old[i]):
                self.refresh_line(i)
        else:
            added = len(edits) == len(old) + 1 and not self.has_focus
            self.revise(len(edits) - 1 if added else None)
        self._tell()
        self._look_up()

    def on_model(self, model: OpenModel | None) -> None:
        self._tell()
        self._look_up()
        self.refresh()

    def on_drawn(self, drawn: Drawn) -> None:
        """What the picture is drawn without is marked; what is new among it is said."""
        if self.desk.view.compare == "original" or self.desk.view.moment is not None:
            return  # without edits; a frame of a film
        mine = {*(edit.direction for edit in self.edits), *self.desk.state.scene.locks}
        found = {ref: why for ref, why in drawn.broken if ref in mine}
        before, self.broken = self.broken, found
        if before != self.broken:
            for ref in self.broken.keys() - before.keys():
                words = f"drawn without {self.book[ref].name}: {self.broken[ref]}"
                self.desk.say(words, "warning")
            self._look_up(again=True)
            self.refresh()
            self._tell()

    def on_focus(self) -> None:
        self._look_up(again=True)

    def on_sets(self, moved: Sequence[tuple[str, str]]) -> None:
        self._look_up(again=True)

    def _look_up(self, again: bool = False) -> None:
        """Read what is not known yet of the directions; `again`: their files may be others."""
        refs = {*(edit.direction for edit in self.edits), *self.held}
        wanted = refs if again else self.book.lacks(refs)
        if wanted:
            self.desk.background(self._read(wanted), "known")

    async def _read(self, refs: set[str]) -> None:
        if await self.book.look_up(refs):
            self.refresh()
            self._tell()

    # Lines.

    def choose(self, ref: str) -> bool:
        """The cursor to the slider of a direction; False where it has none."""
        index = self.desk.state.where(ref)
        if index is not None:
            self.go(index)
        return index is not None

    def count(self) -> int:
        return len(self.edits) + len(self.held)

    def line(self, index: int, width: int) -> list[LinePart]:
        if index >= len(self.edits):
            known = self.known_of(self.held[index - len(self.edits)])
            flags = fitted("✗!" if known.wrong else "!", bars.FLAGS)
            return [LinePart(flags, "strong"), LinePart(f"{known.name}  locked", "dim")]
        state, edit = self.desk.state, self.edits[index]
        known = self.known_of(edit.direction)
        lost = "✗" if known.wrong else " "
        silent = "M" if index in state.muted else lost
        flags = "S" if index in state.solo else silent
        locked = edit.direction in state.scene.locks
        flags += "!" if locked else MODE_SIGNS[edit.mode] or ("¬" if edit.conditions else "")
        return bars.line(edit, known, width, state.heard(index), flags)

    def under(self) -> None:
        self._tell()
        if self.has_focus and self.ref:
            self.desk.tell(lambda panel: panel.on_direction(self.ref))

    def _tell(self) -> None:
        """What the row of the cursor is, on the border."""
        edit = self.edit
        words = self._footnote(edit) if edit else self.known_of(self.ref).wrong if self.ref else ""
        self.entitle(f"edits {len(self.edits)}" if self.edits else "edits", words)

    def _footnote(self, edit: Edit) -> str:
        known = self.known_of(edit.direction)
        if known.wrong:
            return known.wrong
        parts = ["locked"] if edit.direction in self.desk.state.scene.locks else []
        parts += [edit.mode] if edit.mode != "relative" else []
        parts += [f"in {known.unit}"] if edit.unit == "own" else []
        parts += [f"amount {edit.amount:.4g}"] if edit.amount != 1 else []
        parts += [f"within {self.book[edit.within].name}"] if edit.within is not None else []
        parts += [f"without {self.book[ref].name}" for ref in edit.conditions]
        return " · ".join([*parts, layers.words(edit, known), edit.direction])

    # The mouse.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        super().on_mouse_down(event)
        event.prevent_default()
        if (cell := self._bar_cell(event)) is not None:
            self._dragged = self.cursor
            self.capture_mouse()
            self._drag_to(cell)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is not None and self._dragged < len(self.edits):
            self._drag_to(self._cell(event))

    def on_mouse_up(self) -> None:
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        """Over a bar the wheel moves its knob; elsewhere it scrolls."""
        found = self.line_at(event)
        if found is not None and found[0] < len(self.edits) and self._bar_cell(event) is not None:
            self.go(found[0])
            self.action_nudge(way)
            event.stop()
            event.prevent_default()

    def _cell(self, event: events.MouseEvent) -> float:
        place = event.get_content_offset_capture(self)
        part = event.pointer_x - int(event.pointer_x)
        return place.x + part - 1 - bars.columns(self.room).start

    def _bar_cell(self, event: events.MouseEvent) -> float | None:
        """The cell of the bar below the mouse, None where there is none."""
        found, cell = self.line_at(event), self._cell(event)
        inside = -0.5 <= cell < bars.columns(self.room).bar
        return cell if inside and found is not None and found[0] < len(self.edits) else None

    def _drag_to(self, cell: float) -> None:
        if (edit := self.edit) is not None:
            width = bars.columns(self.room).bar
            ends = bars.span(edit, self.book[edit.direction])
            fine = bars.FINE[bars.unit_of(edit)]
            self.set_strength(bars.value_of(cell, ends, width, fine))


PANEL = EditsPanel
