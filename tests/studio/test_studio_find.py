"""The palette finds anything by its words: commands, directions, models, presets, seeds, jobs."""

import asyncio
from typing import Any

from studio import Keys, made, run, settled, text, until

from latty_tui import commands
from latty_tui.dialogs.palette import Palette
from latty_tui.finding import Index, Thing
from latty_tui.panel import panels

# What people type, and what they find first: with a picture that has an edit, a keyframe, no job.
WORDS = {
    "zoom": "A pixel as a pixel", "compare": "Original and edited side by side",
    "exit": "Quit; jobs go on", "quit": "Quit; jobs go on", "size": "size", "resolution": "size",
    "device": "Settings in your editor", "settings": "Settings in your editor",
    "config": "Settings in your editor", "psi": "truncation", "truncation": "truncation",
    "reset": "All to zero", "mix": "mix", "invert": "Flip: the other way round",
    "project": "start", "import": "Open a file",
    "screenshot": "Export the picture as PNG, whole size", "noise": "noise", "undo": "Undo",
    "export": "Export the picture as PNG, whole size", "film": "Go to film", "video": "Render",
    "gif": "Render", "render": "Render", "search": "Discover", "help": "Help",
    "class": "Choose a class",
    "save": "Preset", "jobs": "To the queue", "smile": "smile", "portraits": "portraits",
    "42": "Seed 42", "seed 42": "Seed 42", "random": "Random seed", "redo": "Redo",
}  # fmt: skip


def nothing(*_: object) -> None:
    """Done by a thing of a test."""


def names(index: Index, words: str) -> list[str]:
    return [thing.name for thing in index.search(words)]


def test_names_come_before_words_and_recent_ones_first() -> None:
    index = Index(near="edits", recent=["direction  mouth_open"])
    index.add([
        Thing("Mute", "edits", nothing, words="off"),
        Thing("Random seed", "studio", nothing),
        Thing("mouth_open", "direction", nothing),
        Thing("mouth wide", "direction", nothing, why="made for portraits"),
        Thing("Keep", "film", nothing, more="off the list"),
    ])  # fmt: skip
    assert names(index, "") == ["mouth_open", "Mute", "Random seed", "Keep", "mouth wide"]
    assert names(index, "mouth") == ["mouth_open", "mouth wide"]
    assert names(index, "Mouth open") == names(index, "mouth-op") == ["mouth_open"]
    assert names(index, "off") == ["Mute", "Keep"]
    assert names(index, "seed rand") == ["Random seed"]
    assert names(index, "rndsd") == ["Random seed"]  # the letters in their order
    assert names(index, "xyzzy") == []


def test_what_people_type_finds_what_they_mean() -> None:
    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.panel("models").known and app.panel("directions").entries)
        await pilot.press("right", "K")
        await settled(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette) and app.screen._whole.is_set())
        palette = app.screen
        wrong = {}
        for words, first in WORDS.items():
            palette.query_one("Input").value = words
            palette._fill()
            if palette.found[0].name != first:
                wrong[words] = [thing.name for thing in palette.found[:3]]
        assert not wrong
        listed = {(thing.kind, thing.name) for thing in palette.index.search("")}
        titles = {"": commands.STUDIO, **{commands.name_of(one): one.TITLE for one in panels()}}
        for one in commands.commands(app):
            assert (titles[one.owner], one.what) in listed, one
        kinds = {kind for kind, _ in listed}
        assert {"direction", "model", "model to fetch", "preset", "panel", "theme"} <= kinds
        foreign = [one for one in palette.index.search("portraits smile") if one.why]
        assert foreign and foreign[0].why == "made for portraits"

    run(keys, size=(140, 44))


def test_the_cursor_stays_with_what_was_gone_to_while_more_is_read() -> None:
    reads = asyncio.Event()

    async def read() -> list[Thing]:
        await reads.wait()
        return [Thing("aa", "preset", nothing), Thing("ab", "preset", nothing)]

    async def keys(pilot: Keys) -> None:
        index, taken = Index(recent=["preset  aa"]), list[Thing | None]()
        index.add(Thing(name, "studio", nothing) for name in ("ax", "ay"))
        pilot.app.ask(palette := Palette(index, [], [read]), taken.append)
        await until(pilot, lambda: pilot.app.screen is palette and palette.found)
        await pilot.press("a", "down")
        await until(pilot, lambda: palette.rows.cursor == 1)
        reads.set()
        await until(pilot, lambda: len(palette.found) == 4)
        assert [one.name for one in palette.found] == ["aa", "ax", "ay", "ab"]
        await pilot.press("enter")
        await until(pilot, lambda: taken)
        assert taken[0] is not None and taken[0].name == "ay"

    run(keys)


def test_words_are_said_of_what_there_is() -> None:
    for panel in panels():
        known = {one.action for one in [*panel.EVERYWHERE, *panel.BINDINGS]}
        assert set(panel.WORDS) <= known, panel


def test_what_is_taken_is_done_and_comes_first_next_time() -> None:
    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.panel("directions").entries)
        await pilot.press("ctrl+p", *"42", "enter")
        await until(pilot, lambda: app.state.scene.seed == 42)
        await pilot.press("ctrl+p", *"yaw", "enter")
        await until(pilot, lambda: app.panel("directions").row.key == "demo/yaw")
        assert app.focused is app.panel("directions")
        await pilot.press("ctrl+p", *"theme latty-con", "enter")
        await until(pilot, lambda: app.theme == "latty-contrast")
        await pilot.press("ctrl+p", *"mute", "enter")
        await until(pilot, lambda: "not now: there is no edit yet" in text(pilot))
        assert isinstance(app.screen, Palette)
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette) and app.screen.found)
        first = [thing.name for thing in app.screen.found[:2]]
        assert first == ["Theme: latty-contrast", "yaw"]
        await pilot.press("escape", "ctrl+p", *"hello", "enter")  # read from a disk meanwhile
        await until(pilot, lambda: app.state.name == "hello")

    app = run(keys)
    assert "hello" in app.taken[0] and made().taken == app.taken  # the next studio knows it, too


def test_what_is_typed_letter_by_letter_finds_the_same() -> None:
    index = Index()
    index.add(Thing(f"c{i}", "direction", nothing, where=f"set-{i % 40}") for i in range(3000))
    for words in ("c12", "set-7 c4", "12345", "no such thing"):
        for end in range(1, len(words) + 1):
            slowly = index.search(words[:end])
        index.search("")
        assert slowly == index.search(words)
