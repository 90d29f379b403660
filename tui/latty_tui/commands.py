"""Every command there is, read from the bindings of the app and of its panels: the palette, help,
jump mode and the keymap file all look here, so nothing is told twice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from latty.errors import ConfigError
from latty_tui import keymap
from latty_tui.desk import Desk
from latty_tui.panel import Panel, name_of, panel_around, panels

NEAR = 0.3  # what a match of the focused panel is worth more: matches score 0..1 and a little
UNSEEN = ("super+c",)  # keys that Textual binds for other systems


def everywhere() -> list[Binding]:
    """The keys of panels that work wherever the focus is: their EVERYWHERE."""
    found = []
    for panel in panels():
        name = name_of(panel)
        for one in panel.EVERYWHERE:
            action, id = f"panel({name!r}, {one.action!r})", one.id or f"{name}.{one.action}"
            found.append(replace(one, action=action, id=id))
    return found


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done.

    panel   whose it is; "" = it works everywhere
    keys    as Textual writes them, with commas between
    what    in a few words; more: in a sentence, "" = no more
    id      its name in the keymap file
    """

    panel: str
    action: str
    keys: str
    what: str
    id: str
    more: str = ""


def commands(app: App[Any]) -> Iterator[Command]:
    """All of them, the app's first, then panel by panel; each once, with all its keys. What has no
    words is for Textual's own use."""
    yield from _of("", Binding.make_bindings(type(app).BINDINGS))
    for panel in panels():
        above = [one for one in panel.__mro__ if issubclass(one, Panel) and "BINDINGS" in vars(one)]
        bindings = (binding for one in above for binding in Binding.make_bindings(one.BINDINGS))
        yield from _of(name_of(panel), bindings)


def _of(panel: str, bindings: Any) -> Iterator[Command]:
    found: dict[str, Command] = {}
    for binding in bindings:
        if not binding.description or binding.key in UNSEEN:
            continue
        known = found.get(binding.action)
        found[binding.action] = (
            replace(known, keys=f"{known.keys},{binding.key}")
            if known
            else Command(panel, binding.action, binding.key, binding.description,
                         binding.id or "", binding.tooltip)
        )  # fmt: skip
    yield from found.values()


def read_keymap(app: App[Any]) -> dict[str, str]:
    """The keys of the user's own, by command; what is wrong with the file is shown, and none."""
    try:
        return keymap.read([command.id for command in commands(app) if command.id])
    except ConfigError as error:
        cast(Desk, app).fail(error, "the keymap cannot be used")
        return {}


def display(app: App[Any], command: Command) -> str:
    """The keys of a command as people write them, those of the keymap file where it names it."""
    keys = cast(Desk, app).own_keys.get(command.id, command.keys)
    shown = [app.get_key_display(one) for one in Binding.make_bindings([Binding(keys, "")])]
    return " ".join(dict.fromkeys(shown))


class Everything(Provider):
    """The command palette: every command with its panel and its keys, and the themes. Those of the
    focused panel come first."""

    @property
    def desk(self) -> Desk:
        return cast(Desk, self.app)

    def _entries(self) -> Iterator[tuple[str, str, bool, Any]]:
        """What it says, its keys or a word on it, whether it is near, what it does."""
        titles = {name_of(panel): panel.TITLE for panel in panels()}
        panel = panel_around(self.focused)
        near = name_of(type(panel)) if panel is not None else ""
        for command in sorted(commands(self.app), key=lambda command: command.panel != near):
            title = titles.get(command.panel, "")
            text = f"{title}: {command.what}" if title else command.what
            keys = display(self.app, command)
            words = f"{keys}   {command.more}" if command.more else keys
            yield text, words, command.panel == near, partial(self._run, command)
        for panel in panels():
            if panel.JUMP:
                go = partial(self.desk.go, name_of(panel))
                yield f"Go to {panel.TITLE}", f"^o {panel.JUMP}", False, go
        for theme in sorted(self.app.available_themes):
            look = partial(self.desk.set_theme, theme)
            yield f"Theme: {theme}", "how the studio looks", False, look

    async def discover(self) -> Hits:
        for text, words, _, run in self._entries():
            yield DiscoveryHit(text, run, help=words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, words, near, run in self._entries():
            score = matcher.match(text) or 0.5 * matcher.match(words)
            if score > 0:
                extra = NEAR if near else 0.0
                yield Hit(score + extra, matcher.highlight(text), run, text=text, help=words)

    async def _run(self, command: Command) -> None:
        panel = None
        if command.panel:
            self.desk.go(command.panel)
            panel = self.desk.panel(command.panel)
        await self.app.run_action(command.action, default_namespace=panel)
