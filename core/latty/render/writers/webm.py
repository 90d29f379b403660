"""WebM: VP9 or AV1, for pages and for players without H.264."""

from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.codecs import coarser
from latty.presets.formats import Frames
from latty.render.headers import elements
from latty.report import Report

__all__ = ["FORMATS", "coarser", "recall", "write"]

FORMATS = {
    ".webm": {
        "what": "WebM video",
        "film": True,
        "magic": rb"\x1aE\xdf\xa3",
        "reads": {"fps", "loop", "max_bytes", "sound", "offset"},
        "codecs": ("vp9", "av1"),
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3)."""
    from latty.render.ffmpeg.video import encode

    encode(film, path, "webm", output, comment, report)


def recall(file: BinaryIO) -> bytes | None:
    """The comment of the container. Raises BadData, ValueError for a damaged file."""
    return elements.comment(file)
