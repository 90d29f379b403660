"""Locks of the kernel (flock): held by an open file, given back by any death of its holders.

A file handed to a child process is held by both: the lock lasts as long as the longest of them.
The file says who holds it. A link is no lock, nor is a pipe or what holds something else: nothing
is written there.
"""

import errno
import os
import shlex
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from latty import reading
from latty.errors import Locked, UnfitFile, unwritten
from latty.folders import LOCK, discard, in_the_way, parent_of, private
from latty.text import clean

LONGEST_NAME = 255  # bytes
LONGEST = 500  # bytes of who holds a lock
_FIRST = b"process "
PATIENCE = 0.5  # seconds: a probe by somebody else looks like a holder for a moment


def _nothing(who: str) -> None:
    pass


def take(
    path: Path, patience: float = PATIENCE, waiting: Callable[[str], None] = _nothing
) -> int | None:
    """An open file that holds the lock of `path`, or None where another process holds it. Who that
    is hears `waiting`, again and again where it is waited for longer than for a probe.

    The file is created, where `path` is not a folder; a file that was removed meanwhile is not
    taken for the new one. Raises UnfitFile for a link, a pipe, a file that holds something else,
    OSError.
    """
    begun = time.monotonic()
    while True:
        handle = _ours(_open(path, os.O_RDWR | os.O_CREAT), path)
        if not _flock(handle):
            os.close(handle)
            if (waited := time.monotonic() - begun) >= patience:
                return None
            if waited >= PATIENCE:
                waiting(holder(path))
            time.sleep(0.02)
            continue
        if _same(handle, path):
            _sign(handle)
            return handle
        os.close(handle)


def _open(path: Path, flags: int) -> int:
    """The file of a lock, or a folder that is one. Raises UnfitFile, OSError."""
    try:
        folder = path.is_dir() and not path.is_symlink()
        flags = os.O_RDONLY if folder else flags
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise UnfitFile(path, "is a link, no lock of latty's", "remove it") from None
    return handle if folder else reading.regular(handle, path)


def _ours(handle: int, path: Path) -> int:
    """The handle where its file may be written: under no other name, and nothing in it but who held
    the lock. Raises UnfitFile."""
    state = os.fstat(handle)
    words = b"" if stat.S_ISDIR(state.st_mode) else os.pread(handle, len(_FIRST), 0)
    if stat.S_ISDIR(state.st_mode) or (state.st_nlink <= 1 and _FIRST.startswith(words)):
        return handle
    os.close(handle)
    raise UnfitFile(path, "is no lock of latty's", "move it away")


def _sign(handle: int) -> None:
    """Write down who holds the lock; a full disk costs the words, not the lock."""
    job = os.environ.get("LATTY_JOB")
    who = f"process {os.getpid()}, {f'job {job}' if job else shlex.join(['latty', *sys.argv[1:]])}"
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, who.encode("utf-8", "replace")[:LONGEST], 0)


def holder(path: Path) -> str:
    """Who took the lock last, in words: "process 12, latty render a.toml"; "" where nobody did."""
    with suppress(OSError):
        return clean(reading.content(path, 2 * LONGEST).decode("utf-8", "replace"))
    return ""


def taken(path: Path, what: str, hint: str = "wait for it, or stop it") -> Locked:
    """The error that says that the lock of `path` is held, and by whom."""
    who = holder(path)
    return Locked(f"another process is {what}{f' ({who})' if who else ''}", hint)


@contextmanager
def locked(
    path: Path,
    what: str,
    hint: str = "wait for it, or stop it",
    keep: bool = True,
    patience: float = 0,
    waiting: Callable[[str], None] = _nothing,
) -> Iterator[None]:
    """Hold the lock of `path`, which the kernel releases with the process.

    keep      leave the file of the lock
    patience  seconds to wait for another process
    waiting   is told who that is, in words, meanwhile; it may raise

    Raises Locked, "another process is WHAT" and its name, where another process holds it.
    """
    if (handle := take(path, patience, waiting)) is None:
        raise taken(path, what, hint)
    try:
        yield
    finally:
        if not keep:
            with suppress(OSError):  # what was to be done is done; the next holder removes it
                path.unlink()
        with suppress(OSError):  # of what is written in it nobody depends
            os.close(handle)


