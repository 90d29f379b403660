"""What the keys of the stack do to it. Each is one change of the state."""

from dataclasses import replace
from typing import Any, Literal

from latty.scene import MODES, Edit, Layers
from latty_tui.dialogs import readers as reading
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.library import edit_layers
from latty_tui.library.direction_facts import DirectionFacts, FactBook, strength_words
from latty_tui.library.sliding import Slide
from latty_tui.panel import Panel, opens
from latty_tui.panels.edits import bars
from latty_tui.panels.edits.bars import COARSE, FINE, unit_of
from latty_tui.state import State
from latty_tui.widgets.lines import Lines


class EditingPanel(Panel, Lines):
    """The part of the panel that changes the state."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.book = FactBook()
        self.slide = Slide()
        self.held: tuple[str, ...] = ()  # locked directions without an edit
        self.broken: dict[str, str] = {}  # directions the picture is drawn without, and why

    @property
    def edits(self) -> tuple[Edit, ...]:
        return self.desk.state.scene.edits

    @property
    def edit(self) -> Edit | None:
        """That of the cursor's row; None on a lock without an edit, and where there is none."""
        return self.edits[self.cursor] if self.cursor < len(self.edits) else None

    @property
    def ref(self) -> str:
        """The direction of the cursor's row, "" where there is none."""
        if self.edit is not None:
            return self.edit.direction
        index = self.cursor - len(self.edits)
        return self.held[index] if 0 <= index < len(self.held) else ""

    def known_of(self, ref: str) -> DirectionFacts:
        """What is known of a direction, and what the engine found wrong with it."""
        known = self.book[ref]
        return replace(known, wrong=known.wrong or self.broken.get(ref, ""))

    def said(self, edit: Edit) -> str:
        """An edit in a step of the history."""
        return f"{self.book[edit.direction].name} {strength_words(edit)}"

    def _chosen(self) -> Edit | None:
        """The edit of the cursor; where there is only a lock, say so."""
        if self.edit is None and self.ref:
            name = self.book[self.ref].name
            self.desk.say(f"{name} is locked and has no edit: Enter adds one")
        return self.edit

    def _change(self, what: str, tag: str = "", **changes: Any) -> None:
        """Change the edit of the cursor."""
        self.desk.change(self.desk.state.edited(self.cursor, **changes), what, tag)

    # Strength.

    def action_nudge(self, way: int, coarse: bool = False) -> None:
        if (edit := self._chosen()) is not None:
            step = (COARSE if coarse else FINE)[unit_of(edit)]
            most = reading.LARGEST
            wanted = max(-most, min(most, round(edit.strength + way * step, 6)))
            stops = (*bars.usable(edit, self.book[edit.direction]), 0.0)
            self.set_strength(self.slide.to(edit.direction, edit.strength, wanted, stops))

    def set_strength(self, strength: float) -> None:
        """The strength of the edit of the cursor; quick successions are one step of undo."""
        if (edit := self.edit) is not None:
            words = self.said(replace(edit, strength=strength))
            self._change(words, f"strength:{self.cursor}", strength=strength)

    def action_zero(self) -> None:
        if (edit := self._chosen()) is not None:
            self._change(self.said(replace(edit, strength=0.0)), strength=0.0)

    def action_all_zero(self) -> None:
        state = self.desk.state
        edits = tuple(replace(edit, strength=0.0) for edit in state.scene.edits)
        self.desk.change(state.with_scene(edits=edits), "all to zero")

    @opens
    def action_type(self) -> None:
        if self.edit is None and self.ref:  # a lock without an edit gets one, at zero
            state = self.desk.state.added(Edit(self.ref, 0.0))
            self.desk.change(state, f"add {self.book[self.ref].name}")
            return
        if (edit := self._chosen()) is None:
            return
        known, index = self.book[edit.direction], self.cursor
        low, high = known.usable
        unit = {"sigma": "σ", "own": known.unit, "share": "0 to 1, or 70%"}[unit_of(edit)]
        usable = f"; usable {low:g} to {high:g}" if unit_of(edit) == "sigma" else ""
        hint = f"{unit}{usable}; '1.5 @ 4-8' sets the layers, too"

        def typed(found: tuple[float, Layers | None]) -> None:
            if index < len(self.desk.state.scene.edits):
                strength, layers = found[0], found[1] or edit.layers
                model = self.desk.known
                why = edit_layers.refused(known, model.num_layers) if model and found[1] else ""
                if why:
                    self.desk.say(why, "warning")
                    return
                made = replace(edit, strength=strength, layers=layers)
                state = self.desk.state.edited(index, strength=strength, layers=layers)
                self.desk.change(state, self.said(made))

        value = strength_words(edit).rstrip("σ")
        self.desk.ask(Ask(f"strength of {known.name}", value, reading.strength, hint), typed)

    @opens
    def action_amount(self) -> None:
        if (edit := self._chosen()) is None:
            return
        index, name = self.cursor, self.book[edit.direction].name

        def typed(amount: float) -> None:
            if index < len(self.desk.state.scene.edits):
                state = self.desk.state.edited(index, amount=amount)
                self.desk.change(state, f"{name} at {amount:.4g} of it")

        hint = "0: as without the edit, 1: all of it; or 70%"
        self.desk.ask(Ask(f"how much of {name}", f"{edit.amount:g}", reading.amount, hint), typed)

    # Flags.

    def action_mute(self) -> None:
        self._toggle("muted", "mute", "unmute")

    def action_solo(self) -> None:
        self._toggle("solo", "solo", "no solo of")

    def _toggle(self, flag: Literal["muted", "solo"], on: str, off: str) -> None:
        if (edit := self._chosen()) is not None:
            word = off if self.cursor in getattr(self.desk.state, flag) else on
            state = self.desk.state.toggled(flag, self.cursor)
            self.desk.change(state, f"{word} {self.book[edit.direction].name}")

    def action_lock(self) -> None:
        if self.ref:
            self._turn_lock(self.ref)

    async def lock_direction(self, ref: str) -> None:
        """Lock a direction that need not be in the stack, or unlock it: the same key in the list
        of directions."""
        await self.book.look_up(self.book.lacks([ref]))
        self._turn_lock(ref)

    def _turn_lock(self, ref: str) -> None:
        known, locked = self.book[ref], ref in self.desk.state.scene.locks
        if not locked and not known.placed:
            self.desk.say(f"{known.name} cannot be locked: it is no vector", "warning")
            return
        for edit in () if locked else self.desk.state.scene.edits:
            if edit.direction != ref and not self._meet(edit, ref):
                other = self.book[edit.direction].name
                words = f"{known.name} is held in {known.space}, and {other} moves elsewhere"
                self.desk.say(f"{words}: take it out first", "warning")
                return
        word = "unlock" if locked else "lock"
        self.desk.change(self.desk.state.locked(ref), f"{word} {known.name}")

    def _meet(self, edit: Edit, ref: str) -> bool:
        """Whether a direction lies in the space in which an edit moves: else it cannot be held."""
        model = self.desk.known
        moves = self.book[edit.direction].space or (model.space if model else "")
        return self.book[ref].space in (moves, "")

    def action_mode(self) -> None:
        if (edit := self._chosen()) is None:
            return
        known = self.book[edit.direction]
        if edit.unit == "own" or not known.placed:
            why = f"it counts in {known.unit}" if edit.unit == "own" else "it has no coordinate"
            self.desk.say(f"{known.name} only moves from where the latent is: {why}", "warning")
            return
        mode = MODES[(MODES.index(edit.mode) + 1) % len(MODES)]
        self._change(f"{known.name} {mode}", mode=mode)

    def action_unit(self) -> None:
        if (edit := self._chosen()) is None:
            return
        known = self.book[edit.direction]
        if not known.unit:
            self.desk.say(f"{known.name} has no unit but σ", "warning")
            return
        unit = "sigma" if edit.unit == "own" else "own"
        words = known.unit if unit == "own" else "σ"
        self._change(f"{known.name} in {words}, from 0", unit=unit, strength=0.0, mode="relative")

    # Layers.

    def _layered(self) -> tuple[Edit, int] | None:
        """The edit of the cursor and how many layers there are; None, and why, where it has no
        say in layers."""
        edit, model = self._chosen(), self.desk.known
        if edit is None or model is None:
            return None
        why = edit_layers.refused(self.book[edit.direction], model.num_layers)
        if why:
            self.desk.say(why, "warning")
        return None if why else (edit, model.num_layers)

    def action_layer(self, end: Literal["start", "stop"], by: int) -> None:
        if (found := self._layered()) is not None:
            edit, count = found
            known = self.book[edit.direction]
            layers = edit_layers.moved(edit, known, end, by, count)
            self._change(f"{known.name} layers {layers}", f"layers:{self.cursor}", layers=layers)

    def action_all_layers(self) -> None:
        if (found := self._layered()) is not None:
            layers = edit_layers.toggled(found[0])
            words = "its own layers" if layers is None else "all layers"
            self._change(f"{self.book[found[0].direction].name} {words}", layers=layers)

    # The stack.

    @opens
    def action_within(self) -> None:
        if (edit := self._chosen()) is None:
            return
        index, name = self.cursor, self.book[edit.direction].name

        def typed(within: str) -> None:
            if index < len(self.desk.state.scene.edits):
                state = self.desk.state.edited(index, within=within or None)
                where = f"within {self.book[within].name}" if within else "along all directions"
                self.desk.change(state, f"{name} {where}")

        hint = "SET/c0-c19, SET/* or one direction; empty: along all"
        ask = Ask(f"{name} within ...", edit.within or "", reading.directions, hint)
        self.desk.ask(ask, typed)

    @opens
    def action_conditions(self) -> None:
        edit, index = self._chosen(), self.cursor
        if edit is None:
            return
        others = [other.direction for other in self.desk.state.scene.edits]
        refs = dict.fromkeys([*edit.conditions, *others, *self.held])
        refs.pop(edit.direction, None)
        choices = [
            Choice(ref, ("✓ " if ref in edit.conditions else "  ") + self.book[ref].name, ref)
            for ref in refs
            if self.book[ref].placed and self._meet(edit, ref)
        ]
        if not choices:
            self.desk.say("put the direction that shall stay into the stack first, at 0")
            return

        def taken(ref: str) -> None:
            state = self.desk.state
            if index < len(state.scene.edits):
                self.desk.change(*conditioned(state, index, ref, self.book))

        question = f"{self.book[edit.direction].name} without ..."
        self.desk.ask(Choose(question, choices), taken)

    def action_move(self, by: int) -> None:
        edit = self._chosen()
        to = self.cursor + by
        if edit is not None and 0 <= to < len(self.desk.state.scene.edits):
            name = self.book[edit.direction].name
            self.desk.change(self.desk.state.moved(self.cursor, to), f"move {name}")
            self.go(to)

    def action_delete(self) -> None:
        if self.edit is not None:
            words = f"remove {self.book[self.ref].name}"
            self.desk.change(self.desk.state.removed(self.cursor), words)
        elif self.ref:
            self.action_lock()


def conditioned(state: State, index: int, ref: str, book: FactBook) -> tuple[State, str]:
    """The state with a condition of an edit put on or taken away, and that in words."""
    edit = state.scene.edits[index]
    name, other = book[edit.direction].name, book[ref].name
    if ref in edit.conditions:
        rest = tuple(one for one in edit.conditions if one != ref)
        return state.edited(index, conditions=rest), f"{name} with {other} again"
    return state.edited(index, conditions=(*edit.conditions, ref)), f"{name} without {other}"
