"""Zip archives, read strictly: what two readers could understand differently is refused.

Python's and torch's readers forgive much; scanners and loaders were made to disagree that way.
Only the central directory counts here, and every local header must agree with it (APPNOTE 6.3.10).
"""

import stat
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from latty.checkpoints.refusals import AGAIN, Refusal, reread, truncated
from latty.text import clean

END, END64, LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
ENTRY, LOCAL = b"PK\x01\x02", b"PK\x03\x04"
ARCHIVE = "latty.json"  # the first member of an archive of presets
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF  # "see the 64-bit field"
COMMENT = 65535
MEMBERS = 50_000
ENCRYPTED = 1
UNIX = 3  # who wrote an entry that says its kind as st_mode does
STORED, DEFLATED = 0, 8
BOMB_FROM, BOMB_RATIO = 16 * 2**20, 200  # numbers of a network hardly compress at all


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive: its bytes are code[start : start + size]."""

    name: str
    start: int
    size: int
    full: int  # size once inflated
    crc: int
    method: int

    def raw(self, code: memoryview) -> memoryview:
        return code[self.start : self.start + self.size]


def bad_zip(what: str, hint: str = AGAIN) -> Refusal:
    return Refusal("bad-zip", f"its zip archive is damaged or misleading: {what}", hint)


def members(code: memoryview) -> dict[str, Member]:
    """Every member by name, in file order; raises Refusal for anything ambiguous."""
    start, stop, count = _directory(code)
    found: dict[str, Member] = {}
    pos = start
    for _ in range(count):
        member, pos = _entry(code, pos, stop)
        if member.name in found:
            raise bad_zip(f"two members are named {clean(member.name)}")
        found[member.name] = member
    if pos != stop:
        raise bad_zip("its directory has another length than announced")
    _check_places(sorted(found.values(), key=lambda m: m.start), start)
    return found


def _directory(code: memoryview) -> tuple[int, int, int]:
    """Start, stop and number of entries of the central directory."""
    tail = bytes(code[max(0, len(code) - COMMENT - 22) :])
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < 22:
        raise truncated("the archive has no end")
    where = len(code) - len(tail) + at
    disk, first, here, count, size, start, comment = struct.unpack_from("<4H2IH", tail, at + 4)
    if where + 22 + comment != len(code):
        raise bad_zip("something follows its end")
    stop = where
    if where >= 20 and bytes(code[where - 20 : where - 16]) == LOCATOR64:
        short = (disk, first, here, count, size, start)
        stop, count, size, start = _directory64(code, where - 20, short)
    elif disk or first or here != count:
        raise bad_zip("it is split into volumes")
    if start + size != stop or count > MEMBERS:
        raise bad_zip("its directory is not where it should be")
    return start, stop, count


def _directory64(code: memoryview, at: int, short: tuple[int, ...]) -> tuple[int, int, int, int]:
    where = int.from_bytes(code[at + 8 : at + 16], "little")
    if where + 56 > at or bytes(code[where : where + 4]) != END64:
        raise bad_zip("its 64-bit directory is missing")
    disk, first, here, count, size, start = struct.unpack_from("<2I4Q", code, where + 16)
    wide = (disk, first, here, count, size, start)
    for number, given in zip(wide, short, strict=True):
        if given not in (FULL16, FULL32, number):
            raise bad_zip("its two directories differ")
    if disk or first or here != count:
        raise bad_zip("it is split into volumes")
    return where, count, size, start


def _entry(code: memoryview, pos: int, stop: int) -> tuple[Member, int]:
    if pos + 46 > stop or bytes(code[pos : pos + 4]) != ENTRY:
        raise bad_zip("its directory is cut")
    flags, method = struct.unpack_from("<2H", code, pos + 8)
    crc, size, full = struct.unpack_from("<3I", code, pos + 16)
    name_size, extra_size, comment = struct.unpack_from("<3H", code, pos + 28)
    where = int.from_bytes(code[pos + 42 : pos + 46], "little")
    name_at = pos + 46
    after = name_at + name_size + extra_size + comment
    if after > stop:
        raise bad_zip("its directory is cut")
    raw_name = bytes(code[name_at : name_at + name_size])
    extra = bytes(code[name_at + name_size : name_at + name_size + extra_size])
    full, size, where = _wide(extra, (full, size, where))
    name = _name(raw_name)
    if code[pos + 5] == UNIX and stat.S_ISLNK(int.from_bytes(code[pos + 40 : pos + 42], "little")):
        raise bad_zip(f"{clean(name)} is a link")
    if flags & ENCRYPTED or method not in (STORED, DEFLATED):
        raise bad_zip(f"{clean(name)} is encrypted or packed in an unusual way")
    if method == STORED and size != full:
        raise bad_zip(f"{clean(name)} has two sizes")
    start = _local(code, where, raw_name, method)
    return Member(name, start, size, full, crc, method), after


def _name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_zip("a member's name is no UTF-8") from None


def _wide(extra: bytes, values: Sequence[int]) -> list[int]:
    """Sizes and place, taken from the 64-bit field where the short ones are full."""
    wanted, pos, block = list(values), 0, b""
    while pos + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, pos)
        if kind == 1:
            block = extra[pos + 4 : pos + 4 + size]
        pos += 4 + size
    at = 0
    for i, value in enumerate(wanted):
        if value == FULL32:
            if at + 8 > len(block):
                raise bad_zip("a 64-bit size is missing")
            wanted[i] = int.from_bytes(block[at : at + 8], "little")
            at += 8
    return wanted


def _local(code: memoryview, where: int, name: bytes, method: int) -> int:
    """Where the bytes of a member begin, if its local header agrees with the directory."""
    if where + 30 > len(code) or bytes(code[where : where + 4]) != LOCAL:
        raise bad_zip("a member is not where the directory says")
    own_method = int.from_bytes(code[where + 8 : where + 10], "little")
    name_size, extra_size = struct.unpack_from("<2H", code, where + 26)
    own_name = bytes(code[where + 30 : where + 30 + name_size])
    if own_name != name or own_method != method:
        raise bad_zip(f"{clean(name.decode('latin-1'))} is described twice, differently")
    return where + 30 + int(name_size) + int(extra_size)


def _check_places(ordered: Sequence[Member], limit: int) -> None:
    """Members may not overlap: the sum of their sizes is then below the size of the file."""
    for member, after in zip(ordered, [*(m.start for m in ordered[1:]), limit], strict=True):
        if member.start + member.size > after:
            raise bad_zip(f"{clean(member.name)} reaches into another member")


def verify(code: memoryview, found: dict[str, Member]) -> tuple[str, ...]:
    """Compare the CRC-32 of every stored member of a whole file; a warning where the writer stored
    none. Raises Refusal, OutputError."""
    stored = [member for member in found.values() if member.method == STORED]
    if stored and not any(member.crc for member in found.values()):
        if all(member.size == 0 for member in stored):
            return ()
        return ("it was saved without checksums: damage in transfer cannot be noticed",)
    for member in stored:
        crc = 0
        for piece in reread(member.raw(code), member.start):
            crc = zlib.crc32(piece, crc)
        if crc != member.crc:
            raise damaged(member)
    return ()


def damaged(member: Member) -> Refusal:
    return Refusal("checksum", f"{clean(member.name)} is damaged (its checksum differs)")


def check_no_bomb(found: Iterable[Member]) -> None:
    """Raises Refusal where the deflated members together swell as no network's numbers would."""
    packed = [member for member in found if member.method == DEFLATED]
    full, size = sum(m.full for m in packed), sum(m.size for m in packed)
    if full > BOMB_FROM and full > BOMB_RATIO * size:
        raise bad_zip(f"{size} bytes would swell to {full}")


def inflated_head(code: memoryview, member: Member, limit: int) -> bytes:
    """The first `limit` bytes of a member, stored or deflated. Raises Refusal."""
    if member.method == STORED:
        return bytes(member.raw(code)[:limit])
    try:
        return zlib.decompressobj(-15).decompress(member.raw(code)[: limit + 1024], limit)
    except zlib.error:
        raise damaged(member) from None


def inflated(code: memoryview, member: Member) -> bytes:
    """All bytes of a deflated member: never more than announced, and with the right CRC-32.
    Raises Refusal."""
    machine = zlib.decompressobj(-15)
    try:
        data = machine.decompress(member.raw(code), member.full + 1)
    except zlib.error:
        raise damaged(member) from None
    if len(data) != member.full or zlib.crc32(data) != member.crc:
        raise damaged(member)
    return data
