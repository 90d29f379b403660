"""Locks of the kernel (flock): held by an open file, given back by any death of its holders.

A file handed to a child process is held by both: the lock lasts as long as the longest of them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latty.errors import Locked

PATIENCE = 0.5  # seconds: a probe by somebody else looks like a holder for a moment


def take(path: Path, patience: float = PATIENCE) -> int | None:
    """An open file that holds the lock of `path`, or None where another process holds it.

    The file is created, where `path` is not a folder; a file that was removed meanwhile is not
    taken for the new one.
    """
    end = time.monotonic() + patience
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    while True:
        handle = os.open(path, flags | os.O_CLOEXEC, 0o600)
        if not _flock(handle):
            os.close(handle)
            if time.monotonic() >= end:
                return None
            time.sleep(0.02)
            continue
        if _same(handle, path):
            return handle
        os.close(handle)


@contextmanager
def locked(path: Path, what: str, hint: str = "wait for it, or stop it") -> Iterator[None]:
    """Hold the lock of `path`, which the kernel releases with the process.

    Raises Locked, "another process is WHAT", where another process holds it.
    """
    if (handle := take(path, patience=0)) is None:
        raise Locked(f"another process is {what}", hint)
    try:
        yield
    finally:
        os.close(handle)


def _flock(handle: int, shared: bool = False) -> bool:
    """Whether the kernel gave an open file its lock; it is not waited for."""
    import fcntl  # not on Windows

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def remove(path: Path) -> None:
    """Remove the file of a lock that nobody holds: under the lock, so that nobody takes it then."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if _flock(handle) and _same(handle, path):
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def held(path: Path) -> bool:
    """Whether a living process holds the lock of `path`; the question disturbs nobody."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _flock(handle, shared=True)
    finally:
        os.close(handle)
