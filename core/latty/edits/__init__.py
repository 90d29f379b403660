"""From scenes to codes: start, latent edits, the mapping, truncation, code edits, in this order.

    stack.py   that order             steps.py        how far one edit goes: mode, unit
    walk.py    seeds and walks        locks.py        what an edit may not move
    labels.py  classes                conditioned.py  a generator that knows its scene's class
    activations.py  edits inside the synthesis, as changes of what its layers give

Everything up to the code edits is computed for one scene at a time (and once for scenes that agree
on it), so that a picture never depends on its neighbours in a batch; code edits are one operation
for all scenes with the same stack. Edits of activations come last, inside the synthesis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from latty.edits.activations import changes, layers_inside, stacks
from latty.edits.labels import labels, with_labels
from latty.edits.stack import Stack
from latty.edits.walk import Paths
from latty.errors import BadData
from latty.models.activations import Change
from latty.models.base import Generator, Labels
from latty.scene import Noise, Scene

__all__ = [
    "Applied",
    "Stack",
    "SynthesisRun",
    "applied",
    "changes",
    "codes",
    "labels",
    "layers_inside",
    "stacks",
]


@dataclass(frozen=True, slots=True, eq=False)
class SynthesisRun:
    """Neighbouring scenes that one call of synthesis draws: everything it has one value of."""

    rows: slice
    noise: Noise
    truncation: float
    label: Labels
    changes: dict[str, Change]


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """Scenes with their edits applied: codes (N, L, D), and the runs that draw them."""

    codes: Tensor
    runs: tuple[SynthesisRun, ...]

    @property
    def inside(self) -> bool:
        """Whether anything is changed inside the synthesis: the codes do not say it all."""
        return any(run.changes for run in self.runs)


def applied(
    scenes: Sequence[Scene],
    generator: Generator,
    foreign: bool = False,
    stack: Stack | None = None,
) -> Applied:
    """Scenes of one model as codes (N, L, D) and what their synthesis changes inside. `stack`: of
    this generator, for many scenes with the same directions. Raises BadData, Missing as `codes` and
    `changes` do."""
    held = stack or Stack(generator, foreign)
    scenes = [held.paths.settled(scene) for scene in with_labels(scenes, generator)]
    known, moved = generator.info.num_classes, _codes(scenes, held)
    common = [(scene.noise, scene.truncation if known else 1.0) for scene in scenes]
    kinds = zip(common, stacks(scenes, generator, foreign), strict=True)
    runs, first = [], 0
    for ((noise, truncation), inside), run in groupby(kinds):
        rows = slice(first, first + len(list(run)))
        label = labels(scenes[rows], generator) if known else None
        inner = changes(scenes[rows], generator, foreign) if inside else {}
        runs.append(SynthesisRun(rows, noise, truncation, label, inner))
        first = rows.stop
    return Applied(moved, tuple(runs))


def settled(scenes: Sequence[Scene], generator: Generator, foreign: bool = False) -> list[Scene]:
    """The scenes with a class wherever one is known, and every walk at its place. Raises BadData,
    Missing."""
    paths = Paths(generator, foreign)
    return [paths.settled(scene) for scene in with_labels(scenes, generator)]


def codes(scenes: Sequence[Scene], generator: Generator, foreign: bool = False) -> Tensor:
    """Codes (N, L, D) of scenes of one model, on the generator's device.

    Truncation acts before the code edits, or last where a scene says truncation_after_edits. Edits
    of activations are left to the synthesis. `foreign` applies directions and latents made
    for another model. Raises BadData for scenes this model cannot draw, Missing for unknown
    directions and latents.
    """
    stack = Stack(generator, foreign)
    return _codes([stack.paths.settled(scene) for scene in with_labels(scenes, generator)], stack)


def _codes(scenes: Sequence[Scene], stack: Stack) -> Tensor:
    """The same of settled scenes."""
    if not scenes:
        raise BadData("no scenes to draw")
    if len({scene.model for scene in scenes}) > 1:
        found = ", ".join(sorted({scene.model for scene in scenes}))
        raise BadData(f"scenes of several models: {found}", "draw each model by itself")
    starts = torch.cat([stack.start(scene) for scene in scenes])
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, scene in enumerate(scenes):
        groups.setdefault(stack.kind(scene), []).append(i)
    if len(groups) == 1:
        return stack.finish(starts, scenes)
    result = starts.clone()
    for members in groups.values():
        result[members] = stack.finish(starts[members], [scenes[i] for i in members])
    return result
