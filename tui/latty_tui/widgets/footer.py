"""The bottom line: the keys that matter where the focus is, as many as fit. A click presses one.

One widget that draws one row: Textual's own is a widget for every key, made anew at each move of
the focus, which costs more than all the panels.
"""

from dataclasses import dataclass, replace

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.keys import REPLACED_KEYS
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

PALETTE = "ctrl+p"
ALWAYS = ("Help",)  # however narrow it is
OTHERS = ("f1",)  # a second key of a command, whose display is that of the first
GAP = "  "


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key and what it does."""

    key: str
    shown: str
    what: str


def fitted(keys: list[KeyHint], last: list[KeyHint], width: int) -> list[tuple[int, KeyHint]]:
    """Where each key that fits begins; the last ones are at the right edge."""
    end = width - 1 - sum(_size(key) for key in last) - len(GAP) * (len(last) - 1)
    placed, at = [], 1
    for key in keys:
        if at + _size(key) + len(GAP) > end:
            break
        placed.append((at, key))
        at += _size(key) + len(GAP)
    at = max(at, end)
    for key in last:
        placed.append((at, key))
        at += _size(key) + len(GAP)
    return placed


def _size(key: KeyHint) -> int:
    return Text(f"{key.shown} {key.what}").cell_len


class KeyLine(Widget):
    """The keys of the focused panel, then those that work everywhere."""

    can_focus = False
    COMPONENT_CLASSES = {"key-line--key"}  # noqa: RUF012 as Textual has it

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[KeyHint] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look)
        self._look(self.screen)

    def _look(self, screen: Screen[object]) -> None:
        if not screen.is_attached:
            return
        found: dict[str, KeyHint] = {}
        typing = isinstance(screen.focused, Input)  # Textual takes no "/" for a character then
        for _, binding, enabled, _ in screen.active_bindings.values():
            if typing and binding.key in REPLACED_KEYS:
                continue
            if binding.show and enabled and binding.action not in found:
                own = replace(binding, key_display=None) if binding.key in OTHERS else binding
                shown = self.app.get_key_display(own)
                found[binding.action] = KeyHint(binding.key, shown, binding.description)
        keys = list(found.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _placed(self) -> list[tuple[int, KeyHint]]:
        shown = self.app.get_key_display(Binding(PALETTE, ""))
        last = [key for key in self._keys if key.what in ALWAYS]
        keys = [key for key in self._keys if key not in last]
        return fitted(keys, [*last, KeyHint(PALETTE, shown, "Palette")], self.size.width)

    def render(self) -> Text:
        style = self.get_component_rich_style("key-line--key", partial=True)
        line = Text(no_wrap=True)
        for at, key in self._placed():
            line.append(" " * (at - line.cell_len))
            line.append(key.shown, style)
            line.append(f" {key.what}")
        return line

    async def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        for at, key in self._placed():
            if at <= event.x < at + _size(key):
                self.app.simulate_key(key.key)
