"""`?`: a map of the panels, what the focused one is for, its keys, and those that work everywhere.

All of it is read from the panels and their bindings: what a key says here is what it does. What is
typed searches all keys, by their names too; "keymap" shows the names of commands for a keymap.
"""

import textwrap
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from latty import home
from latty_tui.commands import Command, commands, display, words_of
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog
from latty_tui.keymap import FILE
from latty_tui.panel import PLACES, Panel, in_order, name_of, number_of, panel_around, panels
from latty_tui.widgets.browser import MOVES

WIDTH = 14  # cells for the keys
COLUMN = 20  # cells of a column of the map
WAYS = "to a panel: its number, or ctrl+o and its letter, or tab, shift+tab"
KEYMAP = "keymap"
NAMES = "names of commands, for a keymap of your own"
OWN = (
    'Keys of your own: {path}, a line for each, as in  undo = "ctrl+z"; type keymap for the names.'
)
NONE = "no key does that; ctrl+p finds directions, models, presets and pages of help, too"
AROUND = "around the screen"  # the group of keys that go from panel to panel
MOVED = frozenset(one.description for one in MOVES)  # keys that every list has


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
        self.all = [*commands(self.app)]
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

    # What it says.

    def _whole(self) -> Iterator[Text]:
        """The map, the focused panel, then what works everywhere, by what it is about."""
        yield from self._map()
        if self.panel is not None:
            yield Text(self.panel.HELP or "")
            yield Text()
            mine = [one for one in self.all if one.panel == name_of(self.panel)]
            moves = [one for one in mine if one.what in MOVED]
            yield from self._section(self.panel.TITLE, [c for c in mine if c not in moves])
            yield from self._section("its list", moves)
        titles = {name_of(panel): panel.TITLE for panel in panels()}
        everywhere = [one for one in self.all if not one.panel]
        for owner in dict.fromkeys(one.owner for one in everywhere):
            title = f"everywhere: {titles.get(owner, AROUND)}"
            yield from self._section(title, [c for c in everywhere if c.owner == owner])
        yield Text(OWN.format(path=home.config_dir() / FILE), style="dim")

    def _map(self) -> Iterator[Text]:
        """Where the panels are on the screen, each with its number and its letter after ctrl+o."""
        places = [[one for one in in_order() if place == one.PLACE]
                  for place in PLACES]  # fmt: skip
        for row in zip_longest(*places[:-1]):
            yield Text(" │ ").join(map(self._place, row))
        yield Text("─┴─".join("─" * COLUMN for _ in places[:-1]))
        yield from map(self._place, places[-1])
        yield Text(WAYS, "dim")
        yield Text()

    def _place(self, panel: type[Panel] | None) -> Text:
        """One panel on the map; the focused one is marked."""
        if panel is None:
            return Text(" " * COLUMN)
        here = panel is self.panel
        name = f"{'▸' if here else ' '} {panel.TITLE}".ljust(COLUMN - 4)
        number, letter = number_of(panel).ljust(2), f" {panel.JUMP}"
        return Text.assemble((number, "bold"), (name, "reverse" if here else ""), (letter, "bold"))

    def _searched(self, parts: list[str]) -> Iterator[Text]:
        """Every command that holds all the words, panel by panel."""
        named = parts == [KEYMAP]
        titles = {"": "everywhere", **{name_of(panel): panel.TITLE for panel in panels()}}
        rows = [one for one in self.all if named and one.id]
        rows = rows or [c for c in self.all if all(p in self._text(c, titles) for p in parts)]
        if named:
            yield Text(NAMES, style="dim")
        for name, title in titles.items():
            yield from self._section(title, [one for one in rows if one.panel == name], named)
        if not rows:
            yield Text(NONE, style="dim")

    def _text(self, command: Command, titles: dict[str, str]) -> str:
        """What a search looks at."""
        more = words_of(self.app, command)
        keys = f"{display(self.app, command)} {command.keys.replace(',', ' ')}"
        return f"{titles[command.panel]} {command.what} {command.more} {more} {keys}".lower()

    def _section(self, title: str, rows: Iterable[Command], named: bool = False) -> Iterator[Text]:
        """A group of keys below its title; `named`: with the names of its commands."""
        lines = [line for command in rows for line in self._lines(command, named)]
        if lines:
            yield Text(title, style="bold underline")
            yield from lines
            yield Text()

    def _lines(self, command: Command, named: bool) -> Iterator[Text]:
        """A key and what it does; a sentence below it, each line at its indent."""
        keys = display(self.app, command)
        yield Text.assemble((keys.ljust(WIDTH), "bold"), " ", command.what)
        more = command.id if named else command.more if command.more != command.what else ""
        for line in textwrap.wrap(more, max(20, self._width() - WIDTH - 1)):
            yield Text(" " * (WIDTH + 1) + line, style="dim")

    def _width(self) -> int:
        """Cells of a line: the box without border, padding and scroll bar."""
        return cast(Desk, self.app).room(self.STANDS).width - 6
