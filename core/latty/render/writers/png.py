"""PNG: a still picture, a contact sheet, a grid or a strip; lossless."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames, Pixels
from latty.report import Report

FORMATS = {
    ".png": {
        "what": "PNG picture",
        "alpha": True,
        "magic": rb"\x89PNG\r\n\x1a\n",
        "reads": {"layout", "rows", "columns", "span"},
        "bytes_per_pixel": 0.8,
    }
}
KEY = "latty"


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """The first frame (H, W, 3) of the film."""
    save(next(iter(film)), path, comment)
    report(1, 1, "png")


def save(pixels: Pixels, path: Path, comment: str) -> None:
    """One picture (H, W, 3 or 4) as a file."""
    path.write_bytes(pack(pixels, comment))


def pack(pixels: Pixels, comment: str) -> bytes:
    """One picture (H, W, 3 or 4) as a PNG, with the recipe in a compressed text field."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    if comment:
        text.add_itxt(KEY, comment, zip=True)
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", pnginfo=text, compress_level=4)
    return file.getvalue()


def recall(file: BinaryIO) -> bytes | None:
    """The iTXt chunk with our key. Raises OSError, ValueError, struct.error, zlib.error."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        (length,) = struct.unpack(">I", head[:4])
        if head[4:] == b"iTXt" and length <= LIMIT:
            data = file.read(length)
            (checksum,) = struct.unpack(">I", file.read(4))
            key, _, rest = data.partition(b"\0")
            if key == KEY.encode() and checksum == zlib.crc32(b"iTXt" + data):
                packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
                return zlib.decompressobj().decompress(text, LIMIT + 1) if packed else text
        else:
            file.seek(length + 4, 1)
    return None
