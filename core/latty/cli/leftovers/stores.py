"""What lies about in latty's own folders: searches, jobs, halves, caches, models."""

import re
import stat
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from latty import home, locks
from latty.attributes.store import CARDS, trainings
from latty.cli.leftovers.thing import Leftover, Unseen, folders_in, jobs_of, leftover, looking
from latty.directions import bin
from latty.directions.store import SETS
from latty.folders import LOCK, Folder, owned
from latty.jobs import control
from latty.jobs import run as runs
from latty.latents import LATENTS
from latty.models.store import MODELS
from latty.unpacked import UNPACKING

STORES = (MODELS, SETS, LATENTS, CARDS)
FRESH = 3600.0  # seconds in which something in a cache may be in use
ARCHIVE = re.compile("[0-9a-f]{64}")  # the folder of what one holds
HALF = ".part"  # of a download that something ended


def searches(unseen: Unseen) -> Iterator[Leftover]:
    """What discover, rank and train-scorer keep to go on from, and charts of trainings."""
    state = home.state_dir()
    for place in (state / "discover", home.charts_dir(), state / "rank", trainings()):
        for folder in _folders(place, unseen):
            with looking(folder, unseen):
                if not locks.held(folder / LOCK):
                    yield leftover("searches", folder, partial(_discard, folder))


def _discard(folder: Path) -> None:
    with locks.locked(folder / LOCK, f"at work in {folder.name}"), Folder(folder.parent) as parent:
        parent.remove(folder.name)


def jobs(older: float, unseen: Unseen) -> Iterator[Leftover]:
    """Jobs that are over, and have been for that many seconds."""
    for status in jobs_of(unseen):
        with looking(runs.folder_of(status.id), unseen):
            found = leftover("jobs", runs.folder_of(status.id), partial(control.remove, status.id))
            old = time.time() - (status.ended or found.since) >= older
            if status.over and old and not locks.held(runs.lock_of(status.id)):
                yield found


def halves(unseen: Unseen) -> Iterator[Leftover]:
    """What writers and downloads left that something ended."""
    for store in STORES:
        with looking(store.folder(), unseen):
            for path in store.orphans():
                yield leftover("halves", path, partial(store.remove_orphan, path))
    for path in _downloads(unseen):
        if path.name.endswith((HALF, f"{HALF}.json")):
            yield leftover("halves", path, partial(_remove_download, path))


def downloads(unseen: Unseen) -> Iterator[Leftover]:
    """Whole checkpoints that were fetched; what was imported of them is in the store."""
    for path in _downloads(unseen):
        if HALF not in path.suffixes and path.name != LOCK:
            yield leftover("downloads", path, partial(_remove_download, path))


def _downloads(unseen: Unseen) -> Iterator[Path]:
    for folder in _folders(home.cache_dir() / "zoo", unseen):
        with looking(folder, unseen), Folder(folder) as held:
            if not locks.held(folder):
                yield from (folder / name for name in held.names() if _is_file(folder / name))


def _remove_download(path: Path) -> None:
    with locks.locked(path.parent, f"fetching into {path.parent.name}"):
        _remove(path)


def replaced(older: float, unseen: Unseen) -> Iterator[Leftover]:
    """What directions were before the studio changed them, so many seconds ago or more."""
    with looking(bin.folder(), unseen):
        for path in bin.kept():
            with looking(path, unseen):
                found = leftover("replaced", path, partial(_remove, path))
                if time.time() - found.since >= older:
                    yield found


def caches(unseen: Unseen) -> Iterator[Leftover]:
    """Scores and pictures that can be made again, what archives hold, and nothing that somebody
    touched just now."""
    cache = home.cache_dir()
    scores, archives = (_folders(one, unseen) for one in (cache / "scores", home.archives_dir()))
    archives = [one for one in archives if ARCHIVE.fullmatch(one.name)]
    pictures = cache / "pictures", cache / "last", home.frames_dir()
    for place in [*scores, *archives, *pictures]:
        with looking(place, unseen):
            if place.is_dir() and _trusted(place) and not locks.held(place / UNPACKING):
                found = leftover("caches", place, partial(_remove, place))
                if time.time() - found.since > FRESH:
                    yield found


def _folders(place: Path, unseen: Unseen) -> list[Path]:
    """The folders in one of latty's own; none where another user has a hand in it."""
    with looking(place, unseen):
        return folders_in(place, unseen) if _trusted(place) else []
    return []


def _trusted(place: Path) -> bool:
    return owned(place).is_dir() and not place.is_symlink()


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _remove(path: Path) -> None:
    with Folder(path.parent) as parent:
        parent.remove(path.name)
