"""What enters the first layer of a plain network: the latent, and the class that is joined to it.

Letters: N batch, Z latent width, E width of a class, C channels, H W pixels. Each of the two may
run through layers of its own first, as in cDCGANs, whose branches meet behind a convolution each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.layers import Size, Step, through
from latty.models.makers import CHECK, Maker, made, spelt
from latty.models.reparametrised import take_weight
from latty.models.spec import Misfit, Spec
from latty.models.state_dict import TensorReader
from latty.text import clean


@dataclass(frozen=True, slots=True)
class Classes:
    """What a class brings: weights (N, classes) @ table (classes, E) + bias (E,), then layers."""

    table: Tensor | None  # None: the weights themselves
    bias: Tensor | None
    steps: tuple[Step, ...]
    size: Size  # of what the layers give

    def __call__(self, label: Tensor) -> Tensor:
        """Features (N, C, H, W) of class weights (N, classes)."""
        told = label if self.table is None else label @ self.table
        told = told if self.bias is None else told + self.bias
        return through(self.steps, told[:, :, None, None])


@dataclass(frozen=True, slots=True)
class Entrance:
    """The latent after its own layers, joined with its class; without either, as it is."""

    steps: tuple[Step, ...] = ()
    classes: Classes | None = None
    join: str = "concat"
    latent_first: bool = True

    def __call__(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Features (N, C, H, W) of latents (N, Z) and class weights (N, classes)."""
        x = through(self.steps, z[:, :, None, None])
        return x if label is None or self.classes is None else self.joined(x, self.classes(label))

    def joined(self, x: Tensor, told: Tensor) -> Tensor:
        """Features of a latent and of a class, each (N, C, H, W), as one."""
        if self.join == "concat":
            return torch.cat([x, told] if self.latent_first else [told, x], 1)
        return x * told if self.join == "product" else x + told

    def alone(self, z: Tensor) -> Tensor:
        """Features (N, C, H, W) of latents (N, Z) with a class of zeros, in a product of ones."""
        x = through(self.steps, z[:, :, None, None])
        if self.classes is None:
            return x
        return self.joined(x, x.new_full((len(x), *self.classes.size), self.join == "product"))


def entrance_of(
    reader: TensorReader, spec: Spec, makers: Mapping[str, Maker]
) -> tuple[Entrance, Size]:
    """What enters the layers of a spec, and its size C, H, W. Raises Misfit, Refusal, naming the
    layer or tensor that is wrong."""
    place = ("latent", "layers")
    steps, size = made(reader, spec.latent_layers, (spec.latent, 1, 1), makers, spec.latent, place)
    classes = _classes(reader, spec, makers) if spec.classes else None
    entrance = Entrance(steps, classes, spec.join, spec.latent_first)
    if classes is None:
        return entrance, size
    there = classes.size
    if spec.join == "concat":
        if there[1:] != size[1:]:
            raise _unlike(spec, "classes of the height and width of the latent", there, size)
        return entrance, (size[0] + there[0], *size[1:])
    if there != size:
        raise _unlike(spec, "classes of the size of the latent", there, size)
    return entrance, size


def _unlike(spec: Spec, wanted: str, there: Size, size: Size) -> Misfit:
    what = f"a {spec.join} needs {wanted}: {spelt(there)} is not {spelt(size)}"
    key = () if spec.class_layers or not spec.embedding else ("embedding",)
    return Misfit("wrong-shape", what, CHECK, ("classes", *key))


def _classes(reader: TensorReader, spec: Spec, makers: Mapping[str, Maker]) -> Classes:
    table, bias, width = None, None, spec.classes
    if spec.embedding:
        try:
            table, bias = _class_table(reader, spec.embedding, spec)
        except Refusal as refusal:
            raise Misfit(refusal.code, refusal.what, CHECK, ("classes", "embedding")) from None
        width = table.shape[1]
    place = ("classes", "layers")
    steps, size = made(reader, spec.class_layers, (width, 1, 1), makers, 1, place)
    return Classes(table, bias, steps, size)


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
