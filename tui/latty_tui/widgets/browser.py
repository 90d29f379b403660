"""A list to browse in, with a filter: what the panels of models and of directions share.

Only the rows on the screen are drawn: thousands of them scroll like ten. The owner draws a row
(`draw(index, width)`) and hears when the cursor moves (`Rows.Moved`) and when the row under it is
clicked (`Rows.Taken`). The list has no focus of its own: its panel has.
"""

from collections.abc import Callable
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

from latty.text import printable
from latty_tui.panel import Panel, name_of

MARK = "›"  # the cursor's own sign: state is not told by colour alone

MOVES = [  # keys of every panel with such a list
    Binding("slash", "filter", "Filter", key_display="/"),
    Binding("down,j", "move(1)", "Down", show=False),
    Binding("up,k", "move(-1)", "Up", show=False),
    Binding("pagedown", "page(1)", "Page down", show=False),
    Binding("pageup", "page(-1)", "Page up", show=False),
    Binding("home", "end(0)", "First", show=False),
    Binding("end", "end(1)", "Last", show=False),
]

Draw = Callable[[int, int], Text]  # row, cells that it has


class Rows(ScrollView, can_focus=False):
    """`count` rows, one of which is under the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor", "rows--head", "rows--dim", "rows--value", "rows--wrong",
    }  # fmt: skip
    DEFAULT_CSS = """
    Rows {
        height: 1fr;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        overflow-y: auto;
    }
    Rows > .rows--cursor { background: $boost; text-style: bold; }
    .panel:focus Rows > .rows--cursor { background: $accent 40%; text-style: bold; }
    Rows > .rows--head { color: $text; text-style: bold; }
    Rows > .rows--dim { color: $text-muted; }
    Rows > .rows--value { color: $accent; }
    Rows > .rows--wrong { color: $text-error; }
    """

    class Moved(Message):
        """The cursor is at another row."""

    class Taken(Message):
        """The row under the cursor was clicked."""

    def __init__(self, draw: Draw, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw, self.count, self.cursor = draw, 0, 0

    def show(self, count: int, cursor: int) -> None:
        """Other rows, with the cursor at one of them."""
        if count != self.count:
            self.count = count
            self.refresh(layout=True)
        self.virtual_size = Size(0, count)
        self.cursor = max(0, min(cursor, count - 1))
        self._reveal()
        self.refresh()

    def move(self, by: int) -> None:
        """The cursor down by so many rows, up where negative; it stops at the ends."""
        self.go(self.cursor + by)

    def go(self, index: int) -> None:
        """The cursor to a row."""
        index = max(0, min(index, self.count - 1))
        if index != self.cursor:
            self.refresh_line(self.cursor)
            self.cursor = index
            self.refresh_line(index)
            self._reveal()
            self.post_message(self.Moved())

    @property
    def page(self) -> int:
        """Rows that are seen at once, less one."""
        return max(1, self.scrollable_content_region.height - 1)

    def style(self, name: str) -> Style:
        """The looks of a part of a row: head, dim, value, wrong."""
        whole = self.get_component_rich_style(f"rows--{name}")  # a part does not know its ground
        return whole if name == "cursor" else Style(color=whole.color, bold=whole.bold)

    def _reveal(self) -> None:
        if self.is_mounted:
            roomy = self.cursor > 0 and self.page > 2  # then with its head, where it is the first
            place = Region(0, self.cursor - roomy, 1, 1 + roomy)
            self.scroll_to_region(place, animate=False, force=True)

    def on_resize(self) -> None:
        self._reveal()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are rows, where the height is auto."""
        return self.count

    def render_line(self, y: int) -> Strip:
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        if index >= self.count:
            return Strip.blank(width, self.rich_style)
        here = index == self.cursor
        line = Text(MARK if here else " ", no_wrap=True, end="")
        line.append_text(self._draw(index, width - 1))
        line.truncate(width, overflow="ellipsis", pad=True)
        base = self.rich_style + (self.style("cursor") if here else Style())
        return Strip(line.render(self.app.console), width).apply_style(base)

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index >= self.count:
            return
        again = index == self.cursor
        self.go(index)
        if again or event.chain > 1:
            self.post_message(self.Taken())


class BrowserPanel(Panel, Vertical):
    """A panel with Rows below an Input, which filters them by `words`."""

    can_focus = True
    FILTER: ClassVar[str] = ""  # what the filter looks at
    words = ""

    def compose(self) -> ComposeResult:
        name = name_of(type(self))
        box = Input(placeholder=self.FILTER, id=f"{name}-filter", compact=True)
        box.display = False
        yield box
        yield Rows(self.draw_row)
        yield Static("", id=f"{name}-what", markup=False)

    def draw_row(self, index: int, width: int) -> Text:
        """One row, at most `width` cells. Raises NotImplementedError in a panel without."""
        raise NotImplementedError

    def fill(self) -> None:
        """Make the rows again, by `words` of the filter. Raises NotImplementedError in a panel
        that does not say how."""
        raise NotImplementedError

    def describe(self, text: str) -> None:
        """The words below the list."""
        what = self.query_one(f"#{name_of(type(self))}-what", Static)
        what.update("\n".join(map(printable, text.split("\n"))), layout=False)

    @property
    def list(self) -> Rows:
        return self.query_one(Rows)

    def action_move(self, by: int) -> None:
        self.list.move(by)

    def action_page(self, by: int) -> None:
        self.list.move(by * self.list.page)

    def action_end(self, last: int) -> None:
        self.list.go(self.list.count - 1 if last else 0)

    def action_filter(self) -> None:
        box = self.query_one(Input)
        box.display = True
        box.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.words = event.value
        self.fill()

    def on_input_submitted(self) -> None:
        """Enter: on to the list; the filter stays while it has words."""
        self.focus()
        self.query_one(Input).display = bool(self.words)

    def on_key(self, event: events.Key) -> None:
        """From the filter, arrows move the cursor of the list."""
        if self.query_one(Input).has_focus and event.key in ("down", "up"):
            self.action_move(1 if event.key == "down" else -1)
            event.stop()

    def cancel(self) -> bool:
        """Esc, while this panel is worked in: all rows again."""
        box = self.query_one(Input)
        if not box.display or not (box.has_focus or self.has_focus):
            return False
        box.value, box.display = "", False
        self.focus()
        return True
