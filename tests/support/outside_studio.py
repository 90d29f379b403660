"""The studio in a process that sees other packages: `outside_studio.py good` or `bad`.

Prints what it shows as JSON. Registries look at other distributions once in a process, so these
studios need one of their own.
"""

import json
import sys
from typing import Any

import studio
from studio import Keys, run, settled, text, until

from latty.directions.file import read_header
from latty.directions.store import SETS
from latty_tui.app import Studio
from latty_tui.panels.directions import DirectionsPanel

SIZE = (200, 60)
found: dict[str, Any] = {}


async def note(pilot: Keys, name: str, *keys: str, wait: str = "") -> None:
    """Press keys and keep what the screen says then."""
    await pilot.press(*keys)
    await until(pilot, lambda: wait in text(pilot), wait)
    await pilot.pause()
    found[name] = text(pilot)


async def discover(pilot: Keys) -> None:
    await note(pilot, "methods", "d", wait="find directions")
    await pilot.press(*"bend")
    await note(pilot, "parameters", "enter", wait="discover: bend")
    await pilot.press("escape")


async def directions(pilot: Keys) -> None:
    """One of a set of another package's method is used, turned around, renamed and deleted."""
    panel = pilot.app.find(DirectionsPanel)
    await until(pilot, lambda: any(row.key == "curves/bend1" for row in panel.rows), "curves")
    found["directions"] = [row.key for row in panel.rows]

    async def at(key: str) -> None:
        panel.focus()
        panel.list.go([row.key for row in panel.rows].index(key))
        await pilot.pause()

    await at("curves/bend1")
    await pilot.press("right", "right")
    await settled(pilot)
    found["edits"] = [e.direction for e in pilot.app.state.scene.edits]
    await pilot.press("F")
    await until(pilot, lambda: "other way round" in text(pilot), "turned around")
    await at("curves/bend0")
    await pilot.press("D")
    await until(pilot, lambda: "keep it" in text(pilot), "asked")
    await pilot.press("y")
    path = SETS.place("curves")
    await until(pilot, lambda: "bend0" not in read_header(path).names, "deleted")
    await settled(pilot)
    found["left"] = list(read_header(path).names)


async def render(pilot: Keys) -> None:
    await note(pilot, "formats", "r", wait="formats")
    await pilot.press("escape")


async def note_ways(pilot: Keys) -> None:
    """To show pictures: each that a key goes through, with a picture in it."""
    pilot.app.go("picture")
    ways = set()
    for _ in range(8):
        await pilot.press("i")
        await settled(pilot)
        ways.add(pilot.app.writer.way)
    found["ways"] = sorted(ways)


async def good(pilot: Keys) -> None:
    await note(pilot, "first", wait="from outside")
    await directions(pilot)
    await discover(pilot)
    await render(pilot)
    await note_ways(pilot)


async def bad(pilot: Keys) -> None:
    await note(pilot, "methods", "d", *"broken", wait="does not fit")
    await pilot.press("escape")
    await note_ways(pilot)


class Listening(Studio):
    """Keeps its toasts, which vanish."""

    def notify(self, message: str, **more: Any) -> None:  # type: ignore[override]
        found.setdefault("said", []).append(message)
        super().notify(message, **more)


if __name__ == "__main__":
    studio.Studio = Listening  # type: ignore[misc]
    if sys.argv[1] == "good":
        run(good, SIZE, "mine", real=True)
    else:
        run(bad, SIZE, real=True)
    json.dump(found, sys.stdout)
