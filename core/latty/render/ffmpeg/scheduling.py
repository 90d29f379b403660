"""SVT-AV1, run by root, makes whoever opens it and its own threads real-time ones (SCHED_FIFO, 99):
all else on the machine would wait until the process ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextmanager
def scheduled_as_before() -> Iterator[None]:
    """An encoder may be opened inside: afterwards every thread of this process is scheduled as the
    caller's was."""
    if not hasattr(os, "sched_getscheduler"):  # no Linux
        yield
        return
    policy, param = before = _scheduled()
    try:
        yield
    finally:
        if _scheduled() != before:
            for task in _TASKS.iterdir():
                with suppress(OSError):  # a thread that has ended meanwhile
                    os.sched_setscheduler(int(task.name), policy, param)


def _scheduled() -> tuple[int, os.sched_param]:
    """Policy and priority of this thread."""
    return os.sched_getscheduler(0), os.sched_getparam(0)
