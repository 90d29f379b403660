"""Networks that are one operation after another: what a Spec says, with the tensors of a file.

Letters: N batch, Z latent width, E width of a class, I O channels, H W pixels; makers.py says what
the layers do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.base import Meta, ModelInfo
from latty.models.latent_generator import Latent
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
from latty.models.reparametrised import take_weight
from latty.models.spec import Layer, Misfit, Spec
from latty.models.state_dict import TensorReader, moved
from latty.text import clean

UNREAD = "name its layer in the spec, or leave it out: ignore = [...]"
EQUAL = ("product", "sum")  # joins of a latent and a class of one width


def linear_map(steps: Sequence[Step], width: int, start: int, latent: int) -> Tensor:
    """The matrix (outputs, Z) of the steps up to the first weighted one, without its bias, for the
    Z = `latent` numbers from `start` on of the `width` that enter. A sum gives the rows of both of
    its branches."""
    x = torch.zeros(latent, width, 1, 1)
    x[:, start : start + latent, 0, 0] = torch.eye(latent)  # one unit vector per row
    return torch.cat(list(_first_maps(steps, x)), 1).t().contiguous()


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


@dataclass(frozen=True, slots=True)
class Classes:
    """What a class brings to its latent: weights (N, classes) @ table (classes, E) + bias (E,)."""

    table: Tensor | None  # None: the weights themselves
    bias: Tensor | None
    join: str
    latent_first: bool

    def __call__(self, z: Tensor, label: Tensor) -> Tensor:
        """Latents (N, Z) and class weights (N, classes) as one vector (N, Z + E) or (N, Z)."""
        told = label if self.table is None else label @ self.table
        told = told if self.bias is None else told + self.bias
        if self.join in EQUAL:
            return z * told if self.join == "product" else z + told
        return torch.cat([z, told] if self.latent_first else [told, z], 1)

    def width(self, classes: int) -> int:
        """E, or the number of classes where each has a number of its own."""
        return classes if self.table is None else self.table.shape[1]


@dataclass(frozen=True, eq=False)
class Sequential:
    """A StagedNetwork of one code layer; `classes` join the latent."""

    names: tuple[str, ...]
    stages: tuple[tuple[Step, ...], ...]
    matrix: Tensor  # (outputs, Z)
    classes: Classes | None = None
    low: float = -1.0
    high: float = 1.0

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """The latent with its class: [(N, Z + E, 1, 1)] of codes (N, 1, Z)."""
        z = codes[:, 0]
        if label is not None and self.classes is not None:
            z = self.classes(z, label)
        return [z[:, :, None, None]]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture in [-1, 1]."""
        x = through(self.stages[index], x)
        if index < len(self.stages) - 1 or (self.low, self.high) == (-1, 1):
            return x
        return (x - self.low) * (2 / (self.high - self.low)) - 1

    def layer_weights(self) -> list[Tensor]:
        """What the first weighted layer does with the latent: one matrix (outputs, Z)."""
        return [self.matrix]


def generator(
    tensors: Mapping[str, Tensor], spec: Spec, meta: Meta, device: torch.device, family: str
) -> Latent:
    """The generator that a spec describes, of tensors such as (O, I, k, k). Raises BadData, naming
    the layer or tensor that is wrong."""
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
    return Latent(network, info, device, spec.distribution)


def network_of(
    reader: TensorReader, spec: Spec, makers: Mapping[str, Maker] = MAKERS
) -> Sequential:
    """The network of a spec, of tensors such as (O, I, k, k). Raises Misfit, Refusal, naming the
    layer or tensor that is wrong."""
    classes = _classes(reader, spec) if spec.classes else None
    joined = classes.width(spec.classes) if classes and spec.join == "concat" else 0
    width = spec.latent + joined
    steps, size = made(reader, spec.layers, (width, 1, 1), makers, spec.latent)
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
    start = 0 if spec.latent_first else joined
    matrix = linear_map(steps, width, start, spec.latent)
    return Sequential(names, stages, matrix, classes, spec.low, spec.high)


def _classes(reader: TensorReader, spec: Spec) -> Classes:
    name = spec.embedding
    if not name:
        return Classes(None, None, spec.join, spec.latent_first)
    try:
        table, bias = _class_table(reader, name, spec)
    except Refusal as refusal:
        raise Misfit(refusal.code, refusal.what, CHECK, ("classes", "embedding")) from None
    if spec.join in EQUAL and table.shape[1] != spec.latent:
        what = f"a {spec.join} needs classes as wide as the latent: {table.shape[1]} is not "
        raise Misfit("wrong-shape", f"{what}{spec.latent}", CHECK, ("classes", "embedding"))
    return Classes(table, bias, spec.join, spec.latent_first)


def _class_table(reader: TensorReader, name: str, spec: Spec) -> tuple[Tensor, Tensor | None]:
    """(classes, E) and the bias (E,) of a Linear, where there is one."""
    layer = "" if name in reader and not name.endswith(".weight") else name.removesuffix(".weight")
    table = take_weight(reader, layer, -1, -1) if layer else reader.take(name, -1, -1)
    kind = spec.embedding_kind or class_kind(tuple(table.shape), spec.classes)
    biased = bool(layer) and f"{layer}.bias" in reader  # which embeddings never are
    if kind == "linear" or (biased and not spec.embedding_kind):
        table, kind = table.t().contiguous(), "linear"
    if table.shape[0] != spec.classes:
        wanted = "[count, width] of an embedding or [width, count] of a Linear"
        there = list(table.t().shape if kind == "linear" else table.shape)
        what = f"tensor '{clean(name)}' has the shape {there}, not {wanted}"
        raise Refusal("wrong-shape", f"{what}, count {spec.classes}", CHECK)
    bias = reader.take(f"{layer}.bias", table.shape[1]) if biased and kind == "linear" else None
    return table, bias


def class_kind(shape: tuple[int, ...], classes: int) -> str:
    """ "embedding" for (classes, E), "linear" for (E, classes); of a square, the first."""
    return "linear" if shape[0] != classes and shape[-1] == classes else "embedding"


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
