"""The screen with the panels: left, centre, right, and below; the footer tells the keys.

Where it is narrow, left and right share one column, and that of the focused panel is seen; where it
is short, only the focused panel of a column is unfolded. Tab goes through all panels all the same.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from latty.process import look_for_cycles
from latty_tui.desk import Desk, DialogPlace
from latty_tui.drawing.compositing import ChangesOnly
from latty_tui.drawing.pixels import PixelView
from latty_tui.panel import NUMBERED, Place, in_order, name_of, panel_around, panels
from latty_tui.widgets.browser import RowList
from latty_tui.widgets.footer import KeyLine
from latty_tui.widgets.lines import Lines

UNFOLDED = "#directions, #edits"  # until others of their columns are worked in
NARROWEST, WIDEST = 100, 200  # columns of a screen between which those beside the picture grow
COLUMNS = {"left": (24, 44), "right": (34, 48)}  # cells, there
LEAST, MOST = Size(34, 12), 72  # cells of a dialog, where it may cover no picture; and its width
SMALL = "The studio needs 60 columns and 16 rows; the window has {} x {}.\n\nq leaves; jobs go on."


def _from(place: Region, row: int) -> Region:
    """What of a place is below a row, and enough of it for a dialog."""
    y = max(place.y, min(row, place.bottom - LEAST.height))
    return Region(place.x, y, place.width, place.bottom - y)


def placed(place: Place) -> Vertical:
    """The panels of one place."""
    found = (cast(type[Widget], panel) for panel in panels() if place == panel.PLACE)
    return Vertical(*(one(id=name_of(one), classes="panel") for one in found), id=place)


class Main(Screen[None]):
    """All panels."""

    AUTO_FOCUS: ClassVar = "#directions"
    # Textual's own writes every cell of the screen at each change of the focus.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "step(1)", "Next panel", show=False),
        Binding("shift+tab", "step(-1)", "Previous panel", show=False),
        *(Binding(str(at), f"numbered({at})", show=False) for at in range(1, NUMBERED + 1)),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._compositor = ChangesOnly()  # private to Textual
        self._lost: tuple[Any, Any] = None, None  # the panel that lost the focus, and its heir

    def compose(self) -> ComposeResult:
        yield placed("top")
        yield Horizontal(placed("left"), placed("centre"), placed("right"), id="middle")
        yield placed("bottom")
        yield Static("", id="small", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        for panel in self.panels():
            if panel.border_title is None:  # it may have said more of itself by now
                panel.entitle()
        for panel in self.query(UNFOLDED):
            panel.add_class("-current")
        self.call_after_refresh(look_for_cycles)

    def on_resize(self) -> None:
        self.query_one("#small", Static).update(SMALL.format(*self.size))
        self._share()
        if self.current is not None:  # at once: what is folded away would lose the focus
            self._unfold(self.current, resized=True)
        self.call_after_refresh(self._focus_again)

    def _share(self) -> None:
        """The columns beside the picture grow with the screen; where they share one, its looks say
        how wide it is."""
        for name, (least, most) in COLUMNS.items():
            more = (self.size.width - NARROWEST) / (WIDEST - NARROWEST)
            width = round(least + max(0.0, min(1.0, more)) * (most - least))
            self.query_one(f"#{name}").styles.width = width if self.has_class("-wide") else None

    def _reset_focus(self, widget: Widget, avoiding: list[Widget] | None = None) -> None:
        """What is hidden loses the focus to a neighbour, or to none; not to be seen in full screen
        it keeps it: it is there again afterwards. Private to Textual."""
        if self.has_class("-full") and not avoiding:
            return
        left = panel_around(widget)
        super()._reset_focus(widget, avoiding)
        if self.current is not left:
            self._lost = left, self.current

    def _focus_again(self) -> None:
        """Back to the panel that a smaller window had no room for, unless somebody has gone
        elsewhere from where the focus went."""
        if not self.query_one("#middle").display or self.has_class("-full"):
            return
        left, to = self._lost
        if left is not None and self.current is to and left.focusable:
            self.go(left)
        elif self.current is None:
            self.restore_focus(cast(Desk, self.app).last_focus or self.AUTO_FOCUS[1:])

    def restore_focus(self, name: str | None) -> None:
        """The focus to the panel of that name, if there is one."""
        for panel in self._reachable():
            if panel.id == name:
                self.go(panel)

    def on_descendant_focus(self) -> None:
        if (panel := self.current) is not None:
            self._unfold(panel)
            cast(Desk, self.app).last_focus = panel.id

    def panels(self) -> Iterator[Any]:
        """The widgets of all panels."""
        return (self.query_one(f"#{name_of(panel)}") for panel in panels())

    @property
    def current(self) -> Any:
        """The panel that has the focus; None where none has."""
        return panel_around(self.focused)

    def go(self, panel: Any) -> None:
        """Bring a panel to light and give it the focus."""
        self.remove_class("-full")
        self._unfold(panel)
        if panel.can_focus:
            panel.focus()
        else:
            inner = next((widget for widget in panel.query("*") if widget.focusable), None)
            if inner is not None:
                inner.focus()

    def action_step(self, by: int) -> None:
        """The next or previous panel, those that are folded away too."""
        if order := self._reachable():
            at = order.index(self.current) + by if self.current in order else 0
            self.go(order[at % len(order)])

    def action_numbered(self, number: int) -> None:
        """The panel of that number, which its title tells."""
        for panel in self._reachable():
            if in_order().index(type(panel)) + 1 == number:
                self.go(panel)

    def _reachable(self) -> list[Any]:
        """Panels in the order of the screen; those that are switched off are left out."""
        found = (self.query_one(f"#{name_of(one)}") for one in in_order())
        return [panel for panel in found if panel.display]

    def _unfold(self, panel: Any, resized: bool = False) -> None:
        """Mark a panel as the one of its column that is worked in, and the column; only where that
        changes something: every cell of the screen is written again, and the pictures sent."""
        if resized or self.has_class("-short"):
            for other in panel.parent.children:
                other.set_class(other is panel, "-current")
        if (resized or self.has_class("-narrow")) and panel.PLACE in ("left", "right"):
            self.set_class(panel.PLACE == "right", "-on-right")

    # Where dialogs stand.

    def room(self, where: DialogPlace) -> Region:
        """The cells where a dialog may stand: beside what is painted, or below the picture. What
        has no room there covers what it must."""
        painted = [view.painted for view in self.query(PixelView) if view.painted.area]
        large = [view.painted for view in self.query("#picture PixelView").results(PixelView)]
        top, bottom = 1, self.size.height - 1  # the header and the keys are seen
        if where == "below":
            lowest = max((one.bottom for one in large if one.area), default=bottom)
            height = max(bottom - lowest, self.size.height // 3, LEAST.height)
            return Region(0, bottom - height, self.size.width, height)
        column, left = self._column()
        if left:
            edge = max([column.right, min((one.x for one in painted), default=0), LEAST.width])
            place = Region(0, top, min(edge, MOST), bottom - top)
        else:
            edge = max((one.right for one in painted), default=self.size.width)
            edge = min(edge, column.x or edge, self.size.width - LEAST.width)
            edge = max(edge, self.size.width - MOST)
            place = Region(edge, top, self.size.width - edge, bottom - top)
        return place if where == "column" else _from(place, self._row())

    def _column(self) -> tuple[Region, bool]:
        """The column of the panel that is worked in, the right one of the picture's; whether it
        is at the left."""
        left, right = self.query_one("#left"), self.query_one("#right")
        here = self.current is not None and self.current.PLACE == "left"
        at_left = bool(left.display) and (here or not right.display)
        return (left if at_left else right).region, at_left

    def _row(self) -> int:
        """The row of the screen below the cursor of the panel that is worked in."""
        panel = self.current
        rows = panel if isinstance(panel, Lines) else None
        if panel is not None and panel.query(RowList):
            rows = panel.query_one(RowList)
        return 1 if rows is None else rows.region.y + rows.cursor - rows.scroll_offset.y + 2

    def on_screen_suspend(self) -> None:
        for view in self.query(PixelView):
            view.cover(True)

    def on_screen_resume(self) -> None:
        self._share()  # the window may have another size since
        for view in self.query(PixelView):
            view.cover(False)
