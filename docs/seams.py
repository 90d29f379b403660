"""Draws renders/gallery/seam-open.png and seam-seamless.png, the pictures in films.md: the last
frames of a round, the first ones of the next, and how far each is from the one before.

`make gallery` runs it.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latty import presets
from latty.models import open_model
from latty.render import pictures

FRAMES, SHOWN, SIZE, BARS = 24, 4, 80, 48  # frames of a round, of these on each side, px, px
LARGEST = 40  # mean difference of 255 that is a whole bar
COLOURS = 96
PAPER, INK, RED = (255, 255, 255), (90, 90, 90), (208, 40, 40)

Pixels = NDArray[np.uint8]


def around(loop: str) -> list[Pixels]:
    """The frames (H, W, 3) uint8 of a walk between two seeds on both sides of the seam, and the one
    before them."""
    preset = presets.from_dict(
        {"schema": 1, "seconds": 2,
         "scene": {"model": "portraits", "seed": {"walk": [13, 9]}, "truncation": 0.8,
                   "size": SIZE},
         "outputs": [{"path": "a.gif", "fps": FRAMES // 2, "loop": loop}]}, loop
    )  # fmt: skip
    output = preset.outputs[0]
    times, shown = preset.times(output), preset.shown(output)
    scenes = [shown.at(times[i % FRAMES]) for i in range(-SHOWN - 1, SHOWN)]
    return [*pictures(scenes, open_model("portraits", "cpu"))]


def strip(frames: list[Pixels]) -> Image.Image:
    """The frames but for the first side by side, a bar below each for its distance to the one
    before it; a line where the round begins again."""
    page = Image.new("RGB", (2 * SHOWN * SIZE, SIZE + BARS), PAPER)
    pen = ImageDraw.Draw(page)
    for i, (before, frame) in enumerate(pairwise(frames)):
        page.paste(Image.fromarray(frame), (i * SIZE, 0))
        far = float(np.abs(frame.astype(int) - before).mean())
        high = round(min(far / LARGEST, 1.0) * (BARS - 6))
        place = (i * SIZE - 6, SIZE + BARS - high, i * SIZE + 6, SIZE + BARS)
        pen.rectangle(place, RED if i == SHOWN else INK)
    pen.line((SHOWN * SIZE, 0, SHOWN * SIZE, SIZE + 2), RED, 3)
    return page.quantize(COLOURS)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "renders/gallery")
    for name, loop in (("open", "loop"), ("seamless", "seamless")):
        strip(around(loop)).save(folder / f"seam-{name}.png", optimize=True)
