"""A history on disk: a line for each thing that happens, appended and never changed.

A line is the CRC-32 of a JSON table, as eight hexadecimal digits, and the table:

    {"schema": 2}                    how it is written; schema 1 was one document, see earlier.py
    {"opened": 1764417600.5,         a studio that writes has it since then, in seconds since 1970;
     "earlier": 17644173...}         when the studio.json that it knows was written, in ns
    {"state": {...}, "what": "..."}  a step; it is the present one
    {"drop": 2}                      the last two steps are forgotten
    {"back": 3}                      the present step is three before the last
    {"looks": {...}}                 how things look

What cannot be read costs its line. Numbers count from the end, so that they hold without it.
"""

import json
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from latty.errors import UnfitFile
from latty.folders import Folder, parent_of
from latty_tui.memory.tables import WRONG, Table, step_of, step_table
from latty_tui.state import Step

SCHEMA = 2
MOST = 5000  # steps that are kept
LARGEST = 64 * 2**20  # bytes of a history that is read
SPARE = 1000  # lines more than a history needs, before it is written anew


@dataclass(slots=True)
class Recorded:
    """What a history says: `steps`, the present one at `index`; `lost` = lines that cannot be
    read; `opened` = since when the studio that wrote last has it, `earlier` = the time of the
    studio.json that it knew, in ns; `size`, `lines` = what was read."""

    steps: list[Step] = field(default_factory=list)
    index: int = 0
    looks: Table = field(default_factory=dict)
    opened: float = 0.0
    earlier: int = 0
    lost: int = 0
    schema: int = SCHEMA
    size: int = 0
    lines: int = 0


def line(table: Table) -> bytes:
    """A table as a line of a history."""
    text = json.dumps(table, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def whole(steps: Sequence[Step], index: int, looks: Table, opened: Table) -> list[bytes]:
    """The lines of a history, begun anew; of a long one the last MOST steps. `opened` is such a
    line."""
    kept, room = list[bytes](), LARGEST // 2
    for step in reversed(steps[-MOST:]):
        kept.append(line(step_table(step)))
        room -= len(kept[-1])
        if room < 0:
            break
    back = len(steps) - 1 - index
    head = [line({"schema": SCHEMA}), line(opened), line({"looks": looks})]
    return [*head, *reversed(kept), *([line({"back": back})] if back else [])]


def parsed(data: bytes) -> Recorded:
    """What the bytes of a history say: anything may be in them."""
    *lines, rest = data.split(b"\n")
    found = Recorded(size=len(data), lines=len(lines))
    for text in (*lines, rest) if rest else lines:  # a rest is a line that was cut short
        try:
            _hear(found, _table(text))
        except WRONG:
            found.lost += 1
    found.index = max(0, min(found.index, len(found.steps) - 1))
    return found


def _table(text: bytes) -> Table:
    """Raises one of WRONG. Not as reading.json_of: names of files need not be Unicode."""
    if zlib.crc32(text[9:]) != int(text[:8], 16):
        raise ValueError(text)
    table = json.loads(text[9:])
    if not isinstance(table, dict):
        raise TypeError(text)
    return table


def _hear(found: Recorded, table: Table) -> None:
    """Raises one of WRONG."""
    if "state" in table:
        found.steps.append(step_of(table))
        found.index = len(found.steps) - 1
    elif "drop" in table:
        del found.steps[max(0, len(found.steps) - int(table["drop"])) :]
    elif "back" in table:
        found.index = len(found.steps) - 1 - int(table["back"])
    elif "looks" in table:
        found.looks = dict(table["looks"])
    elif "opened" in table:
        found.opened = float(table["opened"])
        found.earlier = int(table.get("earlier", 0))
    else:
        found.schema = int(table["schema"])


class HistoryFile:
    """The file of one history. Whoever writes it holds its lock (shelf.py)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = self.lines = 0  # of it as we left it; size -1 = a write failed, nobody knows
        self.damaged = False  # whether it holds something that could not be read
        self.aside: Path | None = None  # where the last was put that we did not write

    def read(self) -> Recorded:
        """What it says; nothing where there is none. Raises OSError, UnfitFile for what is no file
        of ours, ConfigError."""
        with parent_of(self.path) as folder:
            if folder.status(self.path.name) is None:
                return Recorded()
            data = of_ours(folder, self.path.name)
        found = parsed(data)
        whole = data.endswith(b"\n") or not data  # else nothing can follow the last line
        self.size = found.size if whole else -1
        self.lines, self.damaged = found.lines, bool(found.lost)
        return found

    def keep(self, new: Sequence[bytes], anew: Callable[[], Sequence[bytes]], needed: int) -> None:
        """Append lines. Where they cannot follow what is there, or that is far longer than the
        `needed` lines, `anew` makes all of it; what we did not write goes `aside`.

        Raises OSError, ConfigError.
        """
        size, self.size = self.size, -1  # until all is well
        with parent_of(self.path) as folder:
            there = folder.status(self.path.name)
            as_left = there is not None and there.st_size == size
            more, lines = sum(map(len, new)), self.lines + len(new)
            if (as_left and not self.damaged and size + more < LARGEST
                    and lines < SPARE + 2 * min(needed, MOST)):  # fmt: skip
                _append(folder, self.path.name, new)
                self.size, self.lines = size + more, lines
                return
            if self.damaged or (size >= 0 and there is not None and not as_left):
                self.aside, self.damaged = folder.set_aside(self.path.name), False
            made = anew()
            folder.write(self.path.name, made)
        self.size, self.lines = sum(map(len, made)), len(made)


def _append(folder: Folder, name: str, lines: Iterable[bytes]) -> None:
    with folder.update(name) as file:
        file.seek(0, os.SEEK_END)
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def of_ours(folder: Folder, name: str) -> bytes:
    """A file's content. Raises UnfitFile for a link, a pipe, and what another user put there;
    OSError."""
    state, here = folder.status(name), folder.status()
    if state is not None and stat.S_ISLNK(state.st_mode):
        raise UnfitFile(folder.path / name, "is a link")
    if state is not None and here is not None and state.st_uid not in (os.geteuid(), here.st_uid):
        raise UnfitFile(folder.path / name, "belongs to another user")
    return folder.read(name, LARGEST)
