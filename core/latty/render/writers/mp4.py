"""MP4: H.264 that every player opens. `crf` is the quality, `chroma = "444"` keeps sharp colours.

The software encoder unless `encoder = "nvenc"` asks for the graphics card's and that really opens:
its bytes differ from card to card and driver to driver.
"""

from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import Frames
from latty.render.ffmpeg.probe import try_encoder
from latty.render.headers import boxes
from latty.report import Report

FORMATS = {
    ".mp4": {
        "what": "MP4 video",
        "film": True,
        "magic": rb"....ftyp",
        "reads": {"fps", "loop", "crf", "chroma", "encoder"},
        "bytes_per_pixel": 0.5,
        "encoders": (("libx264", "mp4", "yuv420p"), ("h264_nvenc", "mp4", "yuv420p")),
    }
}
NVENC = "h264_nvenc"


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3); index first, so that playing starts before the download ends."""
    from latty.render.ffmpeg.video import SOFTWARE, Codec, encode

    crf = str(output.crf)
    # room for the index at the front: FFmpeg's own way (faststart) would write the file twice
    nvenc = output.encoder == "nvenc" and try_encoder(NVENC, "mp4", "yuv420p") == "works"
    room = 1536 + len(comment) + 24 * len(film)
    codec = Codec(
        "mp4",
        NVENC if nvenc else "libx264",
        output.chroma,
        {"cq": crf, "rc": "vbr"} if nvenc else SOFTWARE | {"crf": crf},
        {"moov_size": str(room)},
    )
    encode(film, path, codec, comment, report)


def recall(file: BinaryIO) -> bytes | None:
    """The comment of the container. Raises BadData, ValueError for a damaged file."""
    return boxes.comment(file)
