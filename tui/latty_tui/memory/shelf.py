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

    @property
    def since(self) -> float:
        """When it was taken, in seconds since 1970 by the clock of the files."""
        return os.fstat(self.lock).st_mtime  # who has it was written into it

    def close(self) -> None:
        """Another studio may take it from now on."""
        lock, self.lock = self.lock, -1
        if lock >= 0:
            with suppress(OSError):  # of what is written in it nobody depends
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
    known, news, document = paths(), list[str](), earlier.changed()
    if document > max(map(changed, known), default=0) and not _knows(known, document):
        found = begun()
        found.recorded, found.news = earlier.read()
    else:
        found = _first_free(known, news) or begun()
        found.recorded.earlier = document
    found.news += [*news, *_about_others(found)]
    return found


def _knows(known: list[Path], document: int) -> bool:
    """Whether the studio that wrote last knew that studio.json: clocks may be set back."""
    with suppress(OSError, LattyError):
        return bool(known) and HistoryFile(known[0]).read().earlier == document
    return False


def _first_free(known: list[Path], news: list[str]) -> Taken | None:
    """The first that no studio has open and that can be read; of the others is told. Raises
    ConfigError."""
    for path in known:
        try:
            return taken(path)
        except Locked:
            continue
        except (OSError, BadData) as error:
            fault = error if isinstance(error, BadData) else f"{path}: {error.strerror}"
            news.append(f"{fault}: it stays as it is")
    return None


def begun() -> Taken:
    """A history that nobody has begun. Raises OSError, LattyError."""
    private(folder())
    for number in count(1):
        path = folder() / f"{number}.jsonl"
        if not os.path.lexists(path) and (lock := _lock(path, 0)) is not None:
            return Taken(HistoryFile(path), lock)
    raise AssertionError("there is always another number")


def taken(path: Path) -> Taken:
    """That very history; what is no file of ours is set aside. Raises Locked where another studio
    has it open, BadData where it is of a newer latty, OSError, ConfigError."""
    if (lock := _lock(path, PATIENCE)) is None:
        raise Locked("another studio has it open", "close that one, or go on there")
    found = Taken(HistoryFile(path), lock)
    try:
        _read(found)
    except BaseException:
        found.close()
        raise
    return found


def others(than: Path) -> list[tuple[Path, str]]:
    """Histories that no studio has open, the one that was written last first, and what is in them.
    Raises OSError."""
    found = []
    for path in paths():
        with suppress(OSError, LattyError):
            if path != than and not locks.held(_lock_of(path)):
                recorded = HistoryFile(path).read()
                if not recorded.steps or recorded.schema > SCHEMA:
                    continue
                count, last = len(recorded.steps), recorded.steps[recorded.index]
                day = time.strftime("%d %b %H:%M", time.localtime(changed(path) / 1e9))
                found.append((path, f"{day}, {count} steps, {last.state.scene.model}"))
    return found


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _lock(path: Path, patience: float) -> int | None:
    """The lock of a history; None where another studio has it. What is no lock is set aside, and
    what a killed writer left is removed. Raises OSError, ConfigError."""
    lock = _lock_of(path)
    with Folder(lock.parent) as here:
        try:
            handle = locks.take(lock, patience)
        except UnfitFile:
            here.set_aside(lock.name)
            handle = locks.take(lock, patience)
        if handle is not None:
            with suppress(OSError):
                here.sweep(path.name)
    return handle


def _read(found: Taken) -> None:
    """Raises BadData, OSError, ConfigError."""
    path = found.journal.path
    try:
        found.recorded = found.journal.read()
    except UnfitFile as error:
        with Folder(folder()) as here:
            found.news = [f"{error}: it is set aside as {here.set_aside(path.name)}"]
    if found.recorded.schema > SCHEMA:
        raise BadData(f"{path} is of a newer latty")
    if found.journal.damaged:
        found.news = [f"{path} is damaged: {len(found.recorded.steps)} steps of it can be read"]


def _about_others(found: Taken) -> list[str]:
    """What is to be told of the other histories, and of other studios. Raises OSError."""
    newer = [path for path in paths() if path != found.journal.path
             and changed(path) / 1e9 > found.recorded.opened > 0]  # fmt: skip
    at_rest = any(not _open_elsewhere(_lock_of(path)) for path in newer)
    found.second = beside(found.journal.path)
    return [*[SECOND] * found.second, *[MORE] * at_rest]


def beside(path: Path) -> bool:
    """Whether a studio is open that has another history than this one."""
    with suppress(OSError):
        ours = _lock_of(path)
        return any(_open_elsewhere(lock) for lock in folder().glob("*.lock") if lock != ours)
    return False


def _open_elsewhere(lock: Path) -> bool:
    with suppress(OSError):  # what is no lock of ours
        return locks.held(lock)
    return False
