"""Edits of activations: what scenes change inside the synthesis, layer by layer.

GANSpace's activation mode (Härkönen et al. 2020, section 3.2): strength * sigma * vector is added
to what a layer gives. Here the edits of one layer act in stack order, those of a lower layer before
those of a higher one, and places are counted from the activation of the mean code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from latty.directions.base import Direction, HasCoordinate
from latty.directions.linear import check_layer, layer_of
from latty.directions.opening import find
from latty.edits import steps
from latty.edits.conditioned import labelled
from latty.edits.labels import labels, with_labels
from latty.edits.locks import Find, Held, Locks
from latty.errors import BadData
from latty.models.activations import Change
from latty.models.base import Generator, HasActivations
from latty.scene import ALL, MIXING, Edit, Noise, Scene

Key = tuple[object, object, float, Noise]  # direction, label, truncation, noise

KEPT = 64  # coordinates of mean activations, per generator
_origins: WeakKeyDictionary[Generator, dict[Key, Tensor]] = WeakKeyDictionary()


def stacks(
    scenes: Sequence[Scene], generator: Generator, foreign: bool = False
) -> list[tuple[object, ...]]:
    """For each scene what must be the same in scenes that `changes` takes together; () where
    nothing is edited inside."""
    found = _finder(generator, foreign)
    return [
        (tuple(map(steps.kind, scene.edits)), scene.locks)
        if any(_layer(edit, found) for edit in scene.edits)
        else ()
        for scene in scenes
    ]


def layers_inside(scenes: Iterable[Scene], generator: Generator, foreign: bool = False) -> set[str]:
    """The layers whose activations any of the scenes edits. Raises BadData, Missing."""
    found = _finder(generator, foreign)
    return {_layer(edit, found) for scene in scenes for edit in scene.edits} - {""}


def changes(
    scenes: Sequence[Scene], generator: Generator, foreign: bool = False
) -> dict[str, Change]:
    """What N scenes of one stack, noise and truncation change, by layer, as synthesis_with takes
    it: of activations (N, C, H, W), row i for scene i.

    Code layers mean nothing inside, so that an edit which names some is refused. Raises BadData
    for what this model cannot do, Missing for unknown directions.
    """
    scenes = with_labels(scenes, generator)
    found, locks = _finder(generator, foreign), Locks(_finder(generator, foreign))
    where = labelled(generator, labels(scenes, generator))
    made: dict[str, tuple[_Move, ...]] = {}
    for i, edit in enumerate(scenes[0].edits):
        if not (layer := _layer(edit, found)):
            continue
        direction = found(edit.direction)
        _check(edit, layer, generator)
        strengths = torch.tensor([scene.edits[i].strength for scene in scenes])
        origin = None
        if edit.mode in ("centred", "flip") and isinstance(direction, HasCoordinate):
            origin = torch.cat([_origin(direction, layer, scene, generator) for scene in scenes])
        held = locks.held(edit, direction.space, scenes[0].locks)
        amounts = tuple(scene.edits[i].amount for scene in scenes)
        move = _Move(edit, direction, strengths, origin, held, where, amounts)
        made[layer] = (*made.get(layer, ()), move)
    return {layer: _Moves(moves) for layer, moves in made.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """One edit of N scenes, each of its own amount; origin (N,) is where the mean lies."""

    edit: Edit
    direction: Direction
    strengths: Tensor
    origin: Tensor | None
    held: Held
    generator: Generator
    amounts: tuple[float, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Activations (N, C, H, W) float32 after the edit."""
        strengths = self.strengths.to(x.device)
        moved = steps.moved(
            x, self.edit, strengths, self.direction, self.generator, origin=self.origin
        )
        if self.held:
            held = self.held.everywhere(lambda vector: _everywhere(vector, x))
            moved = held.hold(x.flatten(1), moved.flatten(1)).view_as(moved)
        return steps.blended(x, moved, self.amounts)


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """The edits of one layer, in stack order."""

    moves: tuple[_Move, ...]

    def __call__(self, x: Tensor) -> Tensor:
        x = x.float()  # half precision would round strengths, too
        for move in self.moves:
            x = move(x)
        return x


def _finder(generator: Generator, foreign: bool) -> Find:
    return cache(lambda ref: find(ref, generator, foreign))


def _layer(edit: Edit, found: Find) -> str:
    """The layer whose activation an edit moves; "" for one of latents or codes, or not there."""
    if not edit.amount or edit.direction.startswith(MIXING):
        return ""
    return layer_of(found(edit.direction).space)


def _check(edit: Edit, layer: str, generator: Generator) -> None:
    check_layer(layer, generator, edit.direction)
    if edit.layers not in (None, ALL):
        raise BadData(
            f"{edit.direction} moves the activation of layer {layer}: it has no layers to choose",
            f"leave out layers = '{edit.layers}'",
        )


def _everywhere(normal: Tensor, like: Tensor) -> Tensor:
    """A normal (C,) at every pixel of activations (N, C, H, W), flattened: (C * H * W,)."""
    if normal.numel() == like.shape[1]:
        return normal.reshape(-1, 1, 1).expand(like.shape[1:]).flatten()
    return normal.flatten()


def _origin(direction: HasCoordinate, layer: str, scene: Scene, generator: Generator) -> Tensor:
    """The coordinate (1,) of the mean code's activation; kept, for it is the same in every frame
    of most films."""
    info = generator.info
    truncation = scene.truncation if info.num_classes else 1.0
    known = _origins.setdefault(generator, {})
    key = (direction, scene.label, truncation, scene.noise)
    if key not in known:
        assert isinstance(generator, HasActivations)  # checked
        with torch.inference_mode(False), torch.no_grad():  # kept for callers of any mode
            codes = torch.zeros(1, info.num_layers, info.width, device=generator.device)
            label = labels([scene], generator)
            mean = labelled(generator, label).truncate(codes, 0.0, None)
            x = generator.activation(mean, layer, label, truncation, scene.noise)
            if len(known) >= KEPT:
                known.clear()
            known[key] = direction.coordinate(x.float(), generator)
    return known[key]
