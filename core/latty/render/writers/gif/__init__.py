"""GIF: smooth pictures get palettes of their own; `dither = true` hides what bands are left."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames
from latty.report import Report

FORMATS = {
    ".gif": {
        "what": "GIF picture",
        "film": True,
        "fastest": 50,  # browsers show delays below 2/100 s as 10/100 s
        "magic": rb"GIF8[79]a",
        "reads": {"fps", "loop", "dither", "colours", "lossy", "max_bytes"},
        "bytes_per_pixel": ("colours", ((4, 0.04), (32, 0.12), (256, 0.26))),
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3), the recipe in a comment extension."""
    from latty.render.writers.gif.encode import encode

    encode(film, path, output, comment, report)


def coarser(output: Output) -> list[Output]:
    """An output and coarser ones, without a dither: a little loss, then fewer colours with more,
    which together cost less at the same PSNR than either alone, then more loss."""
    steps = [(256, loss) for loss in (3, 5, 7, 9)]
    steps += [(round(256 * 0.87**i), 10 + i) for i in range(11)]
    steps += [(64, loss) for loss in range(22, 37, 2)]
    found = [output]
    for colours, loss in steps:
        less = min(colours, output.colours), max(loss, output.lossy)
        found.append(replace(output, dither=False, colours=less[0], lossy=less[1]))
    return [one for i, one in enumerate(found) if one not in found[:i]]


def recall(file: BinaryIO) -> bytes | None:
    """The first comment that holds a recipe, before the first picture: where `write` puts it.
    Raises OSError, IndexError for a file that ends too early."""
    head = file.read(13)
    if head[10] & 0x80:
        file.seek(3 << (head[10] & 7) + 1, 1)
    while file.read(1) == b"\x21":
        label, data = file.read(1), bytearray()
        while size := (file.read(1) or b"\0")[0]:
            data += file.read(size)
            if len(data) > LIMIT:
                break
        if label == b"\xfe" and data[:1] == b"{":
            return bytes(data)
    return None
