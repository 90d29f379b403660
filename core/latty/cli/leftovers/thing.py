"""One thing that lies about."""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that can go.

    kind    a word of KINDS
    path    where it is
    size    bytes, of a folder those of all in it
    since   when it was last written, in seconds since 1970
    remove  removes it where still nobody is at it. Raises LattyError, OSError
    """

    kind: str
    path: Path
    size: int
    since: float
    remove: Callable[[], None]

    @property
    def age(self) -> float:
        """Seconds since it was last written."""
        return max(0.0, time.time() - self.since)


def leftover(kind: str, path: Path, remove: Callable[[], None]) -> Leftover:
    """What is there now. Raises OSError."""
    size, since = _measured(path)
    return Leftover(kind, path, size, since, remove)


def _measured(path: Path) -> tuple[int, float]:
    """Bytes on the disk, and when it was last written."""
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode):
        return state.st_size, state.st_mtime
    size, since = 0, state.st_mtime
    for entry in os.scandir(path):
        with suppress(FileNotFoundError):
            more, moment = _measured(Path(entry.path))
            size, since = size + more, max(since, moment)
    return size, since
