"""A file appears under its name only when it is whole: temporary file, fsync, rename, fsync.

And a cache of what is read of files.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

from latty import folders, home, reading
from latty.errors import LattyError, WouldOverwrite, unwritten
from latty.folders import Folder, parent_of

T = TypeVar("T")
Stamp = tuple[int, int, int]
SETTLED = 2 * 10**9  # ns after which a further change surely changes the time of a file, too


def replace_whole(target: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write `pieces` and put them under `target` in one step; what was there stays until then.

    An existing file keeps its permissions; in latty's own folders a file is its owner's alone.
    Raises OSError, and leaves no temporary file.
    """
    with parent_of(target) as folder:
        folder.write(target.name, pieces, _mode(target))


def write(target: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """The same. Raises OutputError."""
    try:
        replace_whole(target, pieces)
    except OSError as error:
        raise unwritten(f"cannot write {target}", error) from None


def remove(target: Path) -> bool:
    """Take a file away for good, in one step; whether there was one. Raises OutputError."""
    try:
        with Folder(target.parent) as folder:
            if folder.status(target.name) is None:
                return False
            folder.remove(target.name)
            folder.sync()
    except OSError as error:
        raise unwritten(f"cannot remove {target}", error) from None
    return True


def rename(source: Path, target: Path) -> None:
    """Give a file another name for good, in one step; what has that name is replaced. Raises
    OutputError."""
    try:
        with Folder(source.parent) as old, Folder(target.parent) as new:
            old.rename(source.name, new, target.name)
            new.sync()
            if source.parent != target.parent:
                old.sync()
    except OSError as error:
        raise unwritten(f"cannot rename {source.name}", error) from None


def refuse_existing(place: Path, overwrite: bool, name: Path | None = None) -> None:
    """Raises WouldOverwrite for a file that is there, without `overwrite`, and for what is no file;
    a link is replaced itself, and what it leads to stays. `name`: what it is called in messages."""
    name = name or place
    try:
        kind = reading.kind_of(place.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    if kind not in ("file", "link"):
        raise WouldOverwrite(f"{name} is a {kind}", "choose another name")
    if not overwrite:
        raise WouldOverwrite(f"{name} is there already", "--overwrite replaces it")


def sweep(target: Path) -> None:
    """Remove what killed writers left beside a file that nobody else writes now. Raises OSError,
    ConfigError."""
    with parent_of(target) as folder:
        folder.sweep(target.name)


def write_report(error: BaseException, name: str, said: str) -> Path | None:
    """What a developer needs of an error that nobody foresaw, and what was `said` or done, in the
    state folder; None where it cannot be written."""
    import traceback

    from latty.version import version_line

    text = "".join(traceback.format_exception(error))
    try:
        path = home.state_dir() / "reports" / f"{name}.txt"
        report = f"{version_line()}\n{said}\n\n{text}"
        replace_whole(path, [report.encode("utf-8", "backslashreplace")])
    except (OSError, ValueError, LattyError):
        return None
    return path


def tail(path: Path, most: int, start: int = 0) -> tuple[bytes, int]:
    """What a file that grows holds from byte `start` on, of much the last `most` bytes, and where
    that begins; all of one that was begun anew meanwhile. b"" where there is none. Raises OSError.
    """
    try:
        with reading.opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            start = max(start if start <= size else 0, size - most)
            file.seek(start)
            return file.read(most), start
    except FileNotFoundError:
        return b"", start


def _mode(target: Path) -> int | None:
    """The permissions of what is there; None: those of any new file."""
    if home.root_of(target) is not None:
        return 0o600
    if target.is_file():
        return target.stat().st_mode & 0o777
    return None


def sync(path: Path) -> None:
    """Until this returns a power cut may lose what was written to a file, or the names in a folder.
    Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        folders.sync(handle)
    finally:
        os.close(handle)


def stamp(path: Path | int) -> Stamp:
    """Time of change, size and inode of a file, or of an open one: others when the content changes.
    Raises OSError."""
    found = os.fstat(path) if isinstance(path, int) else path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def stamp_of(path: Path | None) -> Stamp | None:
    """The same, None where there is no file."""
    with suppress(OSError, ValueError):
        return stamp(path) if path is not None else None
    return None


def cached(size: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T]]:
    """A decorator for readers of a file: what one returns is kept while the file stays as it is.

    It is shared, so nobody may change it. What the reader raises is not kept.
    """

    def decorate(read: Callable[[Path], T]) -> Callable[[Path], T]:
        @lru_cache(maxsize=size)
        def kept(path: Path, state: Stamp) -> T:
            return read(path)

        def reader(path: Path) -> T:
            state = stamp_of(path)
            if state is None or abs(time.time_ns() - state[0]) < SETTLED:
                return read(path)  # it says what is wrong
            return kept(path, state)

        return wraps(read)(reader)

    return decorate
