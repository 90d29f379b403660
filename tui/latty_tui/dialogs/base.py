"""What dialogs share: a box beside the picture or below it, Esc to leave."""

import asyncio
from typing import ClassVar, Generic, TypeVar, cast

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from latty.text import printable
from latty_tui.desk import Desk, DialogPlace

FRAME = 6  # cells of a border around its title
Answer = TypeVar("Answer")


def plain(text: str) -> Content:
    """Words of files and errors: shown as they are, never read as markup or control codes."""
    return Content("\n".join(printable(line) for line in text.split("\n")))


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A modal screen whose one child is `#box`. Its answer is None where it was left by Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close")]
    HELP: ClassVar[str] = ""
    STANDS: ClassVar[DialogPlace] = "row"

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()  # it is there and takes keys
        self._title = ""

    def on_mount(self) -> None:
        self.stand()
        below = self.app.screen_stack[0]  # it is laid out after the dialog
        below.screen_layout_refresh_signal.subscribe(self, lambda _: self.stand())

    def on_resize(self) -> None:
        self.stand()

    def stand(self) -> None:
        """Put the box where it covers no picture: as high as it needs in a row, else all of it."""
        if not self.query("#box"):
            return
        box = self.query_one("#box")
        room, styles = cast(Desk, self.app).room(self.STANDS), box.styles
        self._entitle(box, room.width)
        styles.offset, styles.width, styles.max_height = room.offset, room.width, room.height
        if self.STANDS != "row":
            styles.height = room.height

    def _entitle(self, box: Widget, width: int) -> None:
        """A title that the border has no room for is written below it, in as many lines as it
        needs: a question is read to its end."""
        self._title = self._title or Content.from_markup(box.border_title or "").plain
        fits = cell_len(self._title) + FRAME <= width
        if not fits and not box.query(".title"):
            box.mount(Static(plain(self._title), classes="title"), before=0)
        for title in box.query(".title"):
            title.display = not fits
        box.border_title = plain(self._title) if fits else ""

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.ready.set)

    def say(self, words: str, wrong: bool = False, where: str = ".hint") -> None:
        """Words in the dialog: what is wrong with what is typed, or what to type."""
        said = self.query_one(where, Static)
        said.update(plain(words))
        said.set_class(wrong, "wrong")

    def action_leave(self) -> None:
        self.dismiss(None)
