"""The studio without a terminal: Textual's Pilot drives it, in a home of its own.

    def test_undo() -> None:
        async def keys(pilot: Keys) -> None:
            await pilot.press("n")
            await settled(pilot)
            assert "seed 8" in text(pilot)

        run(keys)

The engine is fakes/engine.py: it answers in milliseconds, knows a few models (see MODELS there) and
writes down what it was asked (`asked`). With real=True it is the one that draws.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from textual import app as textual_app
from textual import pilot as textual_pilot
from textual._context import active_app
from textual.app import App
from textual.pilot import Pilot

from latty import config, home
from latty_tui.app import Studio
from latty_tui.terminal.probe import Terminal

Keys = Pilot[Any]
Test = Callable[[Keys], Awaitable[object]]
FAKE = (sys.executable, "-P", str(Path(__file__).parent / "fakes" / "engine.py"))
TERMINAL = Terminal("blocks", 120, 40, (8, 16))
HANGS = 120  # seconds: a test that waits for what never comes fails then
PATIENCE = 60.0  # seconds, of a busy machine
OURS = ("open", "preview", "save", "pixels", "strip")  # workers that end


async def idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Until the app has nothing to do and every key has done what it does; after every key, twice.
    Textual's own waits for 20 ms at least, and takes a process that others keep from working for
    one that is idle."""
    loop, end, app = asyncio.get_running_loop(), time.monotonic() + max_sleep, active_app.get(None)
    busy = True
    while (isinstance(app, Studio) and not app.ahead.idle) or (busy and time.monotonic() < end):
        before = time.process_time()
        await asyncio.sleep(0.01)
        waiting = getattr(loop, "_ready", ())  # what the loop is about to run
        busy = bool(waiting) or time.process_time() - before > 0.001


textual_app.wait_for_idle = textual_pilot.wait_for_idle = idle  # type: ignore[attr-defined]


def run(
    test: Test,
    size: tuple[int, int] = (120, 40),
    ref: str | None = None,
    real: bool = False,
    terminal: Terminal = TERMINAL,
    failing: bool = False,
    **flags: Any,
) -> Studio:
    """Start a studio on `ref`, wait until its picture is there, run `test(pilot)`, end it; the
    studio, to look at what it left. `flags` are settings, such as device. Unless `failing` are
    meant to happen, what the studio survived and reported fails the test."""

    async def whole() -> Studio:
        app = made(ref, real, terminal, **flags)
        async with app.run_test(size=size, notifications=True) as pilot:
            await settled(pilot)
            await test(pilot)
        return app

    app = None
    with suppress(TimeoutError):
        app = asyncio.run(asyncio.wait_for(whole(), HANGS))
    survived = "\n".join(path.read_text() for path in reports())
    assert app is not None, f"the studio does not go on\n{survived}"
    assert failing or not survived, survived
    return app


def made(
    ref: str | None = None, real: bool = False, terminal: Terminal = TERMINAL, **flags: Any
) -> Studio:
    """A studio that is not started yet."""
    app = Studio(ref, config.load({"device": "cpu", **flags}), terminal)
    app.animation_level = "none"
    if not real:
        app.engine.command = FAKE
    return app


async def until(pilot: Keys, so: Callable[[], object], what: str = "") -> None:
    """While the studio runs, until something is so. Raises AssertionError with what it shows."""
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, f"still not so: {what}\n{text(pilot)}"
        await asyncio.sleep(0.02)


async def settled(pilot: Keys) -> None:
    """Until the model is open (or could not be) and the picture of the present state is there."""
    await pilot.pause()
    await until(pilot, lambda: _quiet(pilot.app), "the studio is at rest")
    await pilot.pause()


def _quiet(app: App[Any]) -> bool:
    assert isinstance(app, Studio)
    busy = any(not worker.is_finished and worker.group in OURS for worker in app.workers)
    opening = app.opened != app.state.scene.model and len(app.screen_stack) == 1
    waits = app.engine._waiting or app.preview._timer is not None or not app.ahead.idle
    return not (busy or opening or waits)


def text(pilot: Keys | App[Any]) -> str:
    """What is on the screen, dialogs too, as lines of plain text."""
    app = pilot if isinstance(pilot, App) else pilot.app
    columns, rows = app.size
    console = Console(width=columns, height=rows, file=StringIO(), record=True, color_system=None,
                      force_terminal=True, legacy_windows=False)  # fmt: skip
    below = app._background_screens
    console.print(app.screen._compositor.render_update(full=True, screen_stack=below))
    lines = console.export_text().split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip()


def dialog(pilot: Keys | App[Any]) -> str:
    """What the dialog on top says, in one line however it is wrapped."""
    app = pilot if isinstance(pilot, App) else pilot.app
    if not (boxes := app.screen.query("#box")):
        return ""
    place = boxes.first().region
    rows = text(app).split("\n")[place.y : place.bottom]
    inside = (row[place.x : place.right].strip(" │╭╮╰╯─") for row in rows)
    return " ".join(" ".join(inside).split())


def said(pilot: Keys | App[Any]) -> str:
    """Every toast there was, one a line: on the screen they go away by themselves."""
    app = pilot if isinstance(pilot, App) else pilot.app
    return "\n".join(words for words, *_ in app.said)  # type: ignore[attr-defined]


def asked(op: str = "") -> list[dict[str, Any]]:
    """What the fake engine was asked so far, oldest first: all, or one kind (draw, open, call)."""
    path = home.state_dir() / "asked.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [one for one in found if not op or one["op"] == op]


def reports() -> list[Path]:
    """What the studio reported about itself: errors that nobody foresaw."""
    return sorted((home.state_dir() / "reports").glob("*.txt"))
