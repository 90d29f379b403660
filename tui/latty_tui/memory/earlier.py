"""studio.json, in which earlier versions kept the history: one document, written anew each time.

Nothing writes it any more. What an earlier latty that is still in use has written is read.
"""

import json
from contextlib import suppress
from typing import Any

from latty import home, reading
from latty.errors import LattyError, UnfitFile
from latty.folders import Folder
from latty_tui.memory.journal import Recorded, of_ours
from latty_tui.memory.tables import WRONG, step_of

FILE = "studio.json"
SCHEMA = 1


def changed() -> int:
    """When it was written, in ns; 0 where there is none that can be looked at."""
    with suppress(OSError):
        return (home.state_dir() / FILE).lstat().st_mtime_ns
    return 0


def read() -> tuple[Recorded, list[str]]:
    """What it says, and what is to be told of it. One that is damaged, or of another schema, is set
    aside, and all is taken of it that can be read. Raises OSError."""
    with Folder(home.state_dir()) as folder:
        try:
            data = of_ours(folder, FILE)
        except UnfitFile as error:
            why = f"{FILE} {error.strerror}"
            return Recorded(), [f"{why}: it is set aside as {folder.set_aside(FILE)}"]
        except OSError as error:
            return Recorded(), [f"{FILE}: {error.strerror}: it stays as it is"]
        found, fault = _read(data)
        found.earlier = changed()
        if fault:
            kept = f"{len(found.steps)} steps of it can be read" if found.steps else "none is read"
            fault = f"{FILE} {fault} ({kept}): it is set aside as {folder.set_aside(FILE)}"
        return found, [fault] if fault else []


def _read(data: bytes) -> tuple[Recorded, str]:
    """What the bytes say, and what is wrong with them in words."""
    try:
        table = reading.json_of(data, FILE)
    except LattyError:
        return _pieces(data), "is damaged"
    if isinstance(table, dict) and table.get("schema") not in (None, SCHEMA):
        return Recorded(), "is of another version of latty"
    found = Recorded()
    steps = table.get("steps") if isinstance(table, dict) else None
    if not isinstance(steps, list):
        return found, "is damaged"
    looks, index = table.get("looks"), table.get("index")
    found.looks = looks if isinstance(looks, dict) else {}
    for at, one in enumerate(steps):
        _add(found, one)
        if at == index:
            found.index = len(found.steps) - 1
    found.index = max(0, found.index)
    return found, "is damaged" if found.lost else ""


def _add(found: Recorded, table: Any) -> None:
    try:
        found.steps.append(step_of(table))
    except WRONG:
        found.lost += 1


def _pieces(data: bytes) -> Recorded:
    """The steps in a document that is cut short, up to where it breaks off."""
    text, found = data.decode("utf-8", "replace"), Recorded()
    _, _, rest = text.partition('"steps":[')
    decoder, at = json.JSONDecoder(), 0
    with suppress(*WRONG):
        while rest[at : at + 1] == "{":
            table, end = decoder.raw_decode(rest, at)
            _add(found, table)
            at = end + 1  # the comma
    found.index = max(0, len(found.steps) - 1)
    return found
