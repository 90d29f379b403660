"""Walk along a direction from held-out seeds and measure what changes, for every method alike."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from latty.attributes import scores_of
from latty.directions.base import Direction, keep_layers
from latty.directions.figures import Figures, figures_of_each
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.scene import Label, Layers

Score = Callable[[Tensor], Tensor]  # codes (N, L, D) -> scores (N, A)


def scored(generator: Generator, scorer: str, label: Label = None) -> Score:
    """The scores that a scorer gives pictures of a class or mixture; exact where they are known."""

    def score(codes: Tensor) -> Tensor:
        return scores_of(generator, codes, scorer, class_labels(label, codes, generator))[1]

    return score


def shifted(
    direction: Direction,
    z: Tensor,
    strength: Tensor,
    generator: Generator,
    truncation: float = 1.0,
    label: Label = None,
    layers: Layers | None = None,
) -> Tensor:
    """Codes (N, L, D) of latents z (N, Z), moved by strength (N,) in the direction's layers."""
    labels = class_labels(label, z, generator)
    codes = generator.mapping(z, labels, truncation)
    if direction.space == "z":
        moved = generator.mapping(direction.move(z, strength, generator), labels, truncation)
    else:
        moved = direction.move(codes, strength, generator)
    return keep_layers(codes, moved, layers or direction.layers)


def traverse(
    direction: Direction,
    z: Tensor,
    strengths: Sequence[float],
    generator: Generator,
    score: Score,
    truncation: float = 1.0,
    label: Label = None,
    layers: Layers | None = None,
) -> Tensor:
    """Scores (N, S, A) of latents z (N, Z) at every strength."""
    many = z.repeat_interleave(len(strengths), 0)
    strength = torch.tensor(strengths, device=z.device).repeat(len(z))
    codes = shifted(direction, many, strength, generator, truncation, label, layers)
    return score(codes).view(len(z), len(strengths), -1)


def figures(
    strengths: Sequence[float], scores: Tensor, target: int, middle: Tensor, spread: Tensor
) -> Figures:
    """The figures of one attribute of scores (N, S, A) of a traverse, given the middle of the range
    and the standard deviation (A,) of each attribute among samples."""
    scores, middle, spread = (one.detach().cpu() for one in (scores, middle, spread))
    return figures_of_each(strengths, scores.numpy(), middle.numpy(), spread.numpy(), [target])[0]
