"""Numbered frames: a folder of PNG files, for other programs. The recipe is in every file."""

from pathlib import Path

from latty.presets import Output
from latty.presets.formats import Film
from latty.render.writers.png import save
from latty.report import Report

BYTES_PER_PIXEL = 3.1
FOLDER = True  # `path` is a folder


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """0000.png, 0001.png, ... in play order."""
    path.mkdir()
    digits = max(4, len(str(len(film) - 1)))
    for i, pixels in enumerate(film):
        save(pixels, path / f"{i:0{digits}}.png", comment)
        report(i + 1, len(film), "png")
