"""Jump mode: a letter over each panel; press it and the panel has the focus.

Panels that are folded away (narrow terminals) are told in a line at the bottom, and can be jumped
to as well.
"""

from collections.abc import Iterator
from typing import ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from latty_tui.desk import Desk
from latty_tui.dialogs.base import Dialog
from latty_tui.panel import name_of, panels


class Jump(Dialog[None]):
    """Goes to the panel that is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "leave", show=False)]

    def _panels(self) -> Iterator[tuple[str, str, Widget]]:
        """Letter, name and widget of all that can be jumped to."""
        for panel in panels():
            if panel.JUMP:
                name = name_of(panel)
                yield panel.JUMP, name, cast(Desk, self.app).panel(name)

    def compose(self) -> ComposeResult:
        hidden = []
        for letter, _, panel in self._panels():
            if panel.region.area:
                yield self._label(letter, panel)
            elif panel.display:
                hidden.append(f" {letter}  {getattr(panel, 'TITLE', '')}")
        words = "press a letter" + (";  elsewhere: " + "  ".join(hidden) if hidden else "")
        yield Static(f" {words}   esc ", classes="jump-words", markup=False)

    def _label(self, letter: str, panel: Widget) -> Static:
        label = Static(Text(f" {letter} "), classes="jump-letter")
        label.styles.offset = panel.region.x + 1, panel.region.y
        return label

    def _go(self, name: str) -> None:
        self.dismiss(None)
        cast(Desk, self.app).go(name)

    def on_key(self, event: events.Key) -> None:
        for letter, name, panel in self._panels():
            if event.character == letter and panel.display:
                event.stop()
                self._go(name)

    def on_click(self, event: events.Click) -> None:
        """A click on a panel is a jump, too."""
        for _, name, panel in self._panels():
            if panel.region.contains(*event.screen_offset):
                return self._go(name)
        self.dismiss(None)
