"""Networks that are one operation after another: what a Spec says, with the tensors of a file.

Letters: N batch, Z latent width, I O channels, H W pixels. Features are (N, C, H, W) throughout; a
latent is (N, Z, 1, 1), and what a linear layer gives is (N, O, 1, 1) until it is reshaped.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import ops
from latty.models.base import Meta, ModelInfo
from latty.models.latent_generator import Latent
from latty.models.spec import Layer, Spec
from latty.models.state_dict import TensorReader, moved
from latty.text import clean

Size = tuple[int, int, int]  # C, H, W
MOST = 2**28  # numbers in the features of one picture: 1 GiB
UNREAD = "name its layer in the spec, or leave it out: ignore = [...]"
CHECK = "compare the spec with the code that trained the network"


@dataclass(frozen=True, slots=True)
class Linear:
    weight: Tensor  # (O, I)
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), self.weight, self.bias)[:, :, None, None]


@dataclass(frozen=True, slots=True)
class Conv:
    weight: Tensor  # (O, I, k, k)
    bias: Tensor | None
    stride: int = 1
    padding: int = 1

    def __call__(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class ConvTranspose:
    weight: Tensor  # (I, O, k, k)
    bias: Tensor | None
    stride: int
    padding: int
    output_padding: int

    def __call__(self, x: Tensor) -> Tensor:
        more = self.output_padding
        return F.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding, more)


@dataclass(frozen=True, slots=True)
class Reshape:
    shape: Size

    def __call__(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


@dataclass(frozen=True, slots=True)
class Upsample:
    factor: int

    def __call__(self, x: Tensor) -> Tensor:
        return ops.enlarge(x, self.factor)


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch norm with its running statistics, folded: x * scale + shift, each (C, 1, 1)."""

    scale: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.shift, x, self.scale)


