"""PNG: a still picture, a contact sheet, a grid or a strip; lossless."""

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from latty.presets import Output
from latty.presets.formats import Film, Pixels
from latty.render.embedded import PNG_KEY
from latty.report import Report

BYTES_PER_PIXEL = 3.1
STILL = True  # one picture, however long the film is: latty.render.grids lays it out


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """The first frame of the film."""
    save(next(iter(film)), path, comment)
    report(1, 1, "png")


def save(pixels: Pixels, path: Path, comment: str) -> None:
    """One picture (H, W, 3) with the recipe in a compressed text field."""
    text = PngInfo()
    text.add_itxt(PNG_KEY, comment, zip=True)
    with path.open("wb") as file:
        Image.fromarray(pixels).save(file, format="PNG", pnginfo=text, compress_level=4)
