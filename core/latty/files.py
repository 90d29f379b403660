"""A file appears under its name only when it is whole: temporary file, fsync, rename, fsync.

And a lock that its holder cannot leave behind.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from latty.errors import Locked


def replace_whole(target: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write `pieces` and put them under `target` in one step; what was there stays until then.

    An existing file keeps its permissions. Raises OSError, and leaves no temporary file.
    """
    import tempfile  # costs the start of every verb some milliseconds, and few of them write

    handle, name = tempfile.mkstemp(prefix=f".{target.stem[:64]}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _mode(target: Path) -> int:
    """The permissions of what is there, or those that open() would give."""
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0o022)  # reading it means setting it
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of `path`, which the kernel releases with the process.

    Raises Locked, with `what` for its words, where another process holds it.
    """
    import fcntl

    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(f"another process is at {what}", "wait for it, or stop it") from None
        yield
