"""MP4 and QuickTime: boxes in boxes. Their comment, wherever its box lies in the file; their index,
moved to the front.

A box is its length and its kind, 4 bytes each, then what it holds: bytes, or more boxes.
"""

import os
import struct
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from latty.render.headers import exactly

COMMENT = b"\xa9cmt"
CHUNKS = {b"stco": "I", b"co64": "Q"}  # where the packets of a track lie in the file
TRACKS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")  # the boxes around such a table
BLOCK = 1 << 20


def comment(file: BinaryIO) -> bytes | None:
    """The comment that holds a recipe, of iTunes' list (`ilst`), of a list with named keys, or of
    QuickTime's user data. Raises BadData, ValueError for a damaged file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    for kind, stop in _boxes(file, size):
        if kind == b"moov" and (found := _of_movie(file, stop)):
            return found
    return None


def index_first(path: Path) -> None:
    """Move the index (moov) of an MP4 from its end to behind its first box (ftyp), in place and in
    constant memory: playing starts before the download ends, and no byte is set aside for it.

    It stays at the end where a table of 32 bits could not say what then lies beyond 4 GiB. Raises
    OSError, ValueError.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        ends = [end for _, end in _boxes(file, size)]
        front, start = ends[0], ends[-2]
        file.seek(start)
        index = bytearray(exactly(file, size - start))
        if not _shift_chunks(index, len(index)):
            return
        while start > front:  # from the end on: nothing is overwritten before it is read
            part = max(front, start - BLOCK)
            file.seek(part)
            data = exactly(file, start - part)
            file.seek(part + len(index))
            file.write(data)
            start = part
        file.seek(front)
        file.write(index)


def _shift_chunks(index: bytearray, by: int) -> bool:
    """Whether all packets that an index names may lie so many bytes later; it says so then."""
    tables = []
    for kind, place in walk(BytesIO(index), TRACKS, len(index)):
        if kind in CHUNKS:
            count = int.from_bytes(index[place + 4 : place + 8])
            table = struct.Struct(f">{count}{CHUNKS[kind]}")
            tables.append(
                (table, place + 8, [by + one for one in table.unpack_from(index, place + 8)])
            )
    try:
        for table, place, moved in tables:
            table.pack_into(index, place, *moved)
    except struct.error:
        return False
    return True


def extended(file: BinaryIO, number: bytes) -> bytes | None:
    """What the box at the top with this number (16 bytes, a UUID) holds. Raises BadData, ValueError
    for a damaged file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    for kind, stop in _boxes(file, size):
        if kind == b"uuid" and exactly(file, 16) == number:
            return exactly(file, stop - file.tell())
    return None


def walk(file: BinaryIO, entered: Collection[bytes], stop: int) -> Iterator[tuple[bytes, int]]:
    """Kind of each box from here to `stop`, and of those inside the `entered` kinds, and where what
    it holds begins. Raises ValueError for a damaged file."""
    for kind, end in _boxes(file, stop):
        start = file.tell()
        yield kind, start
        if kind in entered:
            file.seek(start)
            yield from walk(file, entered, end)


def _boxes(file: BinaryIO, stop: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each box from here to `stop`; the file stands at what it holds. Raises
    ValueError."""
    place = file.tell()
    while place + 8 <= stop:
        file.seek(place)
        head = exactly(file, 8)
        length = int.from_bytes(head[:4])
        if length == 1:
            length = int.from_bytes(exactly(file, 8))
        elif length == 0:  # all that is left
            length = stop - place
        if length < file.tell() - place:
            raise ValueError("a box that is shorter than its own head")
        place = min(place + length, stop)
        yield head[4:], place


def _of_movie(file: BinaryIO, stop: int, inside: bytes = b"moov") -> bytes | None:
    """Of moov, of the user data in it, or of the metadata in either."""
    for kind, end in _boxes(file, stop):
        if kind == b"meta":
            found = _of_metadata(file, end)
        elif kind == b"udta" != inside:
            found = _of_movie(file, end, kind)
        elif kind == COMMENT:
            found = _recipe(_quicktime(file, end))
        else:
            continue
        if found:
            return found
    return None


def _quicktime(file: BinaryIO, stop: int) -> bytes:
    """A text behind its length, of which 16 bits are kept, and a language."""
    length = int.from_bytes(exactly(file, 4)[:2])
    left = stop - file.tell()
    return exactly(file, left if left & 0xFFFF == length else min(length, left))


def _of_metadata(file: BinaryIO, stop: int) -> bytes | None:
    start = file.tell()
    if exactly(file, 8)[4:] != b"hdlr":  # QuickTime's has no version before its first box
        start += 4
    file.seek(start)
    named = COMMENT
    for kind, end in _boxes(file, stop):
        if kind == b"keys":
            named = _number_of_comment(file, end) or named
        elif kind == b"ilst":
            for name, last in _boxes(file, end):
                if name in (named, COMMENT) and (found := _data(file, last)):
                    return found
    return None


def _number_of_comment(file: BinaryIO, stop: int) -> bytes | None:
    """The number of the key "comment" in a table of keys, as the list spells it."""
    exactly(file, 8)  # version, count
    for number, (_, end) in enumerate(_boxes(file, stop), 1):
        if end - file.tell() < 64 and exactly(file, end - file.tell()).lower() == b"comment":
            return number.to_bytes(4)
    return None


def _data(file: BinaryIO, stop: int) -> bytes | None:
    for kind, end in _boxes(file, stop):
        if kind == b"data":
            exactly(file, 8)  # kind of text, language
            return _recipe(exactly(file, end - file.tell()))
    return None


def _recipe(text: bytes) -> bytes | None:
    return text if text.startswith(b"{") else None
