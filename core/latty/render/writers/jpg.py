"""JPEG: a small still picture, sheet, grid or strip; `quality` as in WebP."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames
from latty.report import Report

FORMATS = {
    ".jpg": {
        "what": "JPEG picture",
        "magic": rb"\xff\xd8\xff\xfe..\{",  # one with a recipe: others are no file of ours
        "reads": {"layout", "rows", "columns", "span", "quality"},
        "bytes_per_pixel": ("quality", ((10, 0.03), (50, 0.08), (90, 0.22), (100, 0.6))),
        "offered": False,
    },
    ".jpeg": {
        "what": "JPEG picture",
        "about": "JPEG under its long name: the same as .jpg.",
        "reads": {"layout", "rows", "columns", "span", "quality"},
        "bytes_per_pixel": ("quality", ((10, 0.03), (50, 0.08), (90, 0.22), (100, 0.6))),
        "offered": False,
    },
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """The first frame (H, W, 3)."""
    from imageio.v3 import imwrite

    how: dict[str, Any] = {"quality": output.quality, "subsampling": 0}
    data = imwrite("<bytes>", next(iter(film)), extension=".jpg", plugin="pillow", **how)
    path.write_bytes(_with_comment(data, comment.encode("ascii")))
    report(1, 1, "jpg")


def recall(file: BinaryIO) -> bytes | None:
    """The COM segments before all others, as one; None where they hold no recipe. Raises OSError,
    ValueError, struct.error for a damaged file."""
    file.seek(2)
    found = bytearray()
    while file.read(2) == b"\xff\xfe" and len(found) <= LIMIT:
        found += file.read(struct.unpack(">H", file.read(2))[0] - 2)
    return bytes(found) if found.startswith(b"{") else None


def _with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment in as many COM segments as it needs, before all others."""
    parts = [comment[i : i + 65533] for i in range(0, len(comment), 65533)]
    segments = (b"\xff\xfe" + struct.pack(">H", len(part) + 2) + part for part in parts)
    return jpeg[:2] + b"".join(segments) + jpeg[2:]
