"""What lies about in latty's own folders: searches, jobs, halves, caches, models."""

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from latty import home, locks
from latty.attributes.store import CARDS, trainings
from latty.cli.leftovers.thing import Leftover, leftover
from latty.directions.store import SETS, set_info
from latty.errors import LattyError
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


def searches() -> Iterator[Leftover]:
    """What discover, rank and train-scorer keep to go on from, and charts of trainings."""
    state = home.state_dir()
    for place in (state / "discover", home.charts_dir(), state / "rank", trainings()):
        for folder in _folders(place):
            with suppress(OSError):
                if not locks.held(folder / LOCK):
                    yield leftover("searches", folder, partial(_discard, folder))


def _discard(folder: Path) -> None:
    with locks.locked(folder / LOCK, f"at work in {folder.name}"), Folder(folder.parent) as parent:
        parent.remove(folder.name)


def jobs(older: float) -> Iterator[Leftover]:
    """Jobs that are over, and have been for that many seconds."""
    for status in runs.listed():
        with suppress(OSError):
            found = leftover("jobs", runs.folder_of(status.id), partial(control.remove, status.id))
            old = time.time() - (status.ended or found.since) >= older
            if status.over and old and not locks.held(runs.lock_of(status.id)):
                yield found


def halves() -> Iterator[Leftover]:
    """What writers and downloads left that something ended."""
    for store in STORES:
        for path in store.orphans():
            yield leftover("halves", path, partial(store.remove_orphan, path))
    for path in _downloads():
        if path.name.endswith((HALF, f"{HALF}.json")):
            yield leftover("halves", path, partial(_remove_download, path))


def downloads() -> Iterator[Leftover]:
    """Whole checkpoints that were fetched; what was imported of them is in the store."""
    for path in _downloads():
        if HALF not in path.suffixes and path.name != LOCK:
            yield leftover("downloads", path, partial(_remove_download, path))


def _downloads() -> Iterator[Path]:
    for folder in _folders(home.cache_dir() / "zoo"):
        with suppress(OSError), Folder(folder) as held:
            if not locks.held(folder):
                yield from (folder / name for name in held.names() if _is_file(folder / name))


def _remove_download(path: Path) -> None:
    with locks.locked(path.parent, f"fetching into {path.parent.name}"):
        _remove(path)


def caches() -> Iterator[Leftover]:
    """Scores and pictures that can be made again, what archives hold, and nothing that somebody
    touched just now."""
    cache = home.cache_dir()
    archives = filter(lambda one: ARCHIVE.fullmatch(one.name), _folders(home.archives_dir()))
    for place in [*_folders(cache / "scores"), *archives, cache / "pictures", home.frames_dir()]:
        with suppress(OSError, LattyError):
            if place.is_dir() and _trusted(place) and not locks.held(place / UNPACKING):
                found = leftover("caches", place, partial(_remove, place))
                if time.time() - found.since > FRESH:
                    yield found


def models(older: float) -> Iterator[Leftover]:
    """Imported models that no set of the store was made for and nobody read for so many seconds."""
    needed = {model for name in SETS.files() if (model := model_of(name))}
    for name, path in MODELS.files().items():
        with suppress(OSError):
            state = path.stat()
            used = max(state.st_atime, state.st_mtime)
            if MODELS.ships(name) or name in needed or time.time() - used < older:
                continue
            yield Leftover("models", path, MODELS.size(name), used, partial(MODELS.remove, name))


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


def model_of(name: str) -> str:
    """The model that a set of the store was made for; "" where that cannot be read."""
    with suppress(LattyError):
        return set_info(name).model
    return ""
