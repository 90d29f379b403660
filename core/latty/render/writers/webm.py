"""WebM: VP9, for pages and for players without H.264."""

from pathlib import Path

from latty.presets import Output
from latty.presets.formats import Film
from latty.render.ffmpeg.video import Format, encode
from latty.report import Report

BYTES_PER_PIXEL = 0.5
_X264_RANGE, _VP9_RANGE = 51, 63  # `crf` in a preset is H.264's, whatever the suffix


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """Constant quality, no target rate."""
    options = {
        "crf": str(round(output.crf * _VP9_RANGE / _X264_RANGE)),
        "b": "0",
        "deadline": "realtime",
        "cpu-used": "6",
        "row-mt": "0",  # rows in threads would make the bytes depend on the scheduler
    }
    encode(film, path, Format("webm", "libvpx-vp9", output.chroma, options), comment, report)
