"""From scenes to codes: start, latent edits, the mapping, truncation, code edits, in this order.

    _stack.py     that order            _steps.py     how far one edit goes: mode, unit
    _walk.py      seeds and walks       _locks.py     what an edit may not move
    _labels.py    classes               _labelled.py  a generator that knows its scene's class
    _activations.py  edits inside the synthesis, as changes of what its layers give

Everything up to the code edits is computed for one scene at a time (and once for scenes that agree
on it), so that a picture never depends on its neighbours in a batch; code edits are one operation
for all scenes with the same stack. Edits of activations come last, inside the synthesis.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty.edits.activations import changes, inside, stacks
from latty.edits.labels import labels
from latty.edits.stack import Stack
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import Scene

__all__ = ["changes", "codes", "inside", "labels", "stacks"]


def codes(scenes: Sequence[Scene], generator: Generator, force: bool = False) -> Tensor:
    """Codes (N, L, D) of scenes of one model, on the generator's device.

    Truncation acts before the code edits, or last where a scene says truncation_after_edits. Edits
    of activations are left to the synthesis. `force` applies directions and latents that were made
    for another model. Raises BadData for scenes this model cannot draw, Missing for unknown
    directions and latents.
    """
    if not scenes:
        raise BadData("no scenes to draw")
    if len({scene.model for scene in scenes}) > 1:
        found = ", ".join(sorted({scene.model for scene in scenes}))
        raise BadData(f"scenes of several models: {found}", "draw each model by itself")
    stack = Stack(generator, force)
    starts = torch.cat([stack.start(scene) for scene in scenes])
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, scene in enumerate(scenes):
        groups.setdefault(stack.kind(scene), []).append(i)
    result = starts.clone()
    for members in groups.values():
        result[members] = stack.finish(starts[members], [scenes[i] for i in members])
    return result
