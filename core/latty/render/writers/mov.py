"""QuickTime: for programs that cut films; H.264 as in MP4, or `codec = "prores"`."""

from pathlib import Path

from latty.presets import Output
from latty.presets.codecs import coarser
from latty.presets.formats import Frames
from latty.render.writers.mp4 import recall
from latty.report import Report

__all__ = ["FORMATS", "coarser", "recall", "write"]

FORMATS = {
    ".mov": {
        "what": "QuickTime video",
        "film": True,
        "magic": rb"....ftypqt  ",
        "reads": {"fps", "loop", "max_bytes", "sound", "offset"},
        "codecs": ("h264", "h265", "prores"),
        "offered": False,
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3), or (H, W, 4) in ProRes 4444."""
    from latty.render.ffmpeg.video import encode

    encode(film, path, "mov", output, comment, report)
