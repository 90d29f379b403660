"""MP4: a film for every player. `crf` is its quality, `chroma = "444"` keeps sharp colours."""

from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.codecs import coarser
from latty.presets.formats import Frames
from latty.render.headers import boxes
from latty.report import Report

__all__ = ["FORMATS", "coarser", "recall", "write"]

FORMATS = {
    ".mp4": {
        "what": "MP4 video",
        "film": True,
        "magic": rb"....ftyp",
        "reads": {"fps", "loop", "max_bytes", "sound", "offset"},
        "codecs": ("h264", "h265", "av1"),
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3); index first, so that playing starts before the download ends."""
    from latty.render.ffmpeg.video import encode

    encode(film, path, "mp4", output, comment, report)
    boxes.index_first(path)


def recall(file: BinaryIO) -> bytes | None:
    """The comment of the container. Raises BadData, ValueError for a damaged file."""
    return boxes.comment(file)