@contextmanager
def at_work(folder: Path, what: str) -> Iterator[Callable[[], None]]:
    """Be the only one at work in a folder of latty's own, made where there is none; what is yielded
    removes it, once the work is done; one that nothing was put into is removed by itself. Raises
    Locked, OutputError, ConfigError."""
    with ExitStack() as stack:
        try:
            private(folder)
            stack.enter_context(locked(folder / LOCK, what))
        except UnfitFile:
            raise
        except OSError as error:
            raise unwritten(f"cannot write {folder}", error) from None
        try:
            yield partial(discard, folder)
        finally:
            with suppress(OSError):
                if [entry.name for entry in folder.iterdir()] == [LOCK]:
                    discard(folder)


@contextmanager
def writing(
    target: Path, patience: float = 0, waiting: Callable[[str], None] = _nothing
) -> Iterator[None]:
    """Be the only one who makes `target`, a file or folder: to be held from before the work until
    it is written. What a killed writer left beside it is removed.

    patience, waiting  as in `locked`

    Raises Locked where another process or user makes it, WouldOverwrite where the name of its lock
    is another file's, OutputError where nothing can be written there, ConfigError.
    """
    with ExitStack() as stack:
        with _told(target):
            folder = stack.enter_context(parent_of(target))
            lock = folder / _lock_name(target)
            what, hint = _writing(target)
            stack.enter_context(locked(lock, what, hint, False, patience, waiting))
            folder.sweep(target.name)
        yield


def refuse_taken(target: Path) -> None:
    """What would stop `writing` at once; nothing is made. Raises Locked, WouldOverwrite,
    OutputError."""
    lock = target.with_name(_lock_name(target))
    with _told(target):
        if held(lock):
            raise taken(lock, *_writing(target))


def _writing(target: Path) -> tuple[str, str]:
    """What who holds the lock is doing, and what to do about it."""
    return f"writing {target.name}", "wait for it, or choose another name"


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """What the system says of the lock of `target`, in our words. Raises Locked, WouldOverwrite,
    OutputError."""
    try:
        yield
    except UnfitFile as error:
        lock = target.with_name(_lock_name(target))
        raise in_the_way(lock, f"it {error.strerror}", error.hint) from None
    except OSError as error:
        if isinstance(error, PermissionError):
            _refuse_others(target)
        raise unwritten(f"cannot write {target}", error) from None


def _refuse_others(target: Path) -> None:
    """Raises Locked where another user has the lock, who alone may look whether it is held."""
    lock = target.with_name(_lock_name(target))
    with suppress(OSError):
        if lock.lstat().st_uid != os.geteuid():
            what = f"another user is writing {target.name}, or was when something ended it"
            raise Locked(what, f"choose another name, or have {lock} removed by who owns it")


def is_writing(target: Path) -> bool:
    """Whether another process is making `target`."""
    with suppress(OSError):
        return held(target.with_name(_lock_name(target)))
    return False


def _lock_name(target: Path) -> str:
    name = f".{target.name}.lock"
    if len(os.fsencode(name)) <= LONGEST_NAME:
        return name
    from hashlib import sha256  # few people give such names

    return f".{sha256(os.fsencode(name)).hexdigest()}.lock"


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
        return os.fstat(handle).st_ino == path.lstat().st_ino
    except FileNotFoundError:
        return False


def remove(path: Path) -> None:
    """Remove the file of a lock that nobody holds: under the lock, so that nobody takes it then."""
    try:
        handle = _open(path, os.O_RDWR)
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
        handle = _open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _flock(handle, shared=True)
    finally:
        os.close(handle)
