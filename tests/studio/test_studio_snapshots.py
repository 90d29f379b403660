"""How the studio looks, kept as pictures in snapshots/: SNAPSHOTS=new makes them anew."""

import os
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from studio import Keys, run, settled, text, until
from svg_screens import difference, path_of, taken
from textual.widgets import Input

from latty.errors import BadData
from latty_tui.app import Studio
from latty_tui.drawing.engine import Drawn, EngineClient
from latty_tui.panel import name_of, panels
from latty_tui.panels import header

NEW = bool(os.environ.get("SNAPSHOTS"))
ASLEEP = (sys.executable, "-c", "import sys; sys.stdin.read()")


@pytest.fixture(autouse=True)
def same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No measured time on the screen."""
    draw = EngineClient.draw

    async def drawn(self: EngineClient, *words: Any, **more: Any) -> Drawn | None:
        found = await draw(self, *words, **more)
        return found and replace(found, ms=31.0, memory=(2 * 2**30, 24 * 2**30), device="cuda:0")

    monkeypatch.setattr(EngineClient, "draw", drawn)
    monkeypatch.setattr(header, "FEW", 1000)  # pictures, before their rate is told


async def compare(pilot: Keys, name: str) -> None:
    """The screen is as it was, or becomes what it is from now on."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    path, now, before = path_of(name), taken(pilot.app), ""
    while now != before:  # until what is drawn a moment later is there
        await pilot.pause(0.7)
        await settled(pilot)
        before, now = now, taken(pilot.app)
    if NEW:
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
        return
    different = difference(path.read_text(encoding="utf-8"), now)
    assert not different, (
        f"{different}\nif that is meant: SNAPSHOTS=new python -m pytest {__file__}"
    )


async def edited(pilot: Keys) -> None:
    """Someone at work: edits, a keyframe, a strip."""
    app = pilot.app
    assert isinstance(app, Studio)
    await pilot.press("ctrl+o", "d")
    await until(pilot, lambda: "smile" in text(pilot), "the directions")
    await pilot.press("right", "right", "down", "right")
    await settled(pilot)
    await pilot.press("K", "n", "K")
    await settled(pilot)
    await pilot.pause(0.6)
    await settled(pilot)
    app.clear_notifications()
    await pilot.pause()


@pytest.mark.parametrize(
    "size",
    [(80, 24), pytest.param((140, 44), marks=pytest.mark.slow)],
    ids=lambda s: f"{s[0]}x{s[1]}",
)
def test_the_studio(size: tuple[int, int]) -> None:
    async def keys(pilot: Keys) -> None:
        await edited(pilot)
        await compare(pilot, f"studio-{size[0]}x{size[1]}")

    run(keys, size=size, real=True)


def test_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first picture: the engine is not there yet."""
    monkeypatch.setattr("studio.FAKE", ASLEEP)
    monkeypatch.setattr("studio._quiet", lambda app: True)

    async def keys(pilot: Keys) -> None:
        await until(pilot, lambda: "smile" in text(pilot), "the directions")
        await compare(pilot, "empty-80x24")

    run(keys, size=(80, 24))


def test_error() -> None:
    async def keys(pilot: Keys) -> None:
        detail = "Traceback (most recent call last):\n  ...\nBadData: no such thing"
        error = BadData(
            "church.pkl: layer 9 has 512 channels, 256 are expected", "see: latty inspect"
        )
        error.detail = detail  # type: ignore[attr-defined]
        pilot.app.fail(error, "cannot open church.pkl")
        await pilot.pause(0.3)
        await compare(pilot, "error-80x24")

    run(keys, size=(80, 24))


def test_help() -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+o", "e")
        await pilot.press("f1")
        await pilot.pause(0.3)
        await compare(pilot, "help-80x24")

    run(keys, size=(80, 24))


def test_palette() -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+p", *"seed")
        await until(pilot, lambda: "Random" in text(pilot) or "seed" in text(pilot))
        await pilot.pause(0.6)
        await compare(pilot, "palette-80x24")

    run(keys, size=(80, 24))


def test_jump() -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+o")
        await pilot.pause(0.3)
        await compare(pilot, "jump-80x24")
        assert all(panel.JUMP or name_of(panel) == "header" for panel in panels())

    run(keys, size=(80, 24))


def test_a_difference_is_seen() -> None:
    """The comparison itself: a word and a colour that change are told, a shade is not."""
    old = path_of("error-80x24").read_text(encoding="utf-8")
    assert difference(old, old) == ""
    changed = old.replace("church", "chorch", 1)
    assert "chorch" in difference(old, changed) and "row" in difference(old, changed)
    found = re.search(r'<rect fill="(#\w{6})"[^>]*shape-rendering', old)
    assert found
    ground = found[1]
    shade = ground[:-2] + f"{(int(ground[-2:], 16) + 3) % 256:02x}"
    assert difference(old, old.replace(f'fill="{ground}"', f'fill="{shade}"')) == ""
    assert difference(old, old.replace(f'fill="{ground}"', 'fill="#ff0080"'))
