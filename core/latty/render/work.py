"""The folder beside an output where it is made: locked, resumable, gone at the end.

A final name appears by rename only, when the whole file is on disk; nothing there is replaced
without force. `<output>.latty-work/` holds the lock, the recipe, finished pictures and the file
while it is written.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from signal import SIGINT
from typing import Self

from latty import locks
from latty.errors import Interrupted, LattyError, Locked, OutputError, WouldOverwrite
from latty.files import sync

SUFFIX = ".latty-work"
RESUME = "the same command goes on where this one stopped"
_LOCK = "lock"
_PUBLISHING = "publishing.json"
_HINTS = {
    errno.ENOSPC: "free some space; " + RESUME,
    errno.EDQUOT: "your quota is used up; " + RESUME,
    errno.EROFS: "choose another folder with --out-dir",
    errno.EACCES: "choose another folder with --out-dir",
    errno.EPERM: "choose another folder with --out-dir",
    errno.EFBIG: "the file system or a limit allows no file this large",
}


class Work:
    """The work folder of one output, held by one process: `with Work(target) as work`."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.with_name(target.name + SUFFIX)
        self.file = self.folder / target.name  # the output while it is written
        self.finished = False  # the file is whole: nothing is left but to give it its name
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Raises Locked where another process writes the same output."""
        while self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._try_lock()
        return self

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            if not self._worth_keeping():
                self.remove()
            os.close(self._lock)
        self._lock = None

    def _worth_keeping(self) -> bool:
        pictures = self.folder / "pictures"
        return self.finished or (pictures.exists() and pictures.stat().st_size > 0)

    def _try_lock(self) -> int | None:
        try:
            lock = locks.take(self.folder / _LOCK, patience=0)
        except FileNotFoundError:  # the holder finished and removed the folder just now
            return None
        if lock is None:
            hint = "wait for it, or give this render another name"
            raise Locked(f"another process is writing {self.target.name}", hint)
        return lock

    def fresh(self, path: Path) -> Path:
        """`path`, with what an earlier try left there removed."""
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        return path

    def note(self, name: str, text: str) -> None:
        """A small file in the work folder, whole or not there."""
        path = self.folder / name
        draft = self.fresh(path.with_name(name + ".new"))
        draft.write_text(text, encoding="utf-8")
        _sync(draft)
        draft.replace(path)

    def remove(self) -> None:
        """Everything, the note of `publish` and then the lock last: a kill in between leaves what
        the next try needs, and a process that takes the lock right after keeps its folder."""
        with suppress(OSError):
            parts = {path.name: path for path in self.folder.iterdir()}
            last = [parts.pop(name) for name in (_PUBLISHING, _LOCK) if name in parts]
            for path in [*parts.values(), *last]:
                self.fresh(path)
            self.folder.rmdir()


def refuse_overwrite(targets: Sequence[Path], force: bool) -> None:
    """Raises WouldOverwrite naming the first file in the way. A folder must hold frames only."""
    for target in targets:
        if not target.exists():
            continue
        if target.is_dir() and not is_frames(target):
            hint = "choose another name: only folders of numbered frames are replaced"
            raise WouldOverwrite(f"{target} holds other files", hint)
        if not force:
            raise WouldOverwrite(f"{target} is there already", "--force replaces it")


def refuse_small_disk(target: Path, needed: int, force: bool) -> None:
    """Raises OutputError where less is free than `needed` bytes and a tenth."""
    free = shutil.disk_usage(target.parent).free
    if free < needed * 1.1 and not force:
        raise OutputError(
            f"{target.name} may need {_megabytes(needed)}, {_megabytes(free)} are free",
            "free some space, or --force to try all the same",
        )


def publish(works: Sequence[Work], key: str) -> None:
    """Give all finished files their final names, or after a kill in between the remaining ones."""
    for work in works:
        if work.file.exists():
            _sync(work.file)
        work.finished = True
    works[0].note(_PUBLISHING, json.dumps(key))
    for work in works:
        if work.file.exists():
            _rename(work)
    for work in reversed(works):  # the first one holds the note
        work.remove()


def half_published(works: Sequence[Work], key: str) -> bool:
    """Whether a render with this key was stopped while it gave its files their names."""
    try:
        note = (works[0].folder / _PUBLISHING).read_text(encoding="utf-8")
        same = bool(json.loads(note) == key)
    except (OSError, ValueError):
        return False
    return same and all(work.file.exists() or work.target.exists() for work in works)


@contextmanager
def publication(files: Sequence[Path], key: str, force: bool) -> Iterator[list[Work]]:
    """The locked work folder of each file; all get their final names together, on leaving.

    None of them where a try with this key was stopped while it gave the names: only that is left.
    Raises WouldOverwrite and Locked at once; an interruption says that one can go on.
    """
    works = [Work(file) for file in files]
    if not half_published(works, key):
        refuse_overwrite(files, force)
    with ExitStack() as locks, _resumable():
        with disk_errors(works):
            for work in works:
                locks.enter_context(work)
        named = half_published(works, key)
        if not named:
            refuse_overwrite(files, force)
        yield [] if named else works
        with disk_errors(works):
            publish(works, key)


@contextmanager
def _resumable() -> Iterator[None]:
    """An interruption says that the same command goes on where it stopped."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(SIGINT, RESUME) from None
    except Interrupted as stop:
        raise Interrupted(stop.exit_code - 128, stop.hint or RESUME) from None


@contextmanager
def disk_errors(works: Sequence[Work]) -> Iterator[None]:
    """Raises one OutputError for an OSError of what is inside; half-written outputs are removed."""
    try:
        yield
    except LattyError:
        raise
    except OSError as error:
        for work in works:
            if not work.finished:  # else the next try has only to give it its name
                with suppress(OSError):
                    work.fresh(work.file)
        names = ", ".join(work.target.name for work in works)
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "look at the disk; " + RESUME)
        raise OutputError(f"cannot write {names}: {reason}", hint) from error


def _rename(work: Work) -> None:
    if work.target.is_dir():  # a folder cannot be renamed onto one that is not empty
        work.target.rename(work.fresh(work.folder / "replaced"))
    work.file.replace(work.target)
    _sync(work.target.parent)


def _sync(path: Path) -> None:
    """A file, or a folder and what is in it."""
    if path.is_dir():
        for part in path.iterdir():
            if part.is_file():
                _sync(part)
    sync(path)


def is_frames(folder: Path) -> bool:
    """Whether a folder holds numbered frames and nothing else."""
    return all(part.suffix == ".png" and part.stem.isdecimal() for part in folder.iterdir())


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
