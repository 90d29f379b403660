"""TIFF: a lossless still picture, sheet, grid or strip, for print."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames
from latty.report import Report

FORMATS = {
    ".tif": {
        "what": "TIFF picture",
        "alpha": True,
        "magic": rb"II\*\0|MM\0\*",
        "reads": {"layout", "rows", "columns", "span"},
        "bytes_per_pixel": 1.2,
        "offered": False,
    },
    ".tiff": {
        "what": "TIFF picture",
        "alpha": True,
        "about": "TIFF under its long name: the same as .tif.",
        "reads": {"layout", "rows", "columns", "span"},
        "bytes_per_pixel": 1.2,
        "offered": False,
    },
}
DESCRIPTION = 270  # the TIFF tag that holds a text


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """The first frame (H, W, 3 or 4)."""
    from imageio.v3 import imwrite

    how: dict[str, Any] = {"compression": "tiff_adobe_deflate"}
    if comment:
        how["tiffinfo"] = {DESCRIPTION: comment}
    path.write_bytes(imwrite("<bytes>", next(iter(film)), extension=".tif", plugin="pillow", **how))
    report(1, 1, "tif")


def recall(file: BinaryIO) -> bytes | None:
    """The description of the first picture; None where it is no recipe. Raises OSError, ValueError,
    struct.error for a damaged file."""
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
