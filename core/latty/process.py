"""Child processes of latty: how they are started, what they see, and that they end with us."""

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from latty.errors import DeviceError

W = TypeVar("W", bound=str)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
SELDOM = 10_000  # more objects than have gone before Python looks for cycles; its own: 700
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork
_MALLOC = _LIBC if hasattr(_LIBC, "mallopt") and hasattr(_LIBC, "malloc_trim") else None


def _never() -> int:
    return 0


stopped: Callable[[], int] = _never  # the signal that asked the work to stop; 0: none
in_child: Callable[[], None] | None = None  # what a new process of a pool calls first


def check(hint: str = "") -> None:
    """Raise Interrupted when a signal has asked the work to stop."""
    if number := stopped():
        from latty.errors import Interrupted

        raise Interrupted(number, hint)


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


def hold_streams() -> None:
    """Take the numbers of stdin, stdout and stderr where whoever started us closed them: a file of
    ours, or of a child's, would get them, and what libraries print with it. Each is opened the
    wrong way round, so that results nobody can read are an error (EBADF), and are not lost in
    silence; so is a preset that nobody can give."""
    for number, way in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, way)  # takes the lowest number that is free: this one
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def signal_name(number: int) -> str:
    """ "SIGKILL"; real-time signals have no other name than "SIGRTMIN+3"."""
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"SIGRTMIN+{number - signal.SIGRTMIN}"


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


# Bytes of addresses that a library takes as it is imported, with the threads that it starts.
ROOM = {"numpy": 2**28, "torch": 2**30}


class _Room:
    """Imports no library into a process whose limit (ulimit -v) leaves no room for it: it would
    end the process without a word of ours."""

    def __init__(self, most: int) -> None:
        self.most = most

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises DeviceError."""
        if name not in ROOM:
            return
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
        except (OSError, ValueError):
            return
        left = self.most - pages * os.sysconf("SC_PAGE_SIZE")
        if left < ROOM[name]:
            what = f"out of memory: {left >> 20} MiB are left, and {name} takes {ROOM[name] >> 20}"
            raise DeviceError(what, "ulimit -v allows more")


# Of the libraries below torch. OpenMP's threads spin while they wait: on a shared machine a
# hundred times slower. MKL's sums otherwise depend, on cores without AVX-512, on where in memory
# the numbers lie: the same picture would differ in its last bits from one time to the next.
STEADY = {"OMP_WAIT_POLICY": "PASSIVE", "MKL_CBWR": "AUTO"}


def be_steady() -> None:
    """Have what is computed the same bits each time, and threads that sleep while they wait. For a
    process that has not imported torch yet; what the user has set stays."""
    for name, value in STEADY.items():
        os.environ.setdefault(name, value)


def keep_room() -> None:
    """Refuse to import large libraries where a limit on memory leaves no room for them."""
    if sys.platform == "linux" and not any(isinstance(one, _Room) for one in sys.meta_path):
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            sys.meta_path.insert(0, _Room(most))


def keep_memory() -> None:
    """Have malloc (glibc's) keep what is freed for what comes next, as a process that draws wants
    it: every feature map would otherwise be a mapping of its own, which the kernel takes back and
    fills with zeros again, for a quarter of the time of a render. Python looks for cycles seldom:
    each full look walks all that torch's modules hold, for 50 ms or more."""
    gc.set_threshold(SELDOM)
    if _MALLOC is not None:
        _MALLOC.mallopt(M_MMAP_MAX, 0)
        _MALLOC.mallopt(M_TRIM_THRESHOLD, -1)


def put_off_cycles() -> None:
    """Look for no cycles of garbage until `look_for_cycles`: while a program is imported and built
    what is new stays, and each look at it is for nothing."""
    gc.disable()


def look_for_cycles() -> None:
    """Seldom, and in what is made from here on, where it was put off."""
    if gc.isenabled():
        return
    gc.freeze()
    gc.set_threshold(SELDOM)
    gc.enable()


def give_back_memory() -> None:
    """Return to the system what `keep_memory` has kept."""
    if _MALLOC is not None:
        _MALLOC.malloc_trim(0)


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
