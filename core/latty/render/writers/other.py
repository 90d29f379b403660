"""QuickTime, Matroska, JPEG and TIFF, for programs that want them: imageio, and H.264 as in MP4."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames, suffix_of
from latty.render.headers import boxes, elements
from latty.report import Report

FORMATS = {
    ".mov": {
        "what": "QuickTime video",
        "about": "QuickTime: H.264 as in MP4, for programs that cut films.",
        "film": True,
        "magic": rb"....ftypqt  ",
        "reads": {"fps", "loop", "crf", "chroma"},
        "bytes_per_pixel": 0.5,
        "offered": False,
    },
    ".mkv": {
        "what": "Matroska video",
        "about": "Matroska: H.264 as in MP4, in a container that a broken copy leaves playable.",
        "film": True,
        "magic": rb"\x1aE\xdf\xa3.{0,60}matroska",
        "reads": {"fps", "loop", "crf", "chroma"},
        "bytes_per_pixel": 0.5,
        "offered": False,
    },
    ".jpg": {
        "what": "JPEG picture",
        "about": "JPEG: a small still picture, sheet, grid or strip; `quality` as in WebP.",
        "magic": rb"\xff\xd8\xff\xfe..\{",  # one with a recipe: others are no file of ours
        "reads": {"layout", "rows", "columns", "span", "quality"},
        "offered": False,
    },
    ".jpeg": {
        "what": "JPEG picture",
        "about": "JPEG under its long name: the same as .jpg.",
        "reads": {"layout", "rows", "columns", "span", "quality"},
        "offered": False,
    },
    ".tif": {
        "what": "TIFF picture",
        "alpha": True,
        "about": "TIFF: a lossless still picture, sheet, grid or strip, for print.",
        "magic": rb"II\*\0|MM\0\*",
        "reads": {"layout", "rows", "columns", "span"},
        "offered": False,
    },
    ".tiff": {
        "what": "TIFF picture",
        "alpha": True,
        "about": "TIFF under its long name: the same as .tif.",
        "reads": {"layout", "rows", "columns", "span"},
        "offered": False,
    },
}
CONTAINERS = {".mov": "mov", ".mkv": "matroska"}
DESCRIPTION = 270  # the TIFF tag that holds a text


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3) of a film, the first one of a picture."""
    suffix = suffix_of(output.path)
    if suffix in CONTAINERS:
        from latty.render.ffmpeg.video import SOFTWARE, Codec, encode

        options = SOFTWARE | {"crf": str(output.crf)}
        codec = Codec(CONTAINERS[suffix], "libx264", output.chroma, options)
        encode(film, path, codec, comment, report)
        return
    from imageio.v3 import imwrite

    jpeg = suffix.startswith(".j")
    how: dict[str, Any] = {"quality": output.quality, "subsampling": 0} if jpeg else {
        "tiffinfo": {DESCRIPTION: comment}, "compression": "tiff_adobe_deflate"}  # fmt: skip
    data = imwrite("<bytes>", next(iter(film)), extension=suffix, plugin="pillow", **how)
    path.write_bytes(_with_comment(data, comment.encode("ascii")) if jpeg else data)
    report(1, 1, suffix[1:])


def recall(file: BinaryIO) -> bytes | None:
    """The comment of a container, the COM segments of a JPEG, the description of a TIFF.
    Raises OSError, BadData, ValueError, struct.error for a damaged file."""
    head = file.read(4)
    file.seek(0)
    if head[:2] == b"\xff\xd8":
        return _jpeg_comment(file)
    if head[:2] in (b"II", b"MM"):
        return _tiff_description(file)
    return elements.comment(file) if head == b"\x1aE\xdf\xa3" else boxes.comment(file)


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment in as many COM segments as it needs, before all others."""
    parts = [comment[i : i + 65533] for i in range(0, len(comment), 65533)]
    segments = (b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def _jpeg_comment(file: BinaryIO) -> bytes | None:
    """The COM segments before all others, as one; None where they hold no recipe."""
    file.seek(2)
    found = bytearray()
    while file.read(2) == b"\xff\xfe" and len(found) <= LIMIT:
        found += file.read(struct.unpack(">H", file.read(2))[0] - 2)
    return bytes(found) if found.startswith(b"{") else None


def _tiff_description(file: BinaryIO) -> bytes | None:
    """The description of the first picture; None where it is no recipe."""
    order = "<" if file.read(4)[:2] == b"II" else ">"
    (place,) = struct.unpack(order + "I", file.read(4))
    file.seek(place)
    (count,) = struct.unpack(order + "H", file.read(2))
    for tag, kind, length, value in struct.iter_unpack(order + "HHII", file.read(12 * count)):
        if (tag, kind) == (DESCRIPTION, 2) and length <= LIMIT:
            file.seek(value)
            text = file.read(length).rstrip(b"\0")
            return text if text.startswith(b"{") else None
    return None
