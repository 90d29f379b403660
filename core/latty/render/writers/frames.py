"""Numbered frames: a folder of PNG files, for other programs. The recipe is in every file."""

from pathlib import Path

from latty.presets import Output
from latty.presets.formats import Frames
from latty.render.writers.png import recall, save
from latty.report import Report

__all__ = ["FORMATS", "recall", "write"]

FORMATS = {
    "/": {
        "what": "folder of numbered frames",
        "alpha": True,
        "film": True,
        "reads": {"fps", "loop"},
        "bytes_per_pixel": 0.8,
    }
}


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """00000.png, 00001.png, ... in play order, each of a frame (H, W, 3 or 4)."""
    path.mkdir()
    for i, pixels in enumerate(film):
        save(pixels, path / f"{i:05}.png", comment)  # %05d.png for other programs, always
        report(i + 1, len(film), "png")
