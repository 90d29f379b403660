"""`?`: what the focused panel is for, its keys, and the keys that work everywhere; searchable.

All of it is read from the panels and their bindings: what a key says here is what it does.
"""

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from latty import home
from latty_tui.commands import Command, commands, display
from latty_tui.desk import DialogPlace
from latty_tui.dialogs.base import Dialog
from latty_tui.keymap import FILE
from latty_tui.panel import Panel, name_of, panel_around, panels

WIDTH = 14  # cells for the keys
OWN = 'Keys of your own: {path}, a line for each, as in  undo = "ctrl+z"; ids are on the right.'


class Help(Dialog[None]):
    """Help on the panel that `focused` is in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll('down')", show=False),
        Binding("up", "scroll('up')", show=False),
        Binding("pagedown", "scroll('page_down')", show=False),
        Binding("pageup", "scroll('page_up')", show=False),
        Binding("f1", "leave", show=False),
    ]
    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, focused: Widget | None) -> None:
        super().__init__()
        around = panel_around(focused)
        self.panel: type[Panel] | None = around and type(around)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="help") as box:
            box.border_title = f"help: {self.panel.TITLE}" if self.panel else "help"
            box.border_subtitle = "type to search   ↑ ↓ scroll   esc close"
            yield Input(placeholder="search all keys")
            with VerticalScroll(can_focus=False):
                yield Static(classes="keys", markup=False)

    def on_mount(self) -> None:
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def action_scroll(self, how: str) -> None:
        getattr(self.query_one(VerticalScroll), f"scroll_{how}")(animate=False)

    def _fill(self, words: str) -> None:
        parts = words.lower().split()
        lines = Text("\n").join(self._searched(parts) if parts else self._whole())
        self.query_one(".keys", Static).update(lines)
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def _whole(self) -> Iterator[Text]:
        """The focused panel, then what works everywhere."""
        found = list(commands(self.app))
        if self.panel is not None:
            yield Text(self.panel.HELP or "")
            yield Text()
            mine = name_of(self.panel)
            yield from self._section(self.panel.TITLE, [c for c in found if c.panel == mine])
        yield from self._section("everywhere", [c for c in found if not c.panel])
        yield Text(OWN.format(path=home.config_dir() / FILE), style="dim")

    def _searched(self, parts: list[str]) -> Iterator[Text]:
        """Every command that holds all the words, panel by panel."""
        titles = {"": "everywhere", **{name_of(panel): panel.TITLE for panel in panels()}}
        found = 0
        for name, title in titles.items():
            rows = [
                command
                for command in commands(self.app)
                if command.panel == name
                and all(p in f"{title} {command.what} {command.id}".lower() for p in parts)
            ]
            found += len(rows)
            if rows:
                yield from self._section(title, rows)
        if not found:
            yield Text("no key does that; the palette (ctrl+p) finds more words", style="dim")

    def _section(self, title: str, rows: list[Command]) -> Iterator[Text]:
        if not rows:
            return
        yield Text(title, style="bold underline")
        for command in rows:
            keys = display(self.app, command)
            line = Text.assemble((keys.ljust(WIDTH), "bold"), " ", command.what, no_wrap=True)
            room = self._width() - line.cell_len - len(command.id)
            if command.id and room > 1:
                line.append(" " * room + command.id, "dim")
            yield line
            if command.more and command.more != command.what:
                yield Text(" " * (WIDTH + 1) + command.more, style="dim")
        yield Text()

    def _width(self) -> int:
        """Cells of a line: the box without border, padding and scroll bar."""
        return min(84, int(self.app.size.width * 0.95)) - 6
