"""Processes in tests: whether they are there, and waiting for what they do."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from places import LIMIT


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait(ready: Callable[[], object], seconds: float = LIMIT) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def gone(pid: int, seconds: float = LIMIT) -> bool:
    """Whether a process ends within that time."""
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def kill(pid: int | None, number: int = signal.SIGKILL) -> bool:
    """Whether it was still there."""
    assert pid is not None
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def children(of: int | None = None) -> set[int]:
    """The processes that a process has started and not yet seen the end of; ours without one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = stat.read_text().rpartition(")")[2].split()
            if int(words[1]) == (of or os.getpid()) and words[0] != "Z":
                found.add(int(stat.parent.name))
    return found
