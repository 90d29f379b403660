"""Child processes of latty: how they are started, what they see, and that they end with us."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

W = TypeVar("W", bound=str)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def _never() -> int:
    return 0


stopped: Callable[[], int] = _never  # the signal that asked the work to stop; 0: none


def command(module: str, *words: str) -> list[str]:
    """The command line of `python -m module` with this interpreter. -P: the working folder, which
    may hold anybody's code, is no place to import from."""
    return [sys.executable, "-P", "-m", module, *words]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` for a child: PYTHONPATH without entries that mean the working folder ("", ".", or
    its path), which differ from process to process."""
    rest = dict(base)
    parts = rest.pop("PYTHONPATH", "").split(os.pathsep)
    kept = [part for part in parts if not _is_working_folder(part)]
    return {**rest, "PYTHONPATH": os.pathsep.join(kept)} if kept else rest


def leave_working_folder() -> None:
    """Import nothing from the working folder from here on, whatever PYTHONPATH says: it may hold
    anybody's code. A checkout of latty that is run in place keeps its own folders."""
    ours = Path(__file__).resolve().parent.parent
    sys.path[:] = [
        part for part in sys.path if not _is_working_folder(part) or Path(part).resolve() == ours
    ]


def _is_working_folder(part: str) -> bool:
    if part in ("", os.curdir):
        return True
    with suppress(OSError):
        return Path(part).samefile(os.curdir)
    return not Path(part).is_absolute()


def end_with_parent(parent: int = 0) -> None:
    """Have the kernel kill this process when its parent dies (Linux; elsewhere a thread looks).

    parent  its process id as the parent knows it: this process ends at once where it has died
    """
    parent = parent or os.getppid()
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)
        return
    import threading

    threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def without(words: Sequence[W], flags: Sequence[str] = (), options: Sequence[str] = ()) -> list[W]:
    """The words of a command line without some flags, and without some options and their values."""
    kept: list[W] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*kept, word, *rest]
        if word in options:
            next(rest, None)
        elif word not in flags and not word.startswith(tuple(f"{one}=" for one in options)):
            kept.append(word)
    return kept
