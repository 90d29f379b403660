"""The histories that there are: numbered files, each with a lock that says which studio has it.

A studio takes the one that was written last among those that no other studio has open, and begins
another one where there is none. So each of two studios keeps its own.
"""

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from latty import home, locks
from latty.errors import BadData, LattyError, Locked, UnfitFile
from latty.folders import Folder, private
from latty_tui.memory import earlier
from latty_tui.memory.journal import SCHEMA, HistoryFile, Recorded

NAME = re.compile(r"\d+\.jsonl")
SECOND = "another studio is open: this one keeps a history of its own"
MORE = "another history was kept meanwhile: the history panel opens it, with h"
PATIENCE = 0.1  # seconds for a look at a lock by somebody else


@dataclass(slots=True)
class Taken:
    """A history that is ours until `close`, what it said, and what is to be told."""

    journal: HistoryFile
    lock: int
    recorded: Recorded = field(default_factory=Recorded)
    news: list[str] = field(default_factory=list)
    second: bool = False  # whether another studio is open

    def close(self) -> None:
        """Another studio may take it from now on."""
        lock, self.lock = self.lock, -1
        if lock >= 0:
            os.close(lock)


def folder() -> Path:
    """Where they are."""
    return home.state_dir() / "history"


def paths() -> list[Path]:
    """All of them, the one that was written last first. Raises OSError."""
    with suppress(FileNotFoundError):
        found = [(changed(path), path) for path in folder().iterdir() if NAME.fullmatch(path.name)]
        return [path for _, path in sorted(found, reverse=True)]
    return []


def changed(path: Path) -> int:
    """When it was written, in ns."""
    with suppress(OSError):
        return path.lstat().st_mtime_ns
    return 0


def take() -> Taken:
    """The history to go on with. Raises OSError, LattyError."""
    private(folder())
    known, busy, news = paths(), False, list[str]()
    if earlier.changed() > max(map(changed, known), default=0):
        found = begun()
        found.recorded, found.news = earlier.read()
        return found
    for path in known:
        if (lock := _lock(path, PATIENCE)) is None:
            busy = True
        elif (found := _read(path, lock)).recorded.schema <= SCHEMA:
            found.news += [*news, *_about_others(found, busy)]
            return found
        else:
            found.close()
            news.append(f"{path} is of a newer latty: it stays as it is")
    found = begun()
    found.second |= busy
    found.news = [*news, *_about_others(found, found.second)]
    return found


def begun() -> Taken:
    """A history that nobody has begun. Raises OSError, LattyError."""
    private(folder())
    second = False
    for number in count(1):
        path = folder() / f"{number}.jsonl"
        if os.path.lexists(path):
            continue
        if (lock := _lock(path, 0)) is not None:
            return Taken(HistoryFile(path), lock, second=second)
        second = True
    raise AssertionError("there is always another number")


def taken(path: Path) -> Taken:
    """That very history. Raises Locked where another studio has it open, BadData where it cannot be
    read, OSError, ConfigError."""
    if (lock := _lock(path, PATIENCE)) is None:
        raise Locked("another studio has it open", "close that one, or go on there")
    found = _read(path, lock)
    if found.recorded.schema > SCHEMA or not found.recorded.steps:
        found.close()
        why = "is of a newer latty" if found.recorded.schema > SCHEMA else "holds no step"
        raise BadData(f"{path} {why}")
    return found


def others(than: Path) -> list[tuple[Path, str]]:
    """Histories that no studio has open, the one that was written last first, and what is in them.
    Raises OSError."""
    found = []
    for path in paths():
        with suppress(OSError, LattyError):
            if path != than and not locks.held(_lock_of(path)):
                recorded = HistoryFile(path).read()
                count, last = len(recorded.steps), recorded.steps[recorded.index]
                day = time.strftime("%d %b %H:%M", time.localtime(changed(path) / 1e9))
                found.append((path, f"{day}, {count} steps, {last.state.scene.model}"))
    return found


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _lock(path: Path, patience: float) -> int | None:
    """The lock of a history; None where another studio has it. What is no lock is set aside.
    Raises OSError, ConfigError."""
    lock = _lock_of(path)
    try:
        return locks.take(lock, patience)
    except UnfitFile:
        with Folder(lock.parent) as here:
            here.set_aside(lock.name)
        return locks.take(lock, patience)


def _read(path: Path, lock: int) -> Taken:
    """What is no file of ours, or cannot be read, is set aside. Raises OSError, ConfigError."""
    found = Taken(HistoryFile(path), lock)
    try:
        found.recorded = found.journal.read()
    except (UnfitFile, OSError) as error:
        why = error.strerror or str(error)
        with Folder(folder()) as here:
            found.news = [f"{path} {why}: it is set aside as {here.set_aside(path.name)}"]
    if found.journal.damaged and found.recorded.schema <= SCHEMA:
        found.news = [f"{path} is damaged: {len(found.recorded.steps)} steps of it can be read"]
    return found


def _about_others(found: Taken, busy: bool) -> list[str]:
    """What is to be told of the other histories."""
    newer = [path for path in paths() if path != found.journal.path
             and changed(path) / 1e9 > found.recorded.opened > 0]  # fmt: skip
    at_rest = any(not locks.held(_lock_of(path)) for path in newer)
    return [*[SECOND] * busy, *[MORE] * at_rest]
