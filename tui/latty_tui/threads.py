"""Threads that look at files. A studio that is left waits for them as long as a file may take to be
written, and not for a disk that does not answer."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

PREFIX = "look"
GRACE = 2.0  # seconds


def run(work: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, with such threads."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(LookThreads())
        return runner.run(work)


class LookThreads(ThreadPoolExecutor):
    """The executor of an event loop, which would otherwise wait for each at its end."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix=PREFIX)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)


def left_behind() -> bool:
    """Whether a thread still looks at something, GRACE after the app has ended."""
    end = time.monotonic() + GRACE
    looking = [one for one in threading.enumerate() if one.name.startswith(PREFIX)]
    for thread in looking:
        thread.join(max(0.0, end - time.monotonic()))
    return any(thread.is_alive() for thread in looking)


def leave(code: int) -> NoReturn:
    """End the process at once: Python would wait for every thread."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
