"""Keys typed ahead: they reach what the key before them opens, however many come at once."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from studio import Keys, asked, run, said, settled, text, until
from textual import events
from textual.binding import Binding
from textual.keys import key_to_character
from textual.widgets import Input

from latty.scene import Edit
from latty_tui.app import Studio
from latty_tui.dialogs.form import Form
from latty_tui.panel import name_of, panels

BURSTS = ("x", "xzw", "xzwxzwxzwxzwxzwxzwxz")  # no yes, no no, and no letter of a panel
# Nothing to open: no classes, no other history, no job, a direction that ships.
NOTHING = {("latent", "c"), ("history", "h"), ("directions", "D"),
           *(("queue", key) for key in ("G", "X", "enter", "l", "y"))}  # fmt: skip
ALWAYS = ("ctrl+p", "ctrl+o", "question_mark", "f1")  # these are never refused


def openers() -> Iterator[tuple[str, str]]:
    """Every key that opens something, and the panel that it is pressed in."""
    yield from (("directions", key) for key in ALWAYS)
    bindings = [("directions", Studio, one) for one in Binding.make_bindings(Studio.BINDINGS)]
    for panel in panels():
        bindings += [(name_of(panel), panel, one) for one in Binding.make_bindings(panel.BINDINGS)]
    for where, of, binding in bindings:
        action, owner = binding.action, of
        if found := re.match(r"panel\('(\w+)', '(.*)'\)", action):
            owner = next(one for one in panels() if name_of(one) == found[1])
            action = found[2]
        if getattr(getattr(owner, f"action_{action.partition('(')[0]}", None), "opens", False):
            yield where, binding.key


OPENERS = sorted(set(openers()))


def send(pilot: Keys, *keys: str) -> None:
    """Keys in one piece, as a slow line brings them."""
    for key in keys:
        character = key if len(key) == 1 else key_to_character(key)
        pilot.app.post_message(events.Key(key, character))


async def fed(pilot: Keys) -> None:
    """Until every key that was sent has done what it does."""
    arrived = asyncio.Event()
    pilot.app.call_later(arrived.set)  # behind them in the queue
    await arrived.wait()
    await until(pilot, lambda: pilot.app.ahead.idle, "all keys are delivered")


async def closed(pilot: Keys) -> None:
    """No dialog and no filter is open any more."""
    while len(pilot.app.screen_stack) > 1 or isinstance(pilot.app.focused, Input):
        await pilot.press("escape")
    await settled(pilot)


def test_there_are_as_many_openers_as_people_know() -> None:
    """The marks are where the keys are looked for."""
    assert {("directions", "slash"), ("models", "slash"), ("directions", "colon"),
            ("directions", "s"), ("directions", "d"), ("directions", "r"), ("directions", "f2"),
            ("directions", "question_mark"), ("directions", "ctrl+o")} <= {*OPENERS}  # fmt: skip


async def prepared(pilot: Keys) -> None:
    """Something in every panel: a film of two keyframes, edits."""
    app = pilot.app
    scene = replace(app.state.scene, edits=(Edit("demo/smile"), Edit("demo/age")))
    keys = (replace(scene, seed=3), scene)
    app.change(replace(app.state, scene=scene, keys=keys), "prepared")
    await settled(pilot)


async def opened_by(pilot: Keys, panel: str, key: str, more: str) -> tuple[Any, Any]:
    """What has the focus after a key and what was typed behind it: screen and widget."""
    pilot.app.go(panel)
    await fed(pilot)
    await pilot.pause()
    send(pilot, key, *more)
    await fed(pilot)
    return pilot.app.screen, pilot.app.focused


@pytest.mark.slow
@pytest.mark.parametrize("panel", sorted({panel for panel, _ in OPENERS}))
def test_what_is_typed_behind_a_key_reaches_what_it_opens(panel: str) -> None:
    async def keys(pilot: Keys) -> None:
        await prepared(pilot)
        for key in [key for where, key in OPENERS if where == panel]:
            before, what = pilot.app.state, f"{key} in {panel}"
            screen, focus = await opened_by(pilot, panel, key, "")
            if screen is pilot.app.main and not isinstance(focus, Input):
                assert (panel, key) in NOTHING, what
                continue
            kind, name = type(screen), getattr(focus, "id", None)
            await closed(pilot)
            for burst in BURSTS:
                screen, focus = await opened_by(pilot, panel, key, burst)
                assert (type(screen), getattr(focus, "id", None)) == (kind, name), what
                if isinstance(focus, Input) and not isinstance(screen, Form):
                    assert focus.value == burst, what
                elif isinstance(focus, Input):
                    assert focus.value.endswith(burst), what
                await closed(pilot)
                assert pilot.app.state == before, f"{what}: {burst} did something"

    run(keys)


def test_a_quick_hand_on_a_busy_machine() -> None:
    """The loop is held up again and again while keys come in ones and twos."""

    async def busy() -> None:
        while True:
            time.sleep(0.03)
            await asyncio.sleep(0)

    async def keys(pilot: Keys) -> None:
        load = asyncio.create_task(busy())
        for keys, wait in (("slash", 0.005), ("s", 0.5), ("m", 0.005), ("i", 0), ("enter", 0),
                           ("right", 0), ("s", 0.005), ("4", 0), ("2", 0.5), ("enter", 0),
                           ("n", 0), ("ctrl+o", 0.005), ("t", 0), ("S", 0), ("3", 0),
                           ("enter", 0)):  # fmt: skip
            send(pilot, keys)
            await asyncio.sleep(wait)
        await fed(pilot)
        load.cancel()
        state = pilot.app.state
        assert [edit.direction for edit in state.scene.edits] == ["demo/smile"]
        assert state.scene.seed == 43
        assert state.film.seconds == 3

    run(keys)


def test_dialogs_that_follow_each_other_take_what_is_typed_for_them() -> None:
    """The method, then its form, both of which come when the engine has answered."""

    async def keys(pilot: Keys) -> None:
        send(pilot, "d", *"ganspace", "enter", *"mine", "escape", "n")
        await fed(pilot)
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.state.scene.seed == 8  # n alone: g was no grid and s no seed
        assert pilot.app.view.grid == 1

    run(keys)


def test_what_does_not_open_takes_what_was_typed_for_it_along() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.model = None
        before = app.state
        send(pilot, "d", *"ganspace", "enter")
        await fed(pilot)
        assert "no model is open" in said(app)
        assert (app.state, app.view.grid, len(app.screen_stack)) == (before, 1, 1)
        send(pilot, "n")  # typed after that was read
        await fed(pilot)
        assert app.state.scene.seed == 8

    run(keys)


def test_esc_ends_what_does_not_open_and_keys_work_again() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app

        async def never() -> None:
            await asyncio.sleep(600)

        work = app.opening(never(), "job")
        send(pilot, "n", "n")
        await asyncio.sleep(0.05)
        assert not app.ahead.idle
        send(pilot, "escape", "N")
        await fed(pilot)
        assert work.is_cancelled
        assert app.state.scene.seed == 6  # N alone

    run(keys)


def test_what_never_opens_gives_the_keys_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latty_tui.type_ahead.MOST", 5)

    async def keys(pilot: Keys) -> None:
        app = pilot.app

        async def never() -> None:
            await asyncio.sleep(600)

        work = app.opening(never(), "job")
        send(pilot, "n", "n", "n")
        await fed(pilot)
        assert "what was typed meanwhile is dropped" in said(app)
        send(pilot, "n")
        await fed(pilot)
        assert app.state.scene.seed == 8
        work.cancel()

    run(keys)


def test_an_error_that_comes_by_itself_takes_no_key_that_was_typed_before(tmp_path: Path) -> None:
    """d in it shows details, c copies."""

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.action_boom = lambda: app.fail(ValueError("planted"))
        app.bind("f9", "boom")
        send(pilot, "f9", "c", "d", "enter")
        await fed(pilot)
        assert "planted" in text(pilot)
        assert "copied" not in said(app)

    run(keys)


def test_a_pasted_text_waits_its_turn() -> None:
    async def keys(pilot: Keys) -> None:
        send(pilot, "slash")
        pilot.app.post_message(events.Paste("smi"))
        send(pilot, "l", "e")
        await fed(pilot)
        assert pilot.app.focused.value == "smile"
        assert not [one for one in asked("draw") if one.get("seed") == 8]

    run(keys)
