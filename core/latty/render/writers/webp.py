"""WebP: a small animation or a still for web pages. `quality = 100` is lossless."""

from pathlib import Path
from typing import Any, BinaryIO

from latty.presets import Output
from latty.presets.codecs import of_less_quality
from latty.presets.formats import LIMIT, Frames
from latty.render.headers import xmp
from latty.report import Report

FORMATS = {
    ".webp": {
        "what": "WebP picture",
        "alpha": True,
        "film": True,
        "magic": rb"RIFF....WEBP",
        "reads": {"fps", "loop", "quality", "max_bytes"},
        "bytes_per_pixel": (
            "quality",
            ((25, 0.025), (75, 0.045), (90, 0.08), (99, 0.15), (100, 0.5)),
        ),
        "encoders": (("libwebp", "webp", "yuv420p"),),
    }
}
LOSSLESS = 100
_FLAGS, _ALPHA = 20, 0x10  # of the VP8X chunk, the first one of an animation

COARSEST = 35  # quality


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3 or 4); delays in milliseconds; the encoder keeps compressed frames
    only."""
    from latty.render.sequence import Sequence, delays

    how: dict[str, Any] = {
        "quality": output.quality,
        "lossless": output.quality >= LOSSLESS,
        "method": 4,
        **({"xmp": xmp.packet(comment)} if comment else {}),
    }
    if len(film) > 1:
        how |= {"save_all": True, "duration": delays(film), "loop": 0 if film.loops else 1}
    sequence = Sequence(film, report, "webp")
    if sequence.mode == "RGBA":  # else lossless files lose the colours of what is not seen
        how["exact"] = True
    with path.open("w+b") as file:
        sequence.save(file, format="WEBP", **how)
        if sequence.mode == "RGBA" and len(film) > 1:
            _say_opacity(file)


def _say_opacity(file: BinaryIO) -> None:
    """Set the flag of the whole animation: libwebp cuts clear edges off each frame, and where no
    frame has an opacity after that it leaves the flag out, so that the edges show black."""
    file.seek(_FLAGS)
    (flags,) = file.read(1)
    file.seek(_FLAGS)
    file.write(bytes([flags | _ALPHA]))


def coarser(output: Output) -> list[Output]:
    """Down to where it is plainly seen."""
    return of_less_quality(output, COARSEST)


def recall(file: BinaryIO) -> bytes | None:
    """The recipe in the XMP packet. Raises OSError, ValueError."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"XMP ":
            return xmp.recipe(file.read(min(length, xmp.GROWTH * LIMIT)))
        file.seek(length + (length & 1), 1)
    return None
