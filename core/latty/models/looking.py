"""What can be looked at in a model: its layers and their sizes."""

from functools import partial

import torch
from torch import Tensor

from latty.models.base import Generator, HasActivations


def layer_sizes(generator: Generator) -> dict[str, tuple[int, ...]]:
    """The shape (C, H, W) of each layer of one picture, in their order, drawn in one pass; {} for a
    model that shows none."""
    found: dict[str, tuple[int, ...]] = {}
    if not isinstance(generator, HasActivations):
        return found

    def seen(name: str, x: Tensor) -> Tensor:
        found[name] = tuple(x.shape[1:])
        return x

    with torch.no_grad():
        codes = generator.mapping(generator.sample([0]))
        names = generator.activation_names()
        generator.synthesis_with(codes, {name: partial(seen, name) for name in names})
    return {name: found[name] for name in names}
