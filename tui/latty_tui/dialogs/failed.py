"""What went wrong, what to do about it, and the details, to copy.

Tracebacks are for developers: they are hidden until asked for, where we foresaw the error.
"""

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from latty.errors import LattyError, explain
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.error_reports import UnexpectedError


class Failed(Dialog[None]):
    """An error of latty.errors, or of the engine with the traceback it sent along."""

    UNASKED: ClassVar[bool] = True  # what was typed before it was seen is not for it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy"),
        Binding("d", "details", "Details"),
        Binding("enter", "leave", "Close"),
    ]

    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, error: Exception, title: str = "") -> None:
        super().__init__()
        error = explain(error) or error
        self.message = getattr(error, "message", str(error))
        self.hint = getattr(error, "hint", "")
        self.detail = getattr(error, "detail", "")
        if not isinstance(error, LattyError) and not self.detail:
            self.detail = f"{type(error).__name__}: {error}"
        self.head = title or "that did not work"
        self.open = isinstance(error, UnexpectedError)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="failed") as box:
            box.border_title = plain(self.head)
            details = "d details   " if self.detail else ""
            box.border_subtitle = f"{details}c copy   esc close"
            yield Static(plain(self.message), classes="message")
            if self.hint:
                yield Static(plain(self.hint), classes="hint")
            if self.detail:
                with VerticalScroll(classes="detail", can_focus=True) as detail:
                    detail.display = self.open
                    yield Static(plain(self.detail))

    @property
    def text(self) -> str:
        """All of it, for a report."""
        parts = (self.head, self.message, self.hint, self.detail)
        return "\n".join(part for part in parts if part)

    def action_details(self) -> None:
        for detail in self.query(".detail"):
            detail.display = not detail.display

    def action_copy(self) -> None:
        cast(Desk, self.app).copy(self.text)
