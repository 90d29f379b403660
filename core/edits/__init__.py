"""From scenes to codes: seeds, latent edits, the mapping, truncation, code edits, in this order.

Everything up to the code edits is computed for one scene at a time (and once for scenes that agree
on it), so that a picture never depends on its neighbours in a batch; code edits are one operation
for all scenes with the same stack.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from core.directions import find
from core.directions._base import Direction, keep_layers
from core.edits._labels import labels
from core.edits._walk import latent
from core.errors import BadData
from core.models._base import Generator
from core.scene import ALL, Edit, Layers, Scene

MIXING = "seed:"  # "seed:42": a move toward the latent of another seed

__all__ = ["codes", "labels"]


def codes(scenes: Sequence[Scene], generator: Generator, force: bool = False) -> Tensor:
    """Codes (N, L, D) of scenes of one model, on the generator's device.

    Truncation acts before the code edits, or last where a scene says truncation_after_edits.
    `force` applies directions that were made for another model. Raises BadData for scenes this
    model cannot draw, Missing for unknown directions.
    """
    if not scenes:
        raise BadData("no scenes to draw")
    if len({scene.model for scene in scenes}) > 1:
        found = ", ".join(sorted({scene.model for scene in scenes}))
        raise BadData(f"scenes of several models: {found}", "draw each model by itself")
    stack = _Stack(generator, force)
    starts = torch.cat([stack.start(scene) for scene in scenes])
    groups: dict[tuple[tuple[str, Layers | None], ...], list[int]] = {}
    for i, scene in enumerate(scenes):
        groups.setdefault(tuple((e.direction, e.layers) for e in scene.edits), []).append(i)
    result = starts.clone()
    for members in groups.values():
        chosen = [scenes[i] for i in members]
        result[members] = stack.finish(starts[members], chosen)
    return result


class _Stack:
    """Applies stacks of edits to the latents of one generator; repeated work is done once."""

    def __init__(self, generator: Generator, force: bool) -> None:
        self.generator, self.force = generator, force
        self.draw = cache(generator.sample)
        self.known: dict[Scene, Tensor] = {}
        self.found: dict[str, Direction] = {}

    def start(self, scene: Scene) -> Tensor:
        """Codes (1, L, D) before the code edits; kept for scenes that differ in those only."""
        edits = tuple(e for e in scene.edits if self._in_latents(e))
        truncation, cutoff = scene.truncation, scene.cutoff
        if scene.truncation_after_edits:
            truncation, cutoff = 1.0, None
        key = Scene(scene.model, scene.seed, truncation, cutoff, scene.label, edits=edits)
        if key not in self.known:
            self.known[key] = self._mapped(key)
        return self.known[key]

    def _mapped(self, scene: Scene) -> Tensor:
        """Each layer has a latent of its own, the same one until an edit names some layers."""
        count = self.generator.info.num_layers
        latents = [latent(self.draw, scene.seed)] * count
        for edit in scene.edits:
            direction = self._direction(edit)
            moved = {id(z): self._move_latent(z, edit, direction) for z in latents}
            chosen = self._layers(edit, direction).indices(count)
            latents = [moved[id(z)] if i in chosen else z for i, z in enumerate(latents)]
        label = labels([scene], self.generator)
        distinct = {id(z): z for z in latents}
        mapped = {
            key: self.generator.mapping(z, label, scene.truncation, scene.cutoff)
            for key, z in distinct.items()
        }
        return torch.cat([mapped[id(z)][:, i : i + 1] for i, z in enumerate(latents)], 1)

    def _move_latent(self, z: Tensor, edit: Edit, direction: Direction | None) -> Tensor:
        if direction is None:
            return torch.lerp(z, latent(self.draw, _seed(edit)), edit.strength)
        strength = torch.tensor([edit.strength], device=z.device)
        return direction.move(z, strength, self.generator)

    def _direction(self, edit: Edit) -> Direction | None:
        """None for a move toward another seed."""
        ref = edit.direction
        if ref.startswith(MIXING):
            return None
        if ref not in self.found:
            self.found[ref] = find(ref, self.generator, self.force)
        return self.found[ref]

    def _in_latents(self, edit: Edit) -> bool:
        """Whether an edit moves z before the mapping; otherwise it moves codes after it."""
        direction = self._direction(edit)
        return (direction or self.generator.info).space == "z"

    def _layers(self, edit: Edit, direction: Direction | None) -> Layers:
        return edit.layers or (direction.layers if direction else ALL)

    def finish(self, starts: Tensor, scenes: Sequence[Scene]) -> Tensor:
        """Code edits in stack order on codes (N, L, D) of scenes with one stack, then truncation
        where it comes last."""
        moved = starts
        for i, edit in enumerate(scenes[0].edits):
            if self._in_latents(edit):
                continue
            strengths = [scene.edits[i].strength for scene in scenes]
            strength = torch.tensor(strengths, device=starts.device)
            direction = self._direction(edit)
            if direction is None:
                goals = torch.cat([self._goal(edit, scene) for scene in scenes])
                new = torch.lerp(moved, goals, strength.view(-1, 1, 1))  # exact at 1
            else:
                new = direction.move(moved, strength, self.generator)
            moved = keep_layers(moved, new, self._layers(edit, direction))
        return self._truncated(moved, scenes)

    def _goal(self, edit: Edit, scene: Scene) -> Tensor:
        """Codes (1, L, D) of the seed an edit moves toward, with the scene's label, truncation."""
        other = Scene(scene.model, _seed(edit), scene.truncation, scene.cutoff, scene.label)
        if scene.truncation_after_edits:
            other = Scene(scene.model, _seed(edit), label=scene.label)
        return self.start(other)

    def _truncated(self, moved: Tensor, scenes: Sequence[Scene]) -> Tensor:
        late = [i for i, scene in enumerate(scenes) if scene.truncation_after_edits]
        if not late:
            return moved
        result = moved.clone()
        for i in late:
            psi, cutoff = scenes[i].truncation, scenes[i].cutoff
            result[i : i + 1] = self.generator.truncate(moved[i : i + 1], psi, cutoff)
        return result


def _seed(edit: Edit) -> int:
    text = edit.direction.removeprefix(MIXING)
    if not text.isdecimal():
        raise BadData(f"'{edit.direction}' names no seed", "write seed:42")
    return int(text)
