"""Locks of the kernel (flock): held by an open file, given back by any death of its holders.

A file handed to a child process is held by both: the lock lasts as long as the longest of them.
"""

import fcntl
import os
import time
from pathlib import Path

PATIENCE = 0.5  # seconds: a probe by somebody else looks like a holder for a moment


def take(path: Path, patience: float = PATIENCE) -> int | None:
    """An open file that holds the lock of `path`, or None where another process holds it.

    The file is created; a file that was removed meanwhile is not taken for the new one.
    """
    end = time.monotonic() + patience
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() >= end:
                return None
            time.sleep(0.02)
            continue
        if _same(handle, path):
            return handle
        os.close(handle)


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
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same(handle, path):
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


def held(path: Path) -> bool:
    """Whether a living process holds the lock of `path`; the question disturbs nobody."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
