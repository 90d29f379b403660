"""One thing that lies about."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from latty import home
from latty.errors import LattyError, OutputError
from latty.jobs import run as runs
from latty.jobs.run import Status

Unseen = Callable[[str], None]  # is told what the disk did not let be looked at, and why


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


@contextmanager
def looking(place: Path, unseen: Unseen) -> Iterator[None]:
    """What is gone meanwhile, held or another user's is passed over; what the disk does not show is
    told."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OutputError as error:
        unseen(f"{place}: {error.message}")
    except LattyError:
        pass
    except OSError as error:
        unseen(f"cannot look at {error.filename or place}: {error.strerror}")


def folders_in(place: Path, unseen: Unseen) -> list[Path]:
    """The folders in one, links left out."""
    with looking(place, unseen):
        return sorted(Path(e.path) for e in os.scandir(place) if e.is_dir(follow_symlinks=False))
    return []


def jobs_of(unseen: Unseen) -> Iterator[Status]:
    """Every job that can be read, newest first."""
    with looking(home.runs_dir(), unseen):
        for job in reversed(runs.ids()):
            with looking(runs.folder_of(job), unseen):
                yield runs.status(job)


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
