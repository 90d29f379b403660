"""Work in a fork of this process: torch is there already, and whatever kills it kills it alone."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

from latty.cli import signals

WRITES = os.O_CREAT | os.O_WRONLY | os.O_RDWR


def start(work: Callable[[], int]) -> int:
    """Its process id; `work` returns its exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        signals.install()
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """How it ended: its exit code, minus a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(work: Callable[[], int]) -> int:
    """Do it, and say how it ended."""
    return ended(start(work))


def killed_before(step: int, work: Callable[[], int]) -> int:
    """The same, killed before the step of that number of all that change a file or a name; what it
    was killed before is no step of the disk's, which may keep less of a file than was written."""

    def kill(event: str, words: tuple[object, ...]) -> None:
        nonlocal step
        changes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
        if changes or (event == "open" and isinstance(words[2], int) and words[2] & WRITES):
            step -= 1
            if step < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def counted() -> int:
        sys.addaudithook(kill)
        return work()

    return forked(counted)


def killed_after(seconds: float, number: int, work: Callable[[], int]) -> int:
    """The same, sent a signal after a while; it may have ended before."""
    pid = start(work)
    time.sleep(seconds)
    os.kill(pid, number)
    return ended(pid)
