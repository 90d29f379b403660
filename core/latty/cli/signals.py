"""What INT, TERM, HUP and PIPE do: installed first, before anything slow is imported.

Outside `cooperative()` nothing is half done, so a signal leaves at once. Inside, the first one asks
the work to stop at its next report (the frame is finished and kept), the second leaves at once.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar, NoReturn

from latty import process

check = process.check  # raises Interrupted when a signal has asked the work to stop
SIGPIPE = 13  # Windows has no signal.SIGPIPE, and the exit code 141 means it everywhere


class _State:
    stop = 0  # the signal that asked the work to stop
    depth = 0  # of cooperative blocks
    farewell = b""  # what puts the terminal right again
    shaped: Callable[[str], str] | None = None  # words as a line that is not for people
    undo: ClassVar[list[Callable[[], None]]] = []  # what else does, on a sudden end


def install() -> None:
    """Take over INT, TERM and HUP; a HUP that nohup ignores stays ignored."""
    process.stopped = lambda: _State.stop
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))  # blocked where a job begins


def _handle(signum: int, frame: FrameType | None) -> None:
    if _State.stop or not _State.depth:
        leave(signum)
    _State.stop = signum
    if not _State.farewell:  # with a picture on screen a line of words would tear it
        _say("stopping after this step; once more to stop at once", "\n")


def leave(signum: int) -> NoReturn:
    """End the process now with 128 + signum, as a shell reports a signal."""
    for work in [*_State.undo]:
        work()
    if _State.farewell:
        _write(1, _State.farewell)
    if signum != SIGPIPE:
        _say("interrupted")
    os._exit(128 + signum)


def at_leave(work: Callable[[], None]) -> None:
    """Have `work` done before a signal ends the process, until `stay` takes it back."""
    _State.undo.append(work)


def stay(work: Callable[[], None]) -> None:
    """`work` is no longer needed."""
    if work in _State.undo:
        _State.undo.remove(work)


def shape(line: Callable[[str], str] | None) -> None:
    """Words on stderr become what `line` makes of them, its end of line included; None: words."""
    _State.shaped = line


def _say(words: str, before: str = "") -> None:
    if sys.stderr is not None:
        shaped = _State.shaped
        _write(2, (shaped(words) if shaped else f"{before}latty: {words}\n").encode())


def _write(file: int, words: bytes) -> None:
    try:
        os.write(file, words)
    except OSError:
        return  # the terminal is gone, which may be why we were called


@contextmanager
def cooperative(farewell: bytes = b"") -> Iterator[None]:
    """Work that calls `check()` often; `farewell` goes to the terminal on a sudden end."""
    _State.depth, before = _State.depth + 1, _State.farewell
    _State.farewell = farewell or before
    try:
        yield
    finally:
        _State.depth, _State.farewell = _State.depth - 1, before
