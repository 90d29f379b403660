"""The pictures of a pool: drawn so many at once, written one by one, where they are missing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from latty.folders import Folder
from latty.latents import pools
from latty.models.base import Generator
from latty.models.memory import at_once, in_batches, told
from latty.presets import SCHEMA, Output, Preset
from latty.presets.formats import Pixels
from latty.render import grids, provenance
from latty.render.options import Options
from latty.render.pixels import Painter, at_size
from latty.render.writers.png import pack
from latty.scene import Scene

TOGETHER = 8  # pictures drawn at once, of large ones fewer


def draw(
    blocks: Callable[[int], Iterator[list[int]]],
    scene: Scene,
    files: str,
    generator: Generator,
    inside: Folder,
    options: Options,
    room: Callable[[int], None],
    report: Callable[[int, str], None],
) -> None:
    """A picture for each seed of all blocks, in the blocks in which all of them are drawn.

    room    is told the bytes of a picture's pixels, before the first is written; it may refuse
    report  is told how many are there

    Raises DeviceError, OSError, and what the model raises.
    """
    painter = Painter(at_size(generator, scene.size), options.foreign)
    together = at_once(painter.generator, TOGETHER)
    recipe = _recipe(scene, generator, options) if options.recipe else None
    done = 0
    for block in blocks(together):
        names = [pools.file_of(files, seed) for seed in block]
        missing = [i for i, name in enumerate(names) if inside.status(name) is None]
        scenes = [replace(scene, seed=seed) for seed in block] if missing else []
        drawn = partial(_drawn, painter, scenes)
        for part, pixels, used in in_batches(drawn, len(scenes), together):
            if done == 0 and part.start == 0:
                room(pixels[0].size)
            for i in range(part.start, part.stop):
                if i in missing:
                    one = grids.fit(pixels[i - part.start], scene.size)
                    inside.write(names[i], [pack(one, _said(recipe, block[i]))], None)
            report(done + part.stop, told("pictures", used, min(together, len(scenes))))
        done += len(block)
        report(done, "pictures")


def _recipe(scene: Scene, generator: Generator, options: Options) -> dict[str, Any]:
    """That of every picture, but for its seed."""
    output = Output("samples.png")
    preset = Preset(SCHEMA, "samples", replace(scene, seed=0), outputs=(output,))
    shared = provenance.shared(preset, generator, options)
    own = provenance.of_output(preset, output, options.folder, options.spelled)
    return {**shared, "frames": preset.count(output), **own}


def _drawn(painter: Painter, scenes: Sequence[Scene], part: slice) -> Pixels:
    """Pictures (n, H, W, 3 or 4) of some of the scenes."""
    return painter(scenes[part])


def _said(recipe: dict[str, Any] | None, seed: int) -> str:
    """The recipe of the picture of a seed; "" without one."""
    if recipe is None:
        return ""
    preset = recipe["preset"]
    scene = {**preset["scene"], "seed": seed}
    return provenance.canonical({**recipe, "preset": {**preset, "scene": scene}})
