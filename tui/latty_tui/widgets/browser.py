"""A list to browse in, with a filter: what the panels of models and of directions share.

Only the rows on the screen are drawn: thousands of them scroll like ten. The owner draws a row
(`draw(index, width)`) and hears when the cursor moves (`RowList.Moved`) and when the row under it
is clicked (`RowList.Taken`). The list has no focus of its own: its panel has.
"""

import asyncio
import textwrap
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

from latty.text import printable
from latty_tui.panel import Panel, name_of, opens, panel_around

MARK = "›"  # the cursor's own sign: state is not told by colour alone

FILTERS = Binding("slash", "filter", "Filter", key_display="/")
MOVES = [  # keys of every panel with such a list
    Binding("down,j", "move(1)", "Down", show=False),
    Binding("up,k", "move(-1)", "Up", show=False),
    Binding("pagedown", "page(1)", "Page down", show=False),
    Binding("pageup", "page(-1)", "Page up", show=False),
    Binding("home", "end(0)", "First", show=False),
    Binding("end", "end(1)", "Last", show=False),
]

R = TypeVar("R")
Draw = Callable[[int, int], Text]  # row, cells that it has


def whole(text: str, width: int, rows: int) -> str:
    """As many of the facts of a text, which commas part, as have room: none is cut."""
    facts = text.split(", ")
    while len(facts) > 1 and _rows(", ".join(facts), width) > rows > 0:
        facts.pop()
    return ", ".join(facts)


def _rows(text: str, width: int) -> int:
    return sum(max(1, len(textwrap.wrap(line, max(1, width)))) for line in text.split("\n"))


class RowList(ScrollView, can_focus=False):
    """`count` rows, one of which is under the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor", "rows--head", "rows--dim", "rows--value", "rows--wrong",
    }  # fmt: skip

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


class RowsPanel(Panel, Vertical):
    """A panel around a RowList, with its keys."""

    can_focus = True

    @property
    def list(self) -> RowList:
        return self.query_one(RowList)

    def action_move(self, by: int) -> None:
        self.list.move(by)

    def action_page(self, by: int) -> None:
        self.list.move(by * self.list.page)

    def action_end(self, last: int) -> None:
        self.list.go(self.list.count - 1 if last else 0)


class Filter(Input):
    """The words of a filter; its keys go to the panel around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "To the list", key_display="⏎"),
        Binding("down", "move(1)", "Move", key_display="↑↓"),
        Binding("up", "move(-1)", show=False),
        Binding("escape", "app.cancel", "All again", key_display="esc"),
    ]

    def action_move(self, by: int) -> None:
        """The cursor of the list."""
        panel_around(self).action_move(by)


class BrowserPanel(RowsPanel, Generic[R]):
    """Rows below an Input, which filters them by `words`; the folders they come from are looked at
    every WATCH seconds. Each panel has a `look`, `draw_row` and `fill` of its own; they cannot be
    declared abstract, as Textual's widgets have a metaclass already."""

    FILTER: ClassVar[str] = ""  # what the filter looks at
    WATCH: ClassVar[float] = 1.0
    words = ""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.rows: list[R] = []
        self._described = ""
        self._looking = asyncio.Lock()

    def on_mount(self) -> None:
        self.look_soon()
        self.set_interval(self.WATCH, self.look_soon)

    def look_soon(self) -> None:
        """Look at the folders, unless somebody does."""
        if not self._looking.locked():
            self.desk.background(self.look(), name_of(type(self)))

    async def look(self) -> None:
        """Read what is new in the folders, and `fill`. Raises NotImplementedError here."""
        raise NotImplementedError

    @property
    def row(self) -> R | None:
        """The one under the cursor."""
        at = self.list.cursor
        return self.rows[at] if at < len(self.rows) else None

    def tell(self) -> None:
        """The cursor is at another row, or at another kind of it."""

    def on_row_list_moved(self) -> None:
        self.tell()

    def compose(self) -> ComposeResult:
        name = name_of(type(self))
        box = Filter(placeholder=self.FILTER, id=f"{name}-filter", compact=True)
        box.display = False
        yield box
        yield RowList(self.draw_row)
        yield Static("", id=f"{name}-what", markup=False)

    def draw_row(self, index: int, width: int) -> Text:
        """One row, at most `width` cells. Raises NotImplementedError here."""
        raise NotImplementedError

    def fill(self) -> None:
        """Make the rows again, by `words` of the filter. Raises NotImplementedError here."""
        raise NotImplementedError

    def describe(self, text: str) -> None:
        """The words below the list."""
        what = self.query_one(f"#{name_of(type(self))}-what", Static)
        self._described = "\n".join(map(printable, text.split("\n")))
        what.update(whole(self._described, *what.size), layout=False)

    def on_resize(self) -> None:
        self.describe(self._described)

    @opens
    def action_filter(self) -> None:
        box = self.query_one(Input)
        box.display = True
        self.screen.set_focus(box)  # at once: the next keys are the filter's

    def on_input_changed(self, event: Input.Changed) -> None:
        self.words = event.value
        self.fill()

    def on_input_submitted(self) -> None:
        """Enter: on to the list; the filter stays while it has words."""
        self.screen.set_focus(self)  # at once: the next keys are the list's
        self.query_one(Input).display = bool(self.words)

    def unfilter(self) -> None:
        """No words in the filter any more."""
        box = self.query_one(Input)
        box.value = self.words = ""
        box.display = False

    def cancel(self) -> bool:
        """Esc, while this panel is worked in: all rows again."""
        box = self.query_one(Input)
        if not box.display or not (box.has_focus or self.has_focus):
            return False
        self.unfilter()
        self.focus()
        return True
