"""The folder beside an output where it is made: locked, resumable, gone at the end.

A final name appears by rename only, when the whole file is on disk; nothing there is replaced
unless that is asked for. `<output>.latty-work/` holds the lock, the recipe, finished pictures and
the file while it is written.
"""

import errno
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from signal import SIGINT
from typing import Self

from latty import locks, reading
from latty.errors import (
    BadData,
    Interrupted,
    LattyError,
    Locked,
    OutputError,
    WouldOverwrite,
    unwritten,
)
from latty.files import refuse_existing, sync
from latty.folders import LOCK, MARK, Folder, parent_of
from latty.latents import pools
from latty.latents.scores import place_of

SUFFIX, _KIND = ".latty-work", "render"
RESUME = "the same command goes on where this one stopped"
ELSEWHERE = "--out-dir names another folder"
_BARRED = (errno.EROFS, errno.EACCES, errno.EPERM)  # trying again does not help
PICTURES, RECIPE = "pictures", "recipe.json"
_PUBLISHING, _REPLACED = "publishing.json", "replaced"
_OURS = {RECIPE, _PUBLISHING, _REPLACED, LOCK, MARK}  # and journals
_LAST = (_PUBLISHING, MARK, LOCK)
# What `latty traverse` writes (latty.rank.traversal).
TRAVERSAL, WALKS, FILMS, SCORES = "traverse.json", "walks", "films", "scores"
_TRAVERSED = {
    WALKS: re.compile(r"(samples|originals|\d{3,}-\d{4,})-\d+\.safetensors"),
    FILMS: re.compile(r"\d{3,}-.+\.\w+"),
    SCORES: re.compile(r".+-[0-9a-f]{16}(\.\d+)?\.safetensors"),
}
_TRIES = 100
_JOURNAL = re.compile(rf"{PICTURES}(-\d+)?")
_FRAME = re.compile(r"\d+\.png")


def journal(number: int) -> str:
    """The name of the pictures of a part of a preset."""
    return f"{PICTURES}-{number}" if number else PICTURES


