"""MP4: H.264 that every player opens. `crf` is the quality, `chroma = "444"` keeps sharp colours.

Always the software encoder: a graphics card's gives other bytes on every machine and driver.
"""

from pathlib import Path

from core.presets import Output
from core.render.writers._base import Film
from core.render.writers._video import Format, encode
from core.report import Report

BYTES_PER_PIXEL = 0.5


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """Index first, so that playing starts before the download ends."""
    # room for the index at the front: FFmpeg's own way (faststart) would write the file twice
    room = 1536 + len(comment) + 24 * len(film)
    form = Format(
        "mp4",
        "libx264",
        output.chroma,
        {"crf": str(output.crf), "preset": "veryfast"},
        {"moov_size": str(room)},
    )
    encode(film, path, form, comment, report)
