"""Pictures of finished films, kept for the next encode: another crf, format or size of the same
film draws nothing again.

Below the cache folder lies a journal for each list of scenes, named after the hash of all that its
pictures depend on. Who holds its lock draws into it or reads it; anybody else goes without. The
ones that were used last stay, within `frame_cache` bytes and MONTH.
"""

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from latty import home, locks
from latty.errors import LattyError
from latty.folders import held_private
from latty.render.journal import Journal

MONTH = 30 * 86_400.0  # seconds after which pictures that nobody used are removed
LOCK, HALF = ".lock", ".part"  # beside a journal: who is at it, and a copy that is being made
NAME = re.compile(r"[0-9a-f]{64}(\.lock|\.part)?")  # a journal, and these two


@contextmanager
def journal_of(key: str, path: Path, most: int) -> Iterator[Journal]:
    """The pictures of the film of that key: new ones at `path`, which are kept when all went well,
    and those that are kept from before. `most` bytes are kept in all, 0 = none.

    A cache that cannot be used is none: nothing is raised, and what is there is drawn again.
    """
    with ExitStack() as held:
        entry = _taken(key, held) if most else None
        kept = _opened(entry, key) if entry is not None else None
        with Journal(path, key, kept) as journal:
            yield journal
            if entry is not None and len(journal):
                with suppress(OSError):
                    _keep(journal, entry, most)


def _opened(entry: Path, key: str) -> Journal | None:
    """The pictures that are kept, which are used now; None where there are none."""
    with suppress(OSError):
        if _size(entry):
            os.utime(entry)
            return Journal(entry, key, lazily=True)
    return None


def _keep(journal: Journal, entry: Path, most: int) -> None:
    """Raises OSError."""
    kept = journal.kept
    if _size(entry) + _size(journal.path) > most:
        return
    if kept is not None and len(kept):
        journal.give(kept)
    else:
        _move(journal.path, entry)
    make_room(entry.parent, most)


def make_room(folder: Path, most: int) -> None:
    """Remove what was used longest ago, until no more than `most` bytes are left, and no more than
    are free on the disk; what somebody is at stays, and so does all that has no name of ours: the
    folder may be a link to one that holds other things. Raises OSError."""
    most = min(most, shutil.disk_usage(folder).free)
    ours = [one for one in folder.iterdir() if NAME.fullmatch(one.name)]
    found = [one for one in ours if one.suffix != LOCK]
    for lock in ours:
        if lock.suffix == LOCK:  # of what was killed
            with suppress(OSError):
                locks.remove(lock)
    used, now = 0, time.time()
    for one in sorted(found, key=_used, reverse=True):
        used += _size(one)
        if used > most or now - _used(one) > MONTH:
            used -= _dropped(one)


def _taken(key: str, held: ExitStack) -> Path | None:
    """The place of a journal whose lock is ours as long as `held`; None where another process is at
    it, or there is no cache."""
    with suppress(LattyError, OSError):
        folder = held.enter_context(held_private(home.frames_dir()))
        lock = folder / f"{key}{LOCK}"
        held.enter_context(locks.locked(lock, "drawing", keep=False))
        return folder / key
    return None


def _move(path: Path, entry: Path) -> None:
    """No other user may open it at any moment. Raises OSError."""
    path.chmod(0o600)
    try:
        path.replace(entry)
    except OSError:  # on another disk
        half = entry.with_name(entry.name + HALF)
        try:
            half.touch(0o600)
            shutil.copyfile(path, half)
            half.replace(entry)
        except BaseException:
            half.unlink(missing_ok=True)
            raise


def _dropped(one: Path) -> int:
    """Remove a journal or half of one that nobody is at; its bytes."""
    size = _size(one)
    with suppress(LattyError, OSError):
        lock = one.with_name(one.name.removesuffix(HALF) + LOCK)
        with locks.locked(lock, "drawing", keep=False):
            one.unlink()
            return size
    return 0


def _size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    with suppress(OSError):
        state = path.lstat()
        return state.st_size if stat.S_ISREG(state.st_mode) else 0
    return 0


def _used(path: Path) -> float:
    """When it was last used."""
    with suppress(OSError):
        return path.lstat().st_mtime
    return 0.0
