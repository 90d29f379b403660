"""Matroska: a broken copy stays playable; H.264 as in MP4, or lossless with `codec = "ffv1"`."""

from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.codecs import coarser
from latty.presets.formats import Frames
from latty.render.headers import elements
from latty.report import Report

__all__ = ["FORMATS", "coarser", "recall", "write"]

FORMATS = {
    ".mkv": {
        "what": "Matroska video",
        "film": True,
        "magic": rb"\x1aE\xdf\xa3.{0,60}matroska",
        "reads": {"fps", "loop", "max_bytes", "sound", "offset"},
        "codecs": ("h264", "h265", "av1", "vp9", "ffv1"),
        "offered": False,
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3), or (H, W, 4) in FFV1."""
    from latty.render.ffmpeg.video import encode

    encode(film, path, "matroska", output, comment, report)


def recall(file: BinaryIO) -> bytes | None:
    """The comment of the container. Raises BadData, ValueError for a damaged file."""
    return elements.comment(file)
