"""MP4: H.264 that every player opens. `crf` is the quality, `chroma = "444"` keeps sharp colours.

The software encoder unless `encoder = "nvenc"` asks for the graphics card's and that really opens:
its bytes differ from card to card and driver to driver.
"""

from pathlib import Path

from latty.presets import Output
from latty.presets.formats import Film
from latty.render.ffmpeg.probe import try_encoder
from latty.render.ffmpeg.video import Format, encode
from latty.report import Report

BYTES_PER_PIXEL = 0.5
NVENC = "h264_nvenc"
# x264's macroblock tree reads memory that nobody wrote unless the width is a multiple of 128 px:
# the same frames then give other bytes from run to run. Without it B frames are kept as fine.
SOFTWARE = {"preset": "veryfast", "x264-params": "mbtree=0:pbratio=1.1"}


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """Index first, so that playing starts before the download ends."""
    crf = str(output.crf)
    # room for the index at the front: FFmpeg's own way (faststart) would write the file twice
    nvenc = output.encoder == "nvenc" and try_encoder(NVENC, "mp4", "yuv420p") == "works"
    room = 1536 + len(comment) + 24 * len(film)
    form = Format(
        "mp4",
        NVENC if nvenc else "libx264",
        output.chroma,
        {"cq": crf, "rc": "vbr"} if nvenc else SOFTWARE | {"crf": crf},
        {"moov_size": str(room)},
    )
    encode(film, path, form, comment, report)