class Work:
    """The work folder of one output, held by one process: `with Work(target) as work`.

    root            the folder that the user named, below which no link is followed
    parent, folder  the output's folder and that in which it is made, while it is held
    """

    parent: Folder
    folder: Folder

    def __init__(self, target: Path, root: Path | None = None) -> None:
        self.target, self.root = target, root
        self.name = target.name + SUFFIX
        self.finished = False  # the file is whole: nothing is left but to give it its name
        ours = target.name in _OURS or _JOURNAL.fullmatch(target.name)
        self._draft = f"new-{target.name}" if ours else target.name
        self._held: ExitStack | None = None

    def __enter__(self) -> Self:
        """Raises Locked where another process writes the same output, WouldOverwrite where its
        folder is not ours, OSError."""
        with ExitStack() as held:
            self.parent = held.enter_context(parent_of(self.target, self.root))
            for _ in range(_TRIES):
                if (taken := self._take()) is not None:
                    held.enter_context(taken)
                    self._held = held.pop_all()
                    return self
        raise OutputError(f"{self.target.parent} does not stay as it is", "choose another folder")

    def __exit__(self, *error: object) -> None:
        held, self._held = self._held, None
        if held is not None:
            with held:
                if not self._worth_keeping():
                    self.remove()

    def _worth_keeping(self) -> bool:
        journals = filter(_JOURNAL.fullmatch, self.folder.names())
        states = map(self.folder.status, journals)
        return self.finished or any(one is not None and one.st_size > 0 for one in states)

    def _take(self) -> ExitStack | None:
        """What holds the folder; None where its holder finished and removed it just now."""
        with ExitStack() as held, suppress(FileNotFoundError):
            self.folder = held.enter_context(self.parent.of_ours(self.name, _KIND))
            _sweep(self.folder)
            lock = locks.take(self.folder / LOCK, patience=0)
            if lock is None:
                raise self._taken(self.folder)
            held.callback(os.close, lock)
            # its holder may have removed the mark before the lock
            with self.parent.of_ours(self.name, _KIND) as named:
                if os.path.sameopenfile(named.handle, self.folder.handle):
                    return held.pop_all()
        return None

    def _taken(self, folder: Folder) -> Locked:
        hint = "wait for it, or give this render another name"
        return locks.taken(folder / LOCK, f"writing {self.target.name}", hint)

    @contextmanager
    def look(self) -> Iterator[Folder]:
        """The folder as it is, whoever holds it. Raises OSError, WouldOverwrite."""
        if self._held is not None:
            yield self.folder
            return
        with (
            parent_of(self.target, self.root, make=False) as parent,
            parent.of_ours(self.name, _KIND, make=False) as folder,
        ):
            yield folder

    def refuse_taken(self) -> None:
        """Raises Locked where somebody holds the folder, WouldOverwrite where it is not ours."""
        with suppress(FileNotFoundError, NotADirectoryError), self.look() as folder:
            if locks.held(folder / LOCK):
                raise self._taken(folder)

    @property
    def file(self) -> Path:
        """The output while it is written; of no use to another process."""
        return self.folder / self._draft

    @property
    def place(self) -> Path:
        """The final name, in the folder that is held once it is."""
        return self.target if self._held is None else self.parent / self.target.name

    def fresh(self) -> Path:
        """The file, with what an earlier try left there removed."""
        self.folder.remove(self._draft)
        return self.file

    def drop(self) -> None:
        """Leave no file that is half written."""
        if self._held is not None and not self.finished:
            with suppress(OSError):
                self.folder.remove(self._draft)

    def made(self) -> bool:
        """Whether the file is there. Raises OSError, WouldOverwrite."""
        with suppress(FileNotFoundError), self.look() as folder:
            return folder.status(self._draft) is not None
        return False

    def standing(self) -> os.stat_result | None:
        """What has the final name, a link itself; None where nothing has. Raises OSError."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return self.place.lstat()
        return None

    def note(self, name: str, text: str, lasting: bool) -> None:
        """A small file in the work folder, whole or not there. Raises OSError."""
        self.folder.write(name, [text.encode()], lasting=lasting)

    def give_name(self) -> None:
        """The file gets its final name; what has it is replaced. Raises OSError."""
        there, file, name = self.standing(), self.folder.status(self._draft), self.target.name
        with ExitStack() as undo:
            if there and file and (stat.S_ISDIR(there.st_mode) or stat.S_ISDIR(file.st_mode)):
                self.folder.remove(_REPLACED)  # a folder cannot be renamed onto what is there
                self.parent.rename(name, self.folder, _REPLACED)
                undo.callback(self.folder.rename, _REPLACED, self.parent, name)
            self.folder.rename(self._draft, self.parent, name)
            undo.pop_all()
        self.parent.sync()

    def clear(self, done: bool) -> None:
        """Remove what is left of the folder by a try that was killed: when all was `done`, else
        where it is not worth keeping."""
        with suppress(OSError, LattyError):
            with self.look():
                pass  # there is one
            with self:
                if done:
                    self.remove()

    def remove(self) -> None:
        """Everything, the note of `publish`, the mark and then the lock last: a kill in between
        leaves what the next try needs, and a process that takes the lock right after keeps its
        folder."""
        with suppress(OSError):
            rest = set(self.folder.names())
            for name in (*(rest - set(_LAST)), *_LAST):
                self.folder.remove(name)
            os.rmdir(self.name, dir_fd=self.parent.handle)


def is_left(target: Path) -> bool:
    """Whether a run that broke off left its work folder beside a file, of a disk that failed while
    the file was there already."""
    return os.path.lexists(target.with_name(target.name + SUFFIX))


def _sweep(folder: Folder) -> None:
    """Remove what is no file or folder of its own: whoever opens a file there means that one."""
    for name in folder.names():
        state = folder.status(name)
        if state is None or stat.S_ISDIR(state.st_mode):
            continue
        if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
            folder.remove(name)


def refuse_overwrite(works: Sequence[Work], overwrite: bool) -> None:
    """Raises WouldOverwrite naming the first file in the way. A folder must hold frames only."""
    for work in works:
        there = work.standing()
        if there is None or not stat.S_ISDIR(there.st_mode):
            refuse_existing(work.place, overwrite, work.target)
        elif not any(ours(work.place) for ours in (is_frames, _is_pool, is_traversal)):
            hint = "choose another name: only frames, pools and traversals are replaced"
            raise WouldOverwrite(f"{work.target} holds other files", hint)
        elif not overwrite:
            raise WouldOverwrite(f"{work.target} is there already", "--overwrite replaces it")


def refuse_early(
    files: Sequence[Path], key: str, overwrite: bool, root: Path | None = None
) -> None:
    """What would stop `publication` at once. Files that a try with the same `key` was about to give
    their names are in nobody's way. Raises WouldOverwrite, Locked, OSError."""
    works = [Work(file, root) for file in files]
    for work in works:
        work.refuse_taken()
    if not half_published(works, key):
        try:
            refuse_overwrite(works, overwrite)
        except WouldOverwrite:
            with suppress(OSError, LattyError):
                if not any(work.made() for work in works):  # else another key gives names yet
                    done = _noted(works) is not None
                    for work in reversed(works):  # the first one holds the note
                        work.clear(done)
            raise


