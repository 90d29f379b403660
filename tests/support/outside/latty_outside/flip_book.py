"""Flip book: raw frames after a line of JSON."""

import json
from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames
from latty.report import Report

FORMATS = {
    ".flip": {"what": "flip book", "film": True, "magic": rb"FLIPBOOK\n", "reads": {"fps", "loop"}},
    ".leaf": {"what": "leaf of a flip book", "magic": rb"FLIPLEAF\n"},
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """The line of magic, the recipe, the size, then each frame (H, W, 3)."""
    magic = b"FLIPBOOK\n" if output.path.endswith(".flip") else b"FLIPLEAF\n"
    with path.open("wb") as file:
        facts = [len(film), film.height, film.width, float(film.fps)]
        file.write(magic + comment.encode() + b"\n" + json.dumps(facts).encode() + b"\n")
        for number, frame in enumerate(film):
            file.write(frame.tobytes())
            report(number + 1, len(film), "flip")


def recall(file: BinaryIO) -> bytes | None:
    """The second line."""
    file.readline(16)
    line = file.readline(LIMIT + 1)
    return line.strip() or None
