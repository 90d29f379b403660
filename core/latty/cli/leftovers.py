"""What lies about: work that something ended, halves, old jobs, caches; found, measured, removed.

Only what latty made and nobody is at: a folder is known by its mark or by where it is, and is
removed under its lock. No link is followed.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from latty import home, locks
from latty.attributes.store import CARDS, trainings
from latty.cli.parser import parse
from latty.directions.store import SETS
from latty.errors import LattyError
from latty.folders import LOCK, Folder, owned
from latty.jobs import control
from latty.jobs import run as runs
from latty.latents import LATENTS
from latty.models.store import MODELS
from latty.render.work import SUFFIX, Work

STORES = (MODELS, SETS, LATENTS, CARDS)
DEPTH = 4  # folders below the one that is looked through
MONTH = 30 * 86_400.0  # seconds
FRESH = 3600.0  # seconds in which something in a cache may be in use
HALF = ".part"  # of a download that something ended


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


def everything(
    out_dir: Path, older: float = MONTH, more: Iterable[Path] = ()
) -> Iterator[Leftover]:
    """All that is found without being asked for by name: renders in the output folder, where jobs
    worked and in `more` folders; jobs that are over for so many seconds."""
    yield from renders((out_dir, *more, *_of_jobs()))
    yield from searches()
    yield from halves()
    yield from jobs(older)
    yield from caches()


def _of_jobs() -> Iterator[Path]:
    """The folders that jobs write into."""
    for status in runs.listed():
        there = Path(status.spec.folder)
        with suppress(LattyError, SystemExit):
            args: Any = parse(status.spec.words)
            yield there / (getattr(args, "out_dir", None) or "renders")
            if output := getattr(args, "output", None):
                yield (there / output).parent
        if folder := dict(status.spec.environment).get("LATTY_OUT_DIR"):
            yield there / folder
        with suppress(OSError):
            yield from (Path(path).parent for path in runs.outputs(status.id))


def renders(folders: Iterable[Path]) -> Iterator[Leftover]:
    """Work folders of renders that something ended, in and below some folders."""
    places = {Path(os.path.realpath(folder)) for folder in folders}
    for place in sorted({found for folder in places for found in _below(folder, DEPTH)}):
        work = Work(place.with_name(place.name.removesuffix(SUFFIX)))
        with suppress(OSError, LattyError), work.look():
            work.refuse_taken()
            yield _leftover("renders", place, partial(_clear, work))


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """Every folder that has the name of a work folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                continue
            if entry.name.endswith(SUFFIX):
                yield Path(entry.path)
            elif depth:
                yield from _below(Path(entry.path), depth - 1)


def _clear(work: Work) -> None:
    with work:
        work.remove()


def searches() -> Iterator[Leftover]:
    """What discover, rank and train-scorer keep to go on from."""
    state = home.state_dir()
    for place in (state / "discover", state / "rank", trainings()):
        for folder in _folders(place):
            with suppress(OSError):
                if not locks.held(folder / LOCK):
                    yield _leftover("searches", folder, partial(_discard, folder))


def _discard(folder: Path) -> None:
    with locks.locked(folder / LOCK, f"at work in {folder.name}"), Folder(folder.parent) as parent:
        parent.remove(folder.name)


def jobs(older: float) -> Iterator[Leftover]:
    """Jobs that are over, and have been for that many seconds."""
    for status in runs.listed():
        with suppress(OSError):
            found = _leftover("jobs", runs.folder_of(status.id), partial(control.remove, status.id))
            old = time.time() - (status.ended or found.since) >= older
            if status.over and old and not locks.held(runs.lock_of(status.id)):
                yield found


def halves() -> Iterator[Leftover]:
    """What writers and downloads left that something ended."""
    for store in STORES:
        for path in store.orphans():
            yield _leftover("halves", path, partial(store.remove_orphan, path))
    for path in _downloads():
        if path.name.endswith((HALF, f"{HALF}.json")):
            yield _leftover("halves", path, partial(_remove_download, path))


def downloads() -> Iterator[Leftover]:
    """Whole checkpoints that were fetched; what was imported of them is in the store."""
    for path in _downloads():
        if HALF not in path.suffixes and path.name != LOCK:
            yield _leftover("downloads", path, partial(_remove_download, path))


def _downloads() -> Iterator[Path]:
    for folder in _folders(home.cache_dir() / "zoo"):
        with suppress(OSError), Folder(folder) as held:
            if not locks.held(folder):
                yield from (folder / name for name in held.names() if _is_file(folder / name))


def _remove_download(path: Path) -> None:
    with locks.locked(path.parent, f"fetching into {path.parent.name}"):
        _remove(path)


def caches() -> Iterator[Leftover]:
    """Scores and pictures that can be made again, and that nobody touched just now."""
    cache = home.cache_dir()
    for place in [*_folders(cache / "scores"), cache / "pictures"]:
        with suppress(OSError, LattyError):
            if place.is_dir() and _trusted(place):
                found = _leftover("caches", place, partial(_remove, place))
                if time.time() - found.since > FRESH:
                    yield found


def models(older: float) -> Iterator[Leftover]:
    """Imported models that no set of the store was made for and nobody read for so many seconds."""
    needed = {model_of(path) for path in SETS.files().values()}
    for name, path in MODELS.files().items():
        with suppress(OSError):
            state = path.stat()
            used = max(state.st_atime, state.st_mtime)
            if MODELS.ships(name) or name in needed or time.time() - used < older:
                continue
            yield Leftover("models", path, MODELS.size(name), used, partial(MODELS.remove, name))


def model_of(path: Path) -> str:
    """The model that a set was made for; "" where that cannot be read."""
    from latty.directions.file import read_header

    with suppress(LattyError):
        return read_header(path).model
    return ""


def _folders(place: Path) -> list[Path]:
    """The folders in one of latty's own; none where another user has a hand in it."""
    with suppress(OSError, LattyError):
        if _trusted(place):
            return sorted(
                Path(e.path) for e in os.scandir(place) if e.is_dir(follow_symlinks=False)
            )
    return []


def _trusted(place: Path) -> bool:
    return owned(place).is_dir() and not place.is_symlink()


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _remove(path: Path) -> None:
    with Folder(path.parent) as parent:
        parent.remove(path.name)


def _leftover(kind: str, path: Path, remove: Callable[[], None]) -> Leftover:
    """Raises OSError."""
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
