"""A panel that is a list of lines with a cursor; ten thousand lines cost what is seen of them.

A panel says how many lines there are and what is in one; the rest (keys, mouse, scrolling, words
where there is nothing) is here. Text goes through `printable`: names come from other files.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from latty.text import printable

CURSOR = "›"


class LinePart(NamedTuple):
    """Some text of a line, and how it looks: one of Lines.COMPONENT_CLASSES, "" = plainly."""

    text: str
    look: str = ""


Row = tuple[bool, tuple[LinePart, ...]]  # whether the cursor is there, and what it says


def fitted(text: str, width: int) -> str:
    """Text of exactly `width` cells, with "…" where it was cut."""
    text = printable(text)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """The list. `count` and `line` are to be filled in; `under` hears where the cursor is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"lines--{look}" for look in ("dim", "value", "strong", "wrong", "off", "cursor")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", show=False),
        Binding("down,j", "step(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "A page up", show=False),
        Binding("pagedown", "page(1)", "A page down", show=False),
        Binding("home", "step(-1000000000)", "First", show=False),
        Binding("end", "step(1000000000)", "Last", show=False),
    ]
    EMPTY: ClassVar[str] = ""
    empty = ""  # what is said where there are no lines, "" = EMPTY
    cursor = 0

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._shown: dict[int, Row] = {}  # by row of the screen, as it was drawn last
        self._strips: LRUCache[Any, Strip] = LRUCache(128)

    # What a panel says.

    def count(self) -> int:
        """How many there are."""
        return 0

    def line(self, index: int, width: int) -> Iterable[LinePart]:
        """What is in one of them, for a place of `width` cells."""
        return ()

    def under(self) -> None:
        """The cursor is on another line, or the focus came here."""

    # What it does with it.

    @property
    def room(self) -> int:
        """Cells of a line, without the cursor's mark."""
        return max(0, self.scrollable_content_region.width - 1)

    def revise(self, cursor: int | None = None) -> None:
        """The lines are other ones; the cursor stays, or goes where it is told."""
        count = self.count()
        if self.styles.is_auto_height and count != self.virtual_size.height:
            self.refresh(layout=True)
        self._measure(Size(self.size.width, count))
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, count - 1))
        self.show_cursor()
        self._renew()

    def _renew(self) -> None:
        """Draw the rows that say something else now."""
        width, height = self.scrollable_content_region.size
        for y in range(height):
            if self._row(y) != self._shown.get(y):
                self.refresh(Region(0, y, width, 1))

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Textual's own draws what is around the rows, too."""
        if round(old) != round(new):
            self.vertical_scrollbar.position = new
            self.refresh(Region(0, 0, *self.scrollable_content_region.size))

    def _measure(self, size: Size) -> None:
        """How long the list is. Textual would lay the whole screen out again for each line more:
        that is needed only where the scrollbar comes or goes."""
        scrolls = size.height > self.scrollable_content_region.height > 0
        if scrolls != self.show_vertical_scrollbar:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(Lines.virtual_size, size)
            self._scroll_update(size)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Where the height is auto: as many as there are lines, or words where there are none."""
        return self.count() or len(self._wrapped(width))

    def _wrapped(self, width: int) -> list[str]:
        import textwrap

        return textwrap.wrap(self.empty or self.EMPTY, max(4, width - 2))

    def go(self, index: int) -> None:
        """The cursor to a line, or to the nearest there is."""
        before = self.cursor
        self.cursor = max(0, min(index, self.count() - 1))
        self.show_cursor()
        if self.cursor != before:
            self.refresh_line(before)
            self.refresh_line(self.cursor)
            self.under()

    def show_cursor(self) -> None:
        """Scroll so that the line of the cursor is seen."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if height > 0 and not top <= self.cursor < top + height:
            place = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=place, animate=False, force=True)

    def action_step(self, by: int) -> None:
        self.go(self.cursor + by)

    def action_page(self, way: int) -> None:
        self.go(self.cursor + way * max(1, self.scrollable_content_region.height - 1))

    def on_resize(self) -> None:
        self.revise()

    def on_focus(self) -> None:
        self.refresh()
        self.under()

    def on_blur(self) -> None:
        self.refresh()

    def line_at(self, event: events.MouseEvent) -> tuple[int, int] | None:
        """The line below the mouse and the cell in it, None where there is none."""
        if (place := event.get_content_offset(self)) is None:
            return None
        index = place.y + self.scroll_offset.y
        return (index, place.x - 1) if 0 <= index < self.count() else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if (found := self.line_at(event)) is not None:
            self.go(found[0])

    def _row(self, y: int) -> Row:
        """What a row of the screen says, and whether it is that of the cursor."""
        index, count = y + self.scroll_offset.y, self.count()
        if not count:
            said = self._wrapped(self.scrollable_content_region.width)
            return False, (LinePart(" " + said[y], "dim"),) if y < len(said) else ()
        if index >= count:
            return False, ()
        here = index == self.cursor
        return here, (LinePart(CURSOR if here else " ", "value"), *self.line(index, self.room))

    def render_line(self, y: int) -> Strip:
        row, width = self._row(y), self.scrollable_content_region.width
        base = self.visual_style.rich_style
        self._shown[y] = row
        key = row, width, base, self.has_focus, self.app.theme
        if (strip := self._strips.get(key)) is None:
            strip = self._strips[key] = self._strip(*row, base).adjust_cell_length(width, base)
        return strip

    def _strip(self, here: bool, parts: tuple[LinePart, ...], base: Style) -> Strip:
        if here:
            cursor = self.get_component_rich_style("lines--cursor")
            base += Style(bgcolor=cursor.bgcolor, bold=cursor.bold)
        looks = {look: base + self._ink(look) for look in {part.look for part in parts}}
        return Strip(Segment(printable(part.text), looks[part.look]) for part in parts if part.text)

    def _ink(self, look: str) -> Style:
        """How a look writes, on whatever ground."""
        if not look:
            return Style.null()
        style = self.get_component_rich_style(f"lines--{look}")
        return Style(color=style.color, bold=style.bold)
