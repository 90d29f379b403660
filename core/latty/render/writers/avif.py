"""AVIF: smaller than WebP, a still or an animation for the pages of today; always repeats."""

import os
from pathlib import Path
from typing import Any, BinaryIO

from latty.presets import Output
from latty.presets.codecs import of_less_quality
from latty.presets.formats import Frames
from latty.render.headers import boxes, xmp
from latty.report import Report

FORMATS = {
    ".avif": {
        "what": "AVIF picture",
        "alpha": True,
        "film": True,
        "magic": rb"....ftypavi[fs]",
        "reads": {"fps", "loop", "quality", "max_bytes"},
        "bytes_per_pixel": (
            "quality",
            ((25, 0.01), (60, 0.03), (90, 0.045), (99, 0.15), (100, 0.6)),
        ),
        "offered": False,
    }
}
# Where ISO's files keep a packet of XMP: a box at the top, known by this number.
_TIMED = (b"moov", b"trak", b"mdia")  # what the boxes with times lie in
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")

COARSEST = 25  # quality


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3 or 4); delays in milliseconds."""
    from latty.render.sequence import Sequence, delays

    how: dict[str, Any] = {"quality": output.quality, "speed": 8, "max_threads": 1, "codec": "aom"}
    if output.quality == 100:
        how["subsampling"] = "4:4:4"
    if len(film) > 1:
        how |= {"save_all": True, "duration": delays(film)}
    with path.open("w+b") as file:
        Sequence(film, report, "avif").save(file, format="AVIF", **how)
        _forget_times(file)
        if packet := xmp.packet(comment):
            file.write((24 + len(packet)).to_bytes(4) + b"uuid" + _XMP + packet)


def _forget_times(file: BinaryIO) -> None:
    """The encoder notes when it was: the same frames make the same bytes."""
    size = file.tell()
    file.seek(0)
    for kind, start in boxes.walk(file, _TIMED, size):
        file.seek(start)
        wide = 8 if file.read(1) == b"\1" else 4  # bytes of a time, by the version of the box
        if kind in (b"mvhd", b"tkhd", b"mdhd"):
            file.seek(start + 4)
            file.write(bytes(2 * wide))
    file.seek(0, os.SEEK_END)


def coarser(output: Output) -> list[Output]:
    """Down to where it is plainly seen."""
    return of_less_quality(output, COARSEST)


def recall(file: BinaryIO) -> bytes | None:
    """The recipe in the packet of XMP. Raises BadData, ValueError for a damaged file."""
    packet = boxes.extended(file, _XMP)
    return xmp.recipe(packet) if packet else None
