"""Anybody's file, read with a bound: a regular file, or one line of what it is instead.

A pipe is not waited for, a device not opened, and no file is larger than its reader takes.
"""

import errno
import json
import math
import os
import re
import select
import stat
import sys
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from latty.errors import BadData, OutputError, UnfitFile

SMALL = 2**20  # bytes: what people or programs write down about other files
DEEPEST = 100  # levels of nesting of a JSON document
PIECE = 2**16  # bytes read at once of a file that does not say how many it holds
WAITS = 1000  # ms for whoever is to write into a pipe, before that is told
NO_FILE = (None, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
_DIGITS = 100
_OWN = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/(\d{1,6})")  # what is open already
_KINDS = {
    stat.S_ISLNK: "link",
    stat.S_ISDIR: "folder",
    stat.S_ISFIFO: "named pipe",
    stat.S_ISSOCK: "socket",
    stat.S_ISCHR: "device",
    stat.S_ISBLK: "device",
}
Name = str | os.PathLike[str]
QUIETLY = getattr(os, "O_NOATIME", 0)  # to look at a file is not to use it


def kind_of(mode: int) -> str:
    """What a st_mode stands for, in words: "file", "link", "folder", "named pipe" ..."""
    return next((word for is_one, word in _KINDS.items() if is_one(mode)), "file")


def opened(path: Path) -> BufferedReader:
    """A file to read. Links are followed.

    Raises UnfitFile for what is no regular file, OSError, ValueError for a name no file can have.
    """
    check(path)  # opening some devices does something
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        handle = os.open(path, flags | QUIETLY)
    except PermissionError as error:
        if error.errno != errno.EPERM:
            raise
        handle = os.open(path, flags)  # another user's
    return os.fdopen(regular(handle, path), "rb")


def check(path: Path) -> None:
    """Raises UnfitFile for what is there and is no regular file, OSError, ValueError."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise _unfit(path, mode)


def raise_of_disk(error: Exception, path: Path) -> None:
    """Raises OutputError where the disk failed, or this process may not open the file, or no more
    files: nothing is known then of what it holds. PyAV's errors are OSErrors of its own, and of the
    content."""
    own = type(error).__module__ == OSError.__module__
    if own and isinstance(error, OSError) and error.errno not in NO_FILE:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None


def is_stream(name: str) -> bool:
    """Whether what somebody typed is no file but a stream, to be read once: "-", /dev/stdin,
    <(...), a named pipe."""
    try:
        mode = Path(name).stat().st_mode if name != "-" else stat.S_IFIFO
    except (OSError, ValueError):  # there is none
        return False
    own = _OWN.fullmatch(name) is not None and (stat.S_ISSOCK(mode) or stat.S_ISCHR(mode))
    return stat.S_ISFIFO(mode) or own


def stream(name: str, most: int, tell: Callable[[str], None]) -> bytes:
    """What comes through a stream that somebody typed, at most one byte more than `most`. For
    whoever has a named pipe open and is slow it waits, which is told. Raises UnfitFile for a named
    pipe that nobody has open, OSError."""
    if name == "-":
        return sys.stdin.buffer.read(most + 1)
    own = _OWN.fullmatch(name)  # a socket has no other way than its number
    handle = os.dup(int(own[1] or 0)) if own is not None else _written(name, tell)
    with os.fdopen(handle, "rb") as file:
        return file.read(most + 1)


def _written(name: str, tell: Callable[[str], None]) -> int:
    """The handle of a named pipe that somebody writes into. Raises UnfitFile, OSError."""
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(WAITS):
            try:
                os.read(handle, 1)  # nothing: nobody has it open
            except BlockingIOError:
                tell(f"{name}: waiting for who writes into this pipe")
            else:
                raise UnfitFile(name, "is a named pipe, and nobody writes into it")
        os.set_blocking(handle, True)
    except BaseException:
        os.close(handle)
        raise
    return handle


def inside(folder: Path, name: str, of: Path | None = None) -> Path:
    """The file of that name in a folder, which nobody named by itself; there may be none. A link is
    followed where it stays in the folder, or leads to where `of`, a link beside it, leads: so lie
    the files of Hugging Face's cache.

    Raises UnfitFile for a link to anywhere else, OSError.
    """
    found = folder / name
    if not found.is_symlink():
        return found
    places = [folder.resolve()]
    if of is not None and of.is_symlink():
        places.append(of.resolve().parent)
    whole = found.resolve()
    if not any(whole.is_relative_to(place) for place in places):
        raise UnfitFile(found, "is a link that leads out of its folder")
    return whole


def content(path: Path, most: int = SMALL) -> bytes:
    """All of a file. Raises as `opened`, and UnfitFile where it is larger than `most` bytes."""
    with opened(path) as file:
        return _content(file, path, most)


def text(path: Path, most: int = SMALL) -> str:
    """The same as UTF-8, a byte order mark left out. Raises BadData where it is none."""
    try:
        return content(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadData(f"{path} is no text in UTF-8") from None


def json_file(path: Path, most: int = SMALL) -> Any:
    """The document in a JSON file. Raises as `text`, and BadData where it is none."""
    return json_of(content(path, most), path)


def json_of(data: bytes | str, name: Name, finite: bool = False) -> Any:
    """The document in a JSON text, called `name` in messages. Raises BadData where it is none, or
    what no program of ours writes: DEEPEST levels, numbers of a hundred digits, half characters;
    with `finite` also numbers that are none or have no end, which JSON has no words for."""
    name = os.fspath(name)
    try:
        if isinstance(data, bytes):
            data = data.decode("utf-8-sig")
        found = json.loads(data)
        _check(found, finite)
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise BadData(f"{place}: this is no JSON: {error.msg.lower()}") from None
    except UnicodeError:  # in the bytes, or half of a pair written as \\ud800
        raise BadData(f"{name} holds text that is no Unicode") from None
    except RecursionError:
        raise BadData(f"{name} nests deeper than {DEEPEST} levels") from None
    except OverflowError:
        raise BadData(f"{name} holds a number that is not finite") from None
    except ValueError:
        raise BadData(f"{name} holds a number of more than {_DIGITS} digits") from None
    return found


def _check(document: Any, finite: bool) -> None:
    """Raises RecursionError, ValueError, UnicodeError, OverflowError. By a list: recursion is what
    it is about."""
    level = [document]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.keys()
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                one.isascii() or one.encode()
            elif isinstance(one, int) and abs(one) >= 10**_DIGITS:
                raise ValueError
            elif finite and isinstance(one, float) and not math.isfinite(one):
                raise OverflowError
        if not below:
            return
        level = below
    raise RecursionError


def from_handle(handle: int, name: Name, most: int) -> bytes:
    """All of what an open file holds; closes it. Raises as `content`."""
    with os.fdopen(regular(handle, name), "rb") as file:
        return _content(file, name, most)


def regular(handle: int, name: Name) -> int:
    """The handle where it is a regular file's; else it is closed. Raises UnfitFile."""
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return handle
    os.close(handle)
    raise _unfit(name, mode)


def _content(file: BinaryIO, name: Name, most: int) -> bytes:
    size = os.fstat(file.fileno()).st_size
    pieces = [file.read(size + 1) if size <= most else b""]  # room is made for what is asked for
    while pieces[-1] and sum(map(len, pieces)) <= most:
        pieces.append(file.read(PIECE))  # a file of /proc says 0 bytes
    data = b"".join(pieces)
    if size > most or len(data) > most:
        unit, word = (2**20, "MiB") if most >= 2**20 else (2**10, "KiB")
        raise UnfitFile(name, f"is larger than {most // unit} {word}")
    return data


def _unfit(name: Name, mode: int) -> UnfitFile:
    return UnfitFile(name, f"is a {kind_of(mode)}, no file")
