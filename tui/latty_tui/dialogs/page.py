"""A page of help, as it was written."""

from typing import ClassVar

from rich.markdown import Markdown
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from latty_tui.desk import DialogPlace
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.library.pages import HelpSection


class ShownPage(Dialog[None]):
    """Scrolls by itself: the text has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "leave", "Close"),
        Binding("j", "scroll_text(1)", show=False),
        Binding("k", "scroll_text(-1)", show=False),
    ]

    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, page: HelpSection) -> None:
        super().__init__()
        self.page = page

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="help") as box:
            box.border_title = plain(f"help: {self.page.title or self.page.heading}")
            box.border_subtitle = "↑ ↓ scroll   esc close"
            with VerticalScroll():
                yield Static(Markdown(self.page.text, hyperlinks=False), classes="keys")

    def action_scroll_text(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
