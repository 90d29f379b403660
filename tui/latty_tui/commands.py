"""Every command there is, read from the bindings of the app and of its panels: the palette, help,
jump mode and the keymap file all look here, so nothing is told twice."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from textual.actions import parse
from textual.app import App
from textual.binding import Binding

from latty.errors import ConfigError
from latty_tui import keymap
from latty_tui.desk import Desk
from latty_tui.finding import Index, Thing
from latty_tui.library import pages
from latty_tui.library.pages import HelpSection
from latty_tui.panel import Panel, name_of, number_of, panel_around, panels

STUDIO = "studio"  # whose the commands are that belong to no panel
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

    @property
    def owner(self) -> str:
        """The panel that it is of, also where its key works everywhere; "" = the studio."""
        return self._parts[0]

    @property
    def does(self) -> str:
        """The action of its owner."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str]:
        if self.action.startswith("panel("):
            name, action = parse(self.action)[2]
            return str(name), str(action)
        return self.panel, self.action


def commands(app: App[Any]) -> Iterator[Command]:
    """All of them, the app's first, then panel by panel; each once, with all its keys. What has no
    words is for Textual's own use."""
    around = Binding.make_bindings(type(app.screen_stack[0]).BINDINGS)
    screens = [replace(one, action=f"screen.{one.action}") for one in around]
    yield from _of("", [*Binding.make_bindings(type(app).BINDINGS), *screens])
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


# The palette.


def things(app: App[Any]) -> Iterator[Thing]:
    """What can be done by a key, panels that can be gone to, and themes."""
    desk = cast(Desk, app)
    titles = {name_of(panel): panel.TITLE for panel in panels()}
    for command in commands(app):
        words, why = words_of(app, command), _owner(app, command).why_not(command.does)
        run = partial(_run, app, command)
        title = titles.get(command.owner, STUDIO)
        key = display(app, command)
        id = f"{command.panel} {command.action}"
        yield Thing(command.what, title, run, key, "", command.more, words, why, id)
    for panel in panels():
        if panel.JUMP:
            go, key = partial(desk.go, name_of(panel)), number_of(panel) or f"^o {panel.JUMP}"
            yield Thing(f"Go to {panel.TITLE}", "panel", go, key, words=panel.TITLE)
    for theme in sorted(app.available_themes):
        look = partial(desk.set_theme, theme)
        yield Thing(f"Theme: {theme}", "theme", look, words="colours dark light")


def words_of(app: App[Any], command: Command) -> str:
    """Other words by which people look for a command."""
    return str(_owner(app, command).WORDS.get(command.does, ""))


def _owner(app: App[Any], command: Command) -> Any:
    return cast(Desk, app).panel(command.owner) if command.owner else app


async def _run(app: App[Any], command: Command) -> None:
    desk, panel = cast(Desk, app), None
    if command.panel:
        desk.go(command.panel)
        panel = desk.panel(command.panel)
    await app.run_action(command.action, default_namespace=panel)


def open_palette(app: App[Any]) -> None:
    """Find anything by its words, and go there or do it."""
    from latty_tui.dialogs.palette import Palette

    desk = cast(Desk, app)
    near = panel_around(app.focused)
    index = Index(near.TITLE if near is not None else "", desk.taken)
    index.add(things(app))
    held: list[Panel] = []
    desk.tell(lambda panel: held.append(cast(Panel, panel)))
    desk.tell(lambda panel: index.add(cast(Panel, panel).things()))
    reads = [partial(_presets, desk), partial(_pages, desk)]
    desk.ask(Palette(index, [panel.typed for panel in held], reads), partial(_take, app))


async def _presets(desk: Desk) -> list[Thing]:
    """What there is to load: presets, and films with theirs."""
    from latty_tui.films import documents

    files: Any = desk.panel("timeline")

    def load(ref: str) -> None:
        desk.background(files.presets.open(ref), "presets")

    found = await asyncio.to_thread(documents.offers, desk.config.out_dir)
    return [Thing(one.name, one.kind, partial(load, one.ref), "", one.what,
                  id=f"preset {one.ref}") for one in found]  # fmt: skip


async def _pages(desk: Desk) -> list[Thing]:
    """The pages of help, by their headings."""

    def show(page: HelpSection) -> None:
        from latty_tui.dialogs.page import ShownPage

        desk.ask(ShownPage(page))

    found = await asyncio.to_thread(pages.read)
    return [Thing(one.heading, "help", partial(show, one), where=one.title) for one in found]


def _take(app: App[Any], thing: Thing) -> None:
    """Go to what was found, or do it."""
    cast(Desk, app).took(thing.known_by)
    if asyncio.iscoroutine(work := thing.run()):
        cast(Desk, app).background(work, "found")
