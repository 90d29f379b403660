"""Asks for one line of text, and says what is wrong with it while it is typed."""

from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from latty.errors import LattyError, explain
from latty_tui.dialogs.base import Dialog, plain

Read = Callable[[str], Any]  # text -> value; raises ValueError or LattyError with what is wrong


class Ask(Dialog[Any]):
    """The value that `read` makes of what was typed; None for Esc."""

    def __init__(self, question: str, value: str = "", read: Read = str, hint: str = "") -> None:
        super().__init__()
        self.question, self.value, self.read, self.hint = question, value, read, hint

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = plain(self.question)
            yield Input(self.value, select_on_focus=True)
            yield Static(plain(self.hint), classes="hint")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._value(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if (found := self._value(event.value)) is not None:
            self.dismiss(found)

    def _value(self, text: str) -> Any:
        try:
            value = self.read(text)
        except (ValueError, OSError, RuntimeError, LattyError) as error:  # paths, too
            return self.say(str(explain(error) or error), wrong=True)
        self.say(self.hint)
        return value