@dataclass(frozen=True, slots=True)
class Pointwise:
    function: Callable[[Tensor], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


Step = Callable[[Tensor], Tensor]
WEIGHED = (Linear, Conv, ConvTranspose)


def norm(
    reader: TensorReader, prefix: str, width: int, eps: float = 1e-5, affine: bool = True
) -> BatchNorm:
    """The batch norm of tensors PREFIX.weight, .bias, .running_mean, .running_var, each (C,).
    Raises BadData for a variance of zero without an eps."""
    mean = reader.take(f"{prefix}.running_mean", width).double()
    variance = reader.take(f"{prefix}.running_var", width).double()
    scale = torch.rsqrt(variance + eps)
    if not bool(torch.isfinite(scale).all()):
        raise BadData(
            f"tensor '{prefix}.running_var' is zero and eps is 0", "give the layer an eps"
        )
    shift = -mean * scale
    if affine:
        weight = reader.take(f"{prefix}.weight", width).double()
        scale, shift = scale * weight, shift * weight
        shift = shift + reader.take(f"{prefix}.bias", width).double()
    return BatchNorm(scale.float()[:, None, None], shift.float()[:, None, None])


def linear_map(steps: Sequence[Step], width: int, start: int, latent: int) -> Tensor:
    """The matrix (outputs, Z) of the steps up to the first weighted one, without its bias, for the
    Z = `latent` numbers from `start` on of the `width` that enter."""
    first = next(i for i, step in enumerate(steps) if isinstance(step, WEIGHED))
    x = torch.zeros(latent, width, 1, 1)
    x[:, start : start + latent, 0, 0] = torch.eye(latent)  # one unit vector per row
    for step in steps[:first]:
        x = step(x)
    x = replace(cast(Linear, steps[first]), bias=None)(x)
    return x.flatten(1).t().contiguous()


@dataclass(frozen=True, eq=False)
class Sequential:
    """A StagedNetwork of one code layer; `embedding` (classes, E) joins the latent."""

    names: tuple[str, ...]
    stages: tuple[tuple[Step, ...], ...]
    matrix: Tensor  # (outputs, Z)
    embedding: Tensor | None = None
    latent_first: bool = True
    low: float = -1.0
    high: float = 1.0

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """The latent with its class: [(N, Z + E, 1, 1)] of codes (N, 1, Z)."""
        parts = [codes[:, 0]]
        if label is not None:
            joined = label if self.embedding is None else label @ self.embedding
            parts.insert(1 if self.latent_first else 0, joined)
        return [torch.cat(parts, 1)[:, :, None, None]]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture in [-1, 1]."""
        for step in self.stages[index]:
            x = step(x)
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
        network = moved(_network(TensorReader(tensors), spec), device)
    info = ModelInfo.of(
        meta,
        family,
        resolution=spec.size,
        channels=spec.channels,
        z_dim=spec.latent,
        num_layers=1,
        width=spec.latent,
        num_classes=spec.classes,
        class_names=spec.class_names,
        space="z",
    )
    return Latent(network, info, device, spec.distribution)


def _network(reader: TensorReader, spec: Spec) -> Sequential:
    embedding = reader.take(spec.embedding, spec.classes, -1) if spec.embedding else None
    width = spec.latent + (spec.classes if embedding is None else embedding.shape[1])
    size: Size = (width, 1, 1)
    steps: list[Step] = []
    room = MOST // spec.latent  # until the first weights: the whole latent is sent through at once
    for i, layer in enumerate(spec.layers):
        step, size = _step(reader, layer, size, f"layer {i} ({layer.kind})")
        steps.append(step)
        if min(size) < 1 or size[0] * size[1] * size[2] > room:
            raise BadData(f"layer {i} ({layer.kind}) would give {_spelt(size)} features", CHECK)
        room = MOST if isinstance(step, WEIGHED) else room
    wanted = (spec.channels, spec.size, spec.size)
    if size != wanted:
        what = f"the network gives {_spelt(size)} pictures, the spec says {_spelt(wanted)}"
        raise Refusal("wrong-shape", what, CHECK)
    if not any(isinstance(step, WEIGHED) for step in steps):
        raise BadData("no layer of the spec has weights", CHECK)
    unused = "|".join(f"{re.escape(prefix)}.*" for prefix in spec.ignore)
    reader.finish(unused, UNREAD)
    names, stages = _stages(spec.layers, steps)
    matrix = linear_map(steps, width, 0 if spec.latent_first else width - spec.latent, spec.latent)
    return Sequential(names, stages, matrix, embedding, spec.latent_first, spec.low, spec.high)


def _spelt(size: Size) -> str:
    return f"{size[0]} x {size[1]} x {size[2]}"


def _step(reader: TensorReader, layer: Layer, size: Size, where: str) -> tuple[Step, Size]:
    """One operation, and the features' size after it; refusals say in which layer."""
    try:
        return _made(reader, layer, size)
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{where}: {refusal.what}", refusal.hint) from None
    except BadData as error:
        raise BadData(f"{where}: {error.message}", error.hint) from None


def _made(reader: TensorReader, layer: Layer, size: Size) -> tuple[Step, Size]:
    c, h, w = size
    if layer.kind == "linear":
        weight = reader.take(f"{layer.tensors}.weight", -1, c * h * w)
        return Linear(weight, _bias(reader, layer, weight.shape[0])), (weight.shape[0], 1, 1)
    if layer.kind in ("conv", "conv_transpose"):
        return _convolution(reader, layer, size)
    if layer.kind == "batch_norm":
        return norm(reader, layer.tensors, c, layer.eps, layer.affine), size
    if layer.kind == "reshape":
        shape = (layer.shape[0], layer.shape[1], layer.shape[2])
        if shape[0] * shape[1] * shape[2] != c * h * w:
            raise BadData(f"{_spelt(size)} features do not fill {_spelt(shape)}", CHECK)
        return Reshape(shape), shape
    if layer.kind == "upsample":
        return Upsample(layer.factor), (c, h * layer.factor, w * layer.factor)
    return Pointwise(_function(layer)), size


def _function(layer: Layer) -> Callable[[Tensor], Tensor]:
    if layer.kind == "leaky_relu":
        return partial(F.leaky_relu, negative_slope=layer.slope)
    functions = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
    return functions[layer.kind]


def _bias(reader: TensorReader, layer: Layer, width: int) -> Tensor | None:
    return reader.take(f"{layer.tensors}.bias", width) if layer.bias else None


def _convolution(reader: TensorReader, layer: Layer, size: Size) -> tuple[Step, Size]:
    (c, h, w), k = size, layer.kernel or -1
    name = f"{layer.tensors}.weight"
    if layer.kind == "conv":
        weight = reader.take(name, -1, c, k, k)
        side = _side(weight, name)
        out = [(n + 2 * layer.padding - side) // layer.stride + 1 for n in (h, w)]
        bias = _bias(reader, layer, weight.shape[0])
        step: Step = Conv(weight, bias, layer.stride, layer.padding)
        return step, (weight.shape[0], out[0], out[1])
    weight = reader.take(name, c, -1, k, k)
    side = _side(weight, name)
    more = layer.output_padding
    if more >= layer.stride and more:
        raise BadData("output_padding must be smaller than stride", CHECK)
    out = [(n - 1) * layer.stride - 2 * layer.padding + side + more for n in (h, w)]
    bias = _bias(reader, layer, weight.shape[1])
    step = ConvTranspose(weight, bias, layer.stride, layer.padding, more)
    return step, (weight.shape[1], out[0], out[1])


def _side(weight: Tensor, name: str) -> int:
    """The side of a square kernel."""
    if weight.shape[2] != weight.shape[3]:
        what = f"tensor '{clean(name)}' has the shape {list(weight.shape)}: its kernel is no square"
        raise Refusal("wrong-shape", what, "latty runs square kernels")
    return weight.shape[2]


def _stages(
    layers: Sequence[Layer], steps: Sequence[Step]
) -> tuple[tuple[str, ...], tuple[tuple[Step, ...], ...]]:
    """A stage per weighted layer, named as its tensors; what up-samples belongs to the next one."""
    names: list[str] = []
    stages: list[list[Step]] = [[]]
    begun = False  # whether the last stage has its weights already
    for layer, step in zip(layers, steps, strict=True):
        if begun and isinstance(step, (*WEIGHED, Upsample)):
            stages.append([])
            begun = False
        stages[-1].append(step)
        if isinstance(step, WEIGHED):
            names.append(clean(layer.tensors))
            begun = True
    if not begun:  # nothing weighted follows the last up-sampling
        stages[-2:] = [stages[-2] + stages[-1]]
    unique = [name if names.count(name) == 1 else f"{name}/{i}" for i, name in enumerate(names)]
    return tuple(unique), tuple(tuple(stage) for stage in stages)
