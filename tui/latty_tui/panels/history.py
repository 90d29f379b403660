"""Every step there was: undo and redo as a list."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from latty.errors import LattyError
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.drawing.engine import OpenModel
from latty_tui.panel import Panel, opens
from latty_tui.state import State
from latty_tui.widgets.lines import LinePart, Lines

NONE = "there is no other history: each studio that is open beside another keeps its own"
OTHERS = "Each studio that is open beside another keeps a history of its own: go on with that one."


class HistoryPanel(Panel, Lines):
    """A line for each step; the present one is marked, those that were undone are dim."""

    PLACE, ORDER, TITLE, JUMP = "right", 30, "history", "h"
    HELP = (
        "Everything that was changed, the oldest first. Enter goes to a step and back again: "
        "nothing is lost until you change something else from there."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Go to this step", key_display="⏎"),
        Binding("right", "present", "To the present step", show=False),
        Binding("h", "others", "Another history", tooltip=OTHERS),
    ]

    def on_mount(self) -> None:
        self.on_state(self.desk.state)

    def on_state(self, state: State) -> None:
        history = self.desk.history
        self.revise(history.index)
        self.entitle(f"history {history.index + 1}/{len(history)}")

    def on_model(self, model: OpenModel | None) -> None:
        self.on_state(self.desk.state)

    def count(self) -> int:
        return len(self.desk.history)

    def line(self, index: int, width: int) -> list[LinePart]:
        history = self.desk.history
        step, here = history.steps[index], index == history.index
        look = "strong" if here else "dim" if index > history.index else ""
        return [LinePart("● " if here else "  ", "value"), LinePart(step.what or "…", look)]

    def action_take(self) -> None:
        if self.cursor != self.desk.history.index:
            self.desk.go_to_step(self.cursor)

    def action_present(self) -> None:
        self.go(self.desk.history.index)

    @opens
    def action_others(self) -> None:
        """Choose another history and go on with it."""
        self.desk.opening(self._choose(), "history")

    async def _choose(self) -> None:
        """Raises OSError."""
        if not (found := await asyncio.to_thread(self.desk.other_histories)):
            self.desk.say(NONE)
            return
        choices = [Choice(path, what, f"{path.name}, as it was left") for path, what in found]

        def chosen(path: Path) -> None:
            self.desk.background(self._open(path), "history")

        self.desk.ask(Choose("go on with which history?", choices), chosen)

    async def _open(self, path: Path) -> None:
        try:
            await self.desk.open_history(path)
        except (LattyError, OSError) as error:
            self.desk.fail(error, "this history cannot be opened")

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2 and self.line_at(event) is not None:
            self.action_take()


PANEL = HistoryPanel
