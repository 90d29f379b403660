"""WebM: VP9, for pages and for players without H.264."""

from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import Frames
from latty.render.headers import elements
from latty.report import Report

FORMATS = {
    ".webm": {
        "what": "WebM video",
        "film": True,
        "magic": rb"\x1aE\xdf\xa3",
        "reads": {"fps", "loop", "crf", "chroma"},
        "bytes_per_pixel": 0.5,
        "encoders": (("libvpx-vp9", "webm", "yuv420p"),),
    }
}
_X264_RANGE, _VP9_RANGE = 51, 63  # `crf` in a preset is H.264's, whatever the suffix


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3); constant quality, no target rate."""
    from latty.render.ffmpeg.video import Codec, encode

    options = {
        "crf": str(round(output.crf * _VP9_RANGE / _X264_RANGE)),
        "b": "0",
        "deadline": "realtime",
        "cpu-used": "6",
        "row-mt": "0",  # rows in threads would make the bytes depend on the scheduler
    }
    encode(film, path, Codec("webm", "libvpx-vp9", output.chroma, options), comment, report)


def recall(file: BinaryIO) -> bytes | None:
    """The comment of the container. Raises BadData, ValueError for a damaged file."""
    return elements.comment(file)
