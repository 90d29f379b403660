"""The bytes of a zip archive whose members are stored as they are: nothing of when or where it was
made is in it (APPNOTE 6.3.10)."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from latty.checkpoints.refusals import opening
from latty.checkpoints.ziparchive import END, ENTRY, LOCAL
from latty.errors import BadData
from latty.presets.archives.opening import LARGEST

CHUNK = 2**20
_LOCAL, _ENTRY, _END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
# 2.0, on Unix; names are UTF-8; the first of January 1980
_VERSION, _UNIX, _UTF8, _DAY = 20, 3 << 8 | 20, 0x800, 33


@dataclass(frozen=True, slots=True)
class Piece:
    """A member: its file, or the bytes themselves, and what is known of these."""

    source: Path | bytes
    size: int
    crc: int
    digest: str

    def content(self) -> bytes:
        """All of it. Raises as `chunks`."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Its bytes. Raises BadData for a file that has changed meanwhile, Missing, OutputError."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        crc = size = 0
        for chunk in _chunks(self.source):
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            yield chunk
        if (size, crc) != (self.size, self.crc):
            raise BadData(f"{self.source.name} has changed meanwhile", "pack again")


def _chunks(path: Path) -> Iterator[bytes]:
    with opening(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def piece(source: Path | bytes) -> Piece:
    """Raises Missing, BadData, OutputError."""
    digest, crc, size = sha256(), 0, 0
    for chunk in [source] if isinstance(source, bytes) else _chunks(source):
        digest.update(chunk)
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
    return Piece(source, size, crc, digest.hexdigest())


def zipped(every: Mapping[str, Piece]) -> Iterator[bytes]:
    """The bytes of an archive of these members, in this order. Raises BadData for a file that has
    changed meanwhile, or where it would be too large, Missing, OutputError."""
    directory, place = list[bytes](), 0
    if size_of(every) > LARGEST:
        raise BadData("the archive would have 4 GiB or more", "leave out --with-model")
    for name, one in every.items():
        raw = name.encode()
        facts = (_UTF8, 0, 0, _DAY, one.crc, one.size, one.size, len(raw))
        head = struct.pack(_LOCAL, LOCAL, _VERSION, *facts, 0) + raw
        mode = 0o100644 << 16
        directory.append(
            struct.pack(_ENTRY, ENTRY, _UNIX, _VERSION, *facts, 0, 0, 0, 0, mode, place) + raw
        )
        yield head
        yield from one.chunks()
        place += len(head) + one.size
    size, number = sum(map(len, directory)), len(directory)
    yield from directory
    yield struct.pack(_END, END, 0, 0, number, number, size, place, 0)


def size_of(pieces: Mapping[str, Piece]) -> int:
    """Bytes that an archive of these takes, at most."""
    return sum(one.size + 2 * len(name.encode()) + 128 for name, one in pieces.items())
