"""About how long a search takes: from what a method does, times what a model takes for it here.

A method says its work as a literal, read without torch: COST = {"picture": ("samples",)} is as many
pictures as the parameter `samples` says; numbers and parameters are multiplied, lists by their
lengths. Kinds of work: "mapping" of a latent, "picture", "gradient" of a picture, "layer": as far
as the layer that the parameter `layer` names.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from latty.directions.registries import METHODS

if TYPE_CHECKING:
    from torch import Tensor

    from latty.models.base import Generator

START = 4.0  # seconds until a process has imported torch and opened a model
BACKWARD = 3.0  # a picture with its gradient, in pictures: the way back is about two more
LATENTS = 256  # that are mapped to see how long one takes
TOGETHER, LONG = 16, 1.0  # pictures drawn at once, where that takes no more seconds than that
TIMES = 3  # that it is done: the quickest counts, others may be at work


@dataclass(frozen=True, slots=True)
class Reached:
    """A layer: its channels, height and width, and seconds until a picture has come to it."""

    size: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelPace:
    """Seconds that a model takes here: a latent through its mapping, a picture, as far as each of
    its layers."""

    mapping: float = 0.0
    picture: float = 0.0
    layers: Mapping[str, Reached] = field(default_factory=dict)


def measured(generator: "Generator") -> ModelPace:
    """Look how long it takes: a few pictures are drawn."""
    import torch

    with torch.no_grad():
        mapping = min(_mapped(generator) for _ in range(TIMES + 1))
        one = _drawn(generator, 1)
        if one[0] < LONG:  # else once is enough, though the first one takes longer
            one = min((_drawn(generator, 1) for _ in range(TIMES)), key=itemgetter(0))
        if one[0] * TOGETHER < LONG:
            one = min((_drawn(generator, TOGETHER) for _ in range(TIMES)), key=itemgetter(0))
    return ModelPace(mapping, *one)


def _latents(generator: "Generator", count: int) -> "tuple[Tensor, Tensor | None]":
    """Latents (count, Z), and their labels where there are classes."""
    from latty.models.labels import class_labels

    z = generator.sample(range(count))
    return z, class_labels(0 if generator.info.num_classes else None, z, generator)


def _mapped(generator: "Generator") -> float:
    """Seconds of a latent through the mapping."""
    z, label = _latents(generator, LATENTS)
    began = time.perf_counter()
    generator.mapping(z, label).cpu()
    return (time.perf_counter() - began) / LATENTS


def _drawn(generator: "Generator", count: int) -> tuple[float, Mapping[str, Reached]]:
    """Seconds of a picture of `count` at once, and of its way to each layer."""
    from latty.models.base import HasActivations

    z, label = _latents(generator, count)
    codes = generator.mapping(z, label)
    layers: dict[str, Reached] = {}
    began = time.perf_counter()
    if isinstance(generator, HasActivations):
        names = generator.activation_names()
        watched = {name: _watch(name, layers, began, count) for name in names}
        picture = generator.synthesis_with(codes, watched, label)
    else:
        picture = generator.synthesis(codes, label)
    picture[..., 0, 0].cpu()  # waits for a GPU
    return (time.perf_counter() - began) / count, layers


def _watch(name: str, layers: dict[str, Reached], began: float, count: int) -> Any:
    """Sees a picture come by, and leaves it as it is."""

    def seen(activation: "Tensor") -> "Tensor":
        seconds = (time.perf_counter() - began) / count
        layers[name] = Reached(tuple(activation.shape[1:]), seconds)
        return activation

    return seen


def seconds(method: str, params: Mapping[str, Any], pace: ModelPace) -> float:
    """About how long a search with these parameters takes."""
    cost = METHODS.constant(method, "COST", {})
    layer = pace.layers.get(str(params.get("layer", "")))
    each = {
        "mapping": pace.mapping,
        "picture": pace.picture,
        "gradient": BACKWARD * pace.picture,
        "layer": layer.seconds if layer is not None else 0.0,
    }
    return START + sum(each[kind] * _times(cost[kind], params) for kind in cost)


def _times(factors: tuple[str | float, ...], params: Mapping[str, Any]) -> float:
    """How often: the product of numbers and of parameters."""

    def times(factor: str | float) -> float:
        value = params.get(factor, 1) if isinstance(factor, str) else factor
        return len(value) if isinstance(value, tuple | list) else float(value or 1)

    return prod(map(times, factors))
