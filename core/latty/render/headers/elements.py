"""WebM and Matroska: elements in elements (EBML). Their comment, wherever its tag lies.

An element is its name and its length, whose first bits say how many bytes each has, then what it
holds.
"""

import os
from typing import BinaryIO

from latty.render.headers import exactly

SEGMENT = 0x18538067
TAGS, TAG, SIMPLE = 0x1254C367, 0x7373, 0x67C8
NAME, TEXT = 0x45A3, 0x4487
ENTERED = (SEGMENT, TAGS, TAG, SIMPLE)  # what a comment lies in
_LONGEST = 64  # bytes of a tag's name that may be ours


def comment(file: BinaryIO) -> bytes | None:
    """The comment that holds a recipe. Raises BadData, ValueError for a damaged file."""
    place, name, text, size = 0, b"", b"", file.seek(0, os.SEEK_END)
    while place < size:
        file.seek(place)
        element, length, start = _head(file.read(12))
        if element in (NAME, TEXT) and length is not None:
            file.seek(place + start)
            if element == NAME:
                name = exactly(file, min(length, _LONGEST)).rstrip(b"\0").lower()
            else:
                text = exactly(file, length).rstrip(b"\0")
            if name == b"comment" and text.startswith(b"{"):
                return text
        elif element == SIMPLE:
            name = text = b""
        # One of unknown length ends where the next of its kind begins: its parts are passed one
        # by one.
        inside = element in ENTERED or length is None
        place += start if inside or length is None else start + length
    return None


def _head(data: bytes) -> tuple[int, int | None, int]:
    """Name, length (None = unknown) and where the content begins. Raises ValueError."""
    width = 9 - data[0].bit_length() if data else 9
    if width > 4 or len(data) < width + 1:
        raise ValueError("no element")
    name, rest = int.from_bytes(data[:width]), data[width:]
    more = 9 - rest[0].bit_length()
    if more > 8 or len(rest) < more:
        raise ValueError("no length of an element")
    bits = 7 * more
    length = int.from_bytes(rest[:more]) & (1 << bits) - 1
    return name, None if length == (1 << bits) - 1 else length, width + more
