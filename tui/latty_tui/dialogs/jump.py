"""Jump mode: a letter over each panel; press it and the panel has the focus.

Panels that are folded away (narrow terminals) are told in a line at the bottom, and can be jumped
to as well.
"""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from latty_tui.dialogs.base import Dialog
from latty_tui.panel import name_of, panels

if TYPE_CHECKING:
    from latty_tui.app import Studio


class Jump(Dialog[str]):
    """The name of the panel that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "leave", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self.letters = {panel.JUMP: name_of(panel) for panel in panels() if panel.JUMP}

    def compose(self) -> ComposeResult:
        studio, hidden = cast("Studio", self.app), []
        for letter, name in self.letters.items():
            panel = studio.panel(name)
            if panel.region.area:
                yield self._label(letter, panel)
            elif panel.display:
                hidden.append(f" {letter}  {panel.TITLE}")
        words = "press a letter" + (";  elsewhere: " + "  ".join(hidden) if hidden else "")
        yield Static(f" {words}   esc ", classes="jump-words", markup=False)

    def _label(self, letter: str, panel: Any) -> Static:
        label = Static(Text(f" {letter} "), classes="jump-letter")
        label.styles.offset = panel.region.x + 1, panel.region.y
        return label

    def on_key(self, event: events.Key) -> None:
        name = self.letters.get(event.character or "")
        if name is not None and cast("Studio", self.app).panel(name).display:
            event.stop()
            self.dismiss(name)

    def on_click(self, event: events.Click) -> None:
        """A click on a panel is a jump, too."""
        studio = cast("Studio", self.app)
        for name in self.letters.values():
            if studio.panel(name).region.contains(*event.screen_offset):
                self.dismiss(name)
                return
        self.dismiss(None)
