"""Networks that are one operation after another: what a Spec says, with the tensors of a file.

Letters: N batch, Z latent width, I O channels, H W pixels; makers.py says what the layers do, and
entrance.py what they are given.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.base import Meta, ModelInfo
from latty.models.entrance import Entrance, entrance_of
from latty.models.latent_generator import Latent, narrowed
from latty.models.layers import (
    Conv,
    ConvTranspose,
    Linear,
    Residual,
    Resize,
    Step,
    is_weighted,
    through,
)
from latty.models.makers import CHECK, MAKERS, Maker, made, spelt
from latty.models.spec import Layer, Misfit, Spec
from latty.models.state_dict import TensorReader, moved
from latty.text import clean

PLAIN = Entrance()  # the latent as it is
UNREAD = "name its layer in the spec, or leave it out: ignore = [...]"


def linear_map(entrance: Entrance, steps: Sequence[Step], latent: int) -> Tensor:
    """The matrix (outputs, Z) of the first weighted layer that reads the Z = `latent` numbers,
    without its bias. A sum gives the rows of both of its branches."""
    z = torch.eye(latent)  # one unit vector per row
    own = any(map(is_weighted, entrance.steps))
    x = z[:, :, None, None] if own else entrance.alone(z)
    return torch.cat(list(_first_maps(entrance.steps if own else steps, x)), 1).t().contiguous()


def _first_maps(steps: Sequence[Step], x: Tensor) -> Iterator[Tensor]:
    for step in steps:
        if isinstance(step, Residual) and is_weighted(step):
            yield from _first_maps(step.layers, x)
            yield from _first_maps(step.shortcut, x)
            return
        if isinstance(step, Linear | Conv | ConvTranspose):
            yield replace(step, bias=None)(x).flatten(1)
            return
        x = step(x)


@dataclass(frozen=True, eq=False)
class Sequential:
    """A StagedNetwork of one code layer."""

    names: tuple[str, ...]
    stages: tuple[tuple[Step, ...], ...]
    matrix: Tensor  # (outputs, Z)
    entrance: Entrance = PLAIN
    low: float = -1.0
    high: float = 1.0

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """The latent with its class: [(N, C, H, W)] of codes (N, 1, Z) and weights (N, classes)."""
        return [self.entrance(codes[:, 0], label)]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture in [-1, 1]."""
        x = through(self.stages[index], x)
        if index < len(self.stages) - 1 or (self.low, self.high) == (-1, 1):
            return x
        return (x - self.low) * (2 / (self.high - self.low)) - 1

    def layer_weights(self) -> list[Tensor]:
        """What the first weighted layer does with the latent: [(outputs, Z)]."""
        return [self.matrix]


def generator(
    tensors: Mapping[str, Tensor],
    spec: Spec,
    meta: Meta,
    device: torch.device,
    family: str,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator that a spec describes, of tensors such as (O, I, k, k), its layers in `dtype`,
    None = float32. Raises BadData, naming the layer or tensor that is wrong."""
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network = moved(network_of(TensorReader(tensors), spec), device)
    info = ModelInfo.of(
        meta,
        family,
        height=spec.size[0],
        width_px=spec.size[1],
        channels=spec.channels,
        z_dim=spec.latent,
        num_layers=1,
        width=spec.latent,
        num_classes=spec.classes,
        class_names=spec.class_names,
        space="z",
    )
    return Latent(narrowed(network, dtype), info, device, spec.distribution)


def network_of(
    reader: TensorReader, spec: Spec, makers: Mapping[str, Maker] = MAKERS
) -> Sequential:
    """The network of a spec, of tensors such as (O, I, k, k). Raises Misfit, Refusal, naming the
    layer or tensor that is wrong."""
    entrance, size = entrance_of(reader, spec, makers)
    at_once = 1 if any(map(is_weighted, entrance.steps)) else spec.latent  # as in linear_map
    steps, size = made(reader, spec.layers, size, makers, at_once)
    wanted = (spec.channels, *spec.size)
    if size != wanted:
        what = f"the network gives {spelt(size)} pictures, the spec says {spelt(wanted)}"
        raise Misfit("wrong-shape", what, CHECK, ("image",))
    if not any(map(is_weighted, steps)):
        raise Misfit("wrong-shape", "no layer of the spec has weights", CHECK, ("layers",))
    unused = "|".join(f"{re.escape(prefix)}.*" for prefix in spec.ignore)
    try:
        reader.finish(unused, UNREAD)
    except Refusal as refusal:
        raise Misfit(refusal.code, refusal.what, refusal.hint, ("layers",)) from None
    names, stages = _stages(spec.layers, steps)
    matrix = linear_map(entrance, steps, spec.latent)
    return Sequential(names, stages, matrix, entrance, spec.low, spec.high)


def _stages(
    layers: Sequence[Layer], steps: Sequence[Step]
) -> tuple[tuple[str, ...], tuple[tuple[Step, ...], ...]]:
    """A stage per weighted layer, named as its tensors; what up-samples belongs to the next one."""
    names: list[str] = []
    stages: list[list[Step]] = [[]]
    begun = False  # whether the last stage has its weights already
    for layer, step in zip(layers, steps, strict=True):
        if begun and (is_weighted(step) or isinstance(step, Resize)):
            stages.append([])
            begun = False
        stages[-1].append(step)
        if is_weighted(step):
            names.append(clean(_name(layer)))
            begun = True
    if not begun:  # nothing weighted follows the last up-sampling
        stages[-2:] = [stages[-2] + stages[-1]]
    unique = [name if names.count(name) == 1 else f"{name}/{i}" for i, name in enumerate(names)]
    return tuple(unique), tuple(tuple(stage) for stage in stages)


def _name(layer: Layer) -> str:
    """The tensors of a layer; of a sum, what the names of its layers begin with."""
    names = [name.split(".") for name in _tensors(layer)]
    alike = takewhile(lambda parts: len({*parts}) == 1, zip(*names, strict=False))
    return ".".join(parts[0] for parts in alike) or ".".join(names[0])


def _tensors(layer: Layer) -> Iterator[str]:
    yield from [layer.tensors] if layer.tensors else []
    for inner in (*layer.layers, *layer.shortcut):
        yield from _tensors(inner)