def too_small(target: Path, needed: int) -> str:
    """Words where less is free than `needed` bytes and a tenth; "" where there is enough."""
    free = shutil.disk_usage(target.parent).free
    if free >= needed * 1.1:
        return ""
    return f"{target.name} may need {_megabytes(needed)}, {_megabytes(free)} are free"


def publish(works: Sequence[Work], key: str) -> None:
    """Give all finished files their final names, or after a kill in between the remaining ones."""
    for work in works:
        if work.made():
            _sync(work.file)
        work.finished = True
    # A power cut must find one file under its name, or the note of what the others are.
    works[0].note(_PUBLISHING, json.dumps(key), lasting=len(works) > 1)
    for work in works:
        if work.made():
            work.give_name()
    for work in reversed(works):  # the first one holds the note
        work.remove()


def half_published(works: Sequence[Work], key: str) -> bool:
    """Whether a render with this key was stopped while it gave its files their names. Raises
    WouldOverwrite."""
    with suppress(OSError):
        return _noted(works) == key and all(work.made() or work.standing() for work in works)
    return False


def _noted(works: Sequence[Work]) -> object:
    """The key of the render that was stopped while it gave its files their names, or after it; None
    where none was. Raises WouldOverwrite."""
    with suppress(OSError, BadData), works[0].look() as folder:
        return reading.json_of(folder.read(_PUBLISHING, reading.SMALL), _PUBLISHING)
    return None


@contextmanager
def publication(
    files: Sequence[Path], key: str, overwrite: bool, root: Path | None = None
) -> Iterator[list[Work]]:
    """The locked work folder of each file; all get their final names together, on leaving.

    root: the folder above them that the user named, below which no link is followed.
    None of them where a try with this key was stopped while it gave the names: only that is left.
    Raises WouldOverwrite and Locked at once; an interruption says that one can go on.
    """
    works = [Work(file, root) for file in files]
    with ExitStack() as held, _resumable():
        with disk_errors(works):
            refuse_early(files, key, overwrite, root)
            for work in works:
                held.enter_context(work)
            if not (named := half_published(works, key)):
                refuse_overwrite(works, overwrite)
        yield [] if named else works
        with disk_errors(works):
            if not named:  # somebody may have put a file there meanwhile
                refuse_overwrite(works, overwrite)
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
            work.drop()
        names = ", ".join(work.target.name for work in works)
        then = ELSEWHERE if error.errno in _BARRED else RESUME
        raise unwritten(f"cannot write {names}", error, then) from error


def _sync(path: Path) -> None:
    """A file, or a folder and what is in it."""
    if path.is_dir():
        for part in path.iterdir():
            if part.is_file():
                _sync(part)
    sync(path)


def is_frames(folder: Path) -> bool:
    """Whether a folder holds numbered frames and nothing else. Raises OSError."""
    return _holds(folder, _FRAME)


def _is_pool(folder: Path) -> bool:
    """Whether a folder holds a pool, its scores perhaps, and nothing else. Raises OSError."""
    own = (pools.FILE, pools.MANIFEST, place_of(folder / pools.FILE).name)
    with os.scandir(folder) as found:
        return pools.is_pool(folder) and all(
            one.is_file(follow_symlinks=False) and (one.name in own or one.name.endswith(".png"))
            for one in found
        )


def is_traversal(folder: Path) -> bool:
    """Whether a folder holds a traversal and nothing else. Raises OSError."""
    kinds = {}
    with os.scandir(folder) as found:
        for one in found:
            kinds[one.name] = "" if one.is_symlink() else "folder" if one.is_dir() else "file"
    files = {name for name, kind in kinds.items() if kind == "file"}
    folders = {name for name, kind in kinds.items() if kind == "folder"}
    return (
        TRAVERSAL in files
        and files <= {TRAVERSAL, pools.FILE}
        and folders <= {*_TRAVERSED}
        and len(files) + len(folders) == len(kinds)
        and all(_holds(folder / name, _TRAVERSED[name]) for name in folders)
    )


def _holds(folder: Path, names: re.Pattern[str]) -> bool:
    """Whether a folder holds files of such names and nothing else. Raises OSError."""
    with os.scandir(folder) as found:
        return all(names.fullmatch(one.name) and one.is_file(follow_symlinks=False)
                   for one in found)  # fmt: skip


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
