"""How far one edit goes: by a way, to a place, across the mean, in a unit of its own; how much of
it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from latty.directions.base import Calibrated, Direction, HasCoordinate
from latty.errors import BadData, did_you_mean
from latty.models.base import Generator
from latty.scene import MODES, UNITS, Edit

Goal = Callable[[Tensor, Tensor], Tensor]  # coordinate, strength -> where to be, all in sigma


def _across(coordinate: Tensor, strength: Tensor) -> Tensor:
    """GANSpace's "invert" edit: the other side of the mean; on the mean there is none."""
    return -coordinate.sign() * strength.abs()


def _there(coordinate: Tensor, strength: Tensor) -> Tensor:
    return strength.expand_as(coordinate)


GOALS: dict[str, Goal] = {"absolute": _there, "centred": _there, "flip": _across}


def moved(
    latents: Tensor,
    edit: Edit,
    strength: Tensor,
    direction: Direction,
    generator: Generator,
    origin: Tensor | None = None,
) -> Tensor:
    """Latents (N, Z) or codes (N, L, D) after one edit by strengths (N,), in every layer.

    Activations (N, C, H, W) are moved the same way; `origin` (N,) is then the coordinate of their
    mean. Every row depends on itself alone. Raises BadData for what this direction cannot do.
    """
    check(edit)
    strength = strength.to(latents)
    if edit.unit == "own":
        if not isinstance(direction, Calibrated):
            raise BadData(
                f"{edit.direction} has no unit of its own", 'leave out unit = "own": count in sigma'
            )
        return direction.move_by(latents, strength, generator)
    if edit.mode == "relative":
        return direction.move(latents, strength, generator)
    if not isinstance(direction, HasCoordinate):
        raise BadData(
            f"{edit.direction} has no coordinate: it cannot go to a place",
            f'leave out mode = "{edit.mode}": it moves from where the latent is',
        )
    coordinate = direction.coordinate(latents, generator)  # (N,) or (N, L)
    if edit.mode != "absolute":
        if origin is None:
            origin = direction.coordinate(_mean(latents, generator), generator)
        coordinate = coordinate - origin
    strength = strength.view(-1, *[1] * (coordinate.ndim - 1))
    way = GOALS[edit.mode](coordinate, strength) - coordinate
    return direction.move(latents, way, generator)


def blended(before: Tensor, after: Tensor, amounts: Sequence[float]) -> Tensor:
    """before + amount (after - before) of latents, codes or activations (N, ...) before and after
    one edit, by N amounts: exactly `before` at 0, `after` at 1."""
    if all(amount == 1 for amount in amounts):
        return after
    rows = torch.tensor(amounts).to(after).view(-1, *[1] * (after.ndim - 1))
    return torch.where(rows == 0, before, torch.lerp(before, after, rows))


def kind(edit: Edit) -> Edit:
    """What edits have in common that are one operation: all but their numbers, and whether they are
    there at all."""
    return replace(edit, strength=0.0, amount=float(edit.amount != 0))


def check(edit: Edit) -> None:
    """Raises BadData for words that do not exist or do not go together."""
    for word, words, what in ((edit.mode, MODES, "mode"), (edit.unit, UNITS, "unit")):
        if word not in words:
            raise BadData(f"no {what} '{word}'", did_you_mean(word, words))
    if edit.unit == "own" and edit.mode != "relative":
        raise BadData(
            f"mode '{edit.mode}' counts in sigma, unit 'own' does not", "leave one of them out"
        )


def _mean(latents: Tensor, generator: Generator) -> Tensor:
    """The mean latent (1, Z), or the mean codes: (1, L, D), or (N, L, D) where each class has its
    own."""
    if latents.ndim == 2:
        return torch.zeros_like(latents[:1])
    return generator.truncate(latents[:1], 0.0, None)
