"""A scene without the edits that cannot be applied, for whoever would rather see the rest of it."""

from dataclasses import replace

import torch

from latty.directions.opening import find
from latty.edits import Stack, applied
from latty.errors import LattyError
from latty.models.base import Generator
from latty.scene import Scene


def mended(scene: Scene, generator: Generator) -> tuple[Scene, dict[str, str]]:
    """The scene with those edits and locks alone that can be applied together, in their order, and
    of each direction that is left out why. Raises BadData, Missing for what is wrong with the rest
    of the scene."""
    stack, broken = Stack(generator, False), dict[str, str]()
    made = replace(scene, edits=(), locks=())
    with torch.no_grad():
        applied([made], generator, stack=stack)
        for ref in scene.locks:
            try:
                find(ref, generator)
                made = replace(made, locks=(*made.locks, ref))
            except LattyError as error:
                broken[ref] = _why(error)
        for edit in scene.edits:
            another = replace(made, edits=(*made.edits, edit))
            try:
                applied([another], generator, stack=stack)
                made = another
            except LattyError as error:
                broken[edit.direction] = _why(error)
    return made, broken


def _why(error: LattyError) -> str:
    """An error in words; not what a command line would do about it."""
    return error.message if error.hint.startswith("--") else str(error)
