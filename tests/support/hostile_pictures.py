"""Pictures and films that are little to write and much to read: each a function that makes one."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

MIB = 2**20


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _box(kind: bytes, *inside: bytes) -> bytes:
    data = b"".join(inside)
    return struct.pack(">I", len(data) + 8) + kind + data


def _long_box(kind: bytes, count: int) -> bytes:
    """A box that says how long it is in eight bytes."""
    return struct.pack(">I", 1) + kind + struct.pack(">Q", count)


def _ebml(name: str, data: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", len(data) | 1 << 56) + data


FILM = _box(b"ftyp", b"isom\0\0\0\0")
MATROSKA = _ebml("1A45DFA3", _ebml("4282", b"matroska"))
LIVE = b"\x18\x53\x80\x67\x01" + b"\xff" * 7  # a segment of unknown length
HEAD = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)


def gif_of_comments() -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    return screen + b"\x21\xfe\x01A\x00" * 6_000_000


def gif_of_one_comment() -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    return screen + b"\x21\xfe\x01{" + b"\x01 " * 15_000_000 + b"\0"


def png_of_chunks() -> bytes:
    return _png() + (struct.pack(">I", 0) + b"aaAA" + b"\0\0\0\0") * 3_000_000


def png_of_texts() -> bytes:
    text = b"other\0\0\0\0\0" + b"x" * (MIB - 100)
    return _png((b"IHDR", HEAD), *((b"iTXt", text) for _ in range(38)))


def png_that_unpacks() -> bytes:
    packed = zlib.compress(b"{" + b" " * (30 * 1024 * MIB // 1000), 9)
    return _png((b"IHDR", HEAD), (b"iTXt", b"latty\0\1\0\0\0" + packed))


def webp_of_chunks() -> bytes:
    return b"RIFF\0\0\0\0WEBP" + b"aaaa\0\0\0\0" * 4_900_000


def webp_of_entities() -> bytes:
    packet = b'latty:recipe="' + b"&a" * (3 * MIB - 10) + b'"'
    return b"RIFF\0\0\0\0WEBP" + b"XMP " + struct.pack("<I", len(packet)) + packet


def jpeg_of_comments() -> bytes:
    return b"\xff\xd8\xff\xfe\0\x03{" + b"\xff\xfe\0\x02" * 9_000_000


def tiff_of_entries() -> bytes:
    entry = struct.pack("<HHII", 270, 2, MIB, 8)
    return b"II*\0" + struct.pack("<IH", 8, 65535) + entry * 65535


def mp4_of_boxes() -> bytes:
    return FILM + _box(b"free") * 4_900_000


def mp4_of_user_data() -> bytes:
    return FILM + _box(b"moov", _box(b"udta", _box(b"\xa9cmt", b"\0\0\0\0") * 3_000_000))


def mp4_deep() -> bytes:
    """User data in user data, each as long as the file."""
    size = 16 * 200_000
    return FILM + b"".join(_long_box(b"moov" if i == 0 else b"udta", size) for i in range(200_000))


def mp4_of_keys() -> bytes:
    keys = _box(b"keys", b"\0" * 8, _box(b"mdta") * 4_000_000)
    return FILM + _box(b"moov", _box(b"meta", b"\0\0\0\0", _box(b"hdlr"), keys))


def mp4_of_a_long_comment() -> bytes:
    data = _box(b"data", b"\0" * 8, b"{" + b" " * (38 * MIB))
    return FILM + _box(b"moov", _box(b"meta", b"\0\0\0\0", _box(b"ilst", _box(b"\xa9cmt", data))))


def mkv_of_elements() -> bytes:
    return MATROSKA + LIVE + b"\xec\x80" * 19_000_000


def mkv_of_tags() -> bytes:
    tag = _ebml("67C8", _ebml("45A3", b"COMMENT"))
    return MATROSKA + LIVE + _ebml("1254C367", tag * 1_000_000)


def mp4_of_a_huge_frame() -> bytes:
    """One frame of 12,000 x 12,000 black pixels, as a PNG, in a film of a few hundred kB."""
    import io

    import av
    import numpy as np

    side, held = 12_000, io.BytesIO()
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    packed = b"".join([packer.compress(row) for _ in range(side)]) + packer.flush()
    size = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    picture = _png((b"IHDR", size), (b"IDAT", packed), (b"IEND", b""))
    with av.open(held, "w", format="mov") as film:
        stream = film.add_stream("png", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb24"
        blank = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))
        packets = [*stream.encode(blank), *stream.encode(None)]
        packet = av.Packet(picture)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base = packets[0].time_base
        packet.is_keyframe = True
        film.mux(packet)
    return held.getvalue()


MAKERS: dict[str, Callable[[], bytes]] = {
    name: made
    for name, made in list(globals().items())
    if name.split("_")[0] in ("gif", "png", "webp", "jpeg", "tiff", "mp4", "mkv")
}


def make(name: str, folder: Path) -> Path:
    """The file of a maker."""
    path = folder / f"{name}.{name.split('_')[0]}"
    path.write_bytes(MAKERS[name]())
    return path
