"""What the engine's process said last, and how it ended, in words."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from typing import BinaryIO

from latty import home
from latty.errors import ConfigError
from latty.files import tail
from latty.folders import parent_of
from latty.wire import BROKEN

LIMIT = 2**18  # bytes of earlier processes that a new one keeps
TAIL = 8000  # characters told after a death: the dump of a crash and what led to it
PATIENCE = 2.0  # seconds for the process to go when it is told to
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


class EngineLog:
    """A file that one process after the other appends to."""

    def __init__(self) -> None:
        self.path, self._start = home.state_dir() / "engine.log", 0

    def open(self) -> BinaryIO | None:
        """For a new process to append to, begun anew where it is long; None where there can be
        none."""
        try:
            with parent_of(self.path) as folder:
                log = folder.append(self.path.name)  # several studios have one log
            if log.seek(0, os.SEEK_END) > LIMIT:
                log.truncate(0)
            self._start = log.seek(0, os.SEEK_END)
            return log
        except (OSError, ConfigError):
            return None

    def tail(self) -> str:
        """The end of what the last process said."""
        try:
            return tail(self.path, TAIL, self._start)[0].decode("utf-8", "replace")
        except OSError:
            return ""


async def ended(process: Process) -> int:
    """How a process ended that was told to, or has closed its end; killed where it stays."""
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def reason(code: int) -> str:
    """How a process ended, to go on from "the engine was ..."."""
    if code == BROKEN:
        return "ended because the GPU no longer answers"
    if code >= 0:
        return f"ended with exit status {code}"
    if -code == signal.SIGKILL:
        return f"killed by signal {-code} (out of memory?)"
    return f"killed by signal {-code}{' (a crash)' if -code in CRASHES else ''}"
