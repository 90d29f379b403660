"""lightweight-gan generators (lucidrains): FastGAN's plan with other layers, under their own names.

The plan is Liu et al. 2021 (arXiv:2101.04775), section 3.1. A layer doubles the picture by a pixel
shuffle; gates come from a global context (Cao et al. 2020, arXiv:2012.13375) or from frequencies
(Qin et al. 2020, arXiv:2012.11879) of the features three layers before; some layers begin with
attention, linear and local side by side. Files hold colours in 0..1. Convolutions add one picture
of noise to all channels, which no file holds: "const" is the seed 0.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models import ops
from latty.models.base import Meta, ModelInfo, Shapes
from latty.models.latent_generator import Conditions, Latent
from latty.models.layers import BatchNorm, norm
from latty.models.state_dict import TensorReader, moved, shapes_of
from latty.scene import Noise

__all__ = ["build"]

ORIGIN = "lightweight-gan that latty imported, .safetensors"
CHECKED = "the layouts that become it"
SIGNATURE = {
    "initial_conv.0.weight": (-1, -1, 4, 4),
    "layers.0.0.0.net.0.weight": (-1, -1, 1, 1),
    "layers.0.0.2.1.weight": (-1, -1, 4, 4),
    "out_conv.weight": 4,
}
NOISE = True
FP32_ONLY = True

MOST = 9  # layers: 2048 px
AHEAD = 3  # layers from the features to those that they gate
HEAD = 64  # width of a head of attention
LOCAL = 3  # px: the neighbourhood of local attention

Linear = tuple[Tensor, Tensor]  # weight (O, I, 1, 1) and bias (O,) of a 1x1 convolution


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one."""
    shapes = shapes_of(tensors)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network = moved(_network(TensorReader(tensors), shapes), device)
    z_dim = len(network.init)
    info = ModelInfo.of(
        meta,
        "lightweight_gan",
        resolution=4 << len(network.layers),
        channels=len(network.rgb[0]),
        z_dim=z_dim,
        num_layers=1,
        width=z_dim,
        space="z",
    )
    return Latent(network, info, device)


@dataclass(frozen=True, slots=True)
class Gates:
    """Gates (N, O, 1, 1) of features (N, I, H, W): a weighted sum over the pixels, two layers."""

    key: Linear | None  # global context: the pixels' weights are a softmax of this
    frequencies: Tensor | None  # (1, I, H, W): or they are fixed
    first: Linear
    second: Linear

    def __call__(self, x: Tensor) -> Tensor:
        if self.key is not None:
            share = F.conv2d(x, *self.key).flatten(2).softmax(2)
            pooled = (x.flatten(2) * share).sum(2)
        else:
            pooled = (x * cast(Tensor, self.frequencies)).sum((2, 3))
        y = F.leaky_relu(F.conv2d(pooled[..., None, None], *self.first), 0.1)
        return torch.sigmoid(F.conv2d(y, *self.second))


@dataclass(frozen=True, slots=True)
class DoubleAttention:
    """x + o(gelu(linear attention), local attention) of x normalised over its channels."""

    gain: Tensor  # (1, C, 1, 1)
    shift: Tensor
    linear_query: Tensor  # (heads * HEAD, C, 1, 1)
    linear_deep: Tensor  # (C, 1, 3, 3): keys and values of the linear one, depthwise first
    linear_wide: Tensor  # (2 * heads * HEAD, C, 1, 1)
    query: Tensor
    keys: Tensor  # (2 * heads * HEAD, C, 1, 1): keys and values of the local one
    out: Linear

    def __call__(self, x: Tensor) -> Tensor:
        spread, mean = torch.var_mean(x, 1, unbiased=False, keepdim=True)
        y = (x - mean) / (spread + 1e-5).sqrt() * self.gain + self.shift
        both = torch.cat([F.gelu(self._linear(y)), self._local(y)], 1)
        return x + F.conv2d(both, *self.out)

    def _linear(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        query = F.conv2d(x, self.linear_query).reshape(-1, HEAD, h * w)
        pairs = F.conv2d(F.conv2d(x, self.linear_deep, padding=1, groups=c), self.linear_wide)
        key, value = (part.reshape(-1, HEAD, h * w) for part in pairs.chunk(2, 1))
        context = key.softmax(2) @ value.transpose(1, 2)  # (N heads, HEAD, HEAD)
        seen = context.transpose(1, 2) @ (query.softmax(1) * HEAD**-0.5)
        mixed: Tensor = seen.reshape(n, -1, h, w)
        return mixed

    def _local(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        query = F.conv2d(x, self.query).reshape(-1, 1, HEAD, h * w)
        pairs = F.conv2d(x, self.keys).chunk(2, 1)
        key, value = (
            F.unfold(part.reshape(-1, HEAD, h, w), LOCAL, padding=LOCAL // 2)
            .reshape(-1, HEAD, LOCAL * LOCAL, h * w)
            .transpose(1, 2)
            for part in pairs
        )  # (N heads, neighbours, HEAD, H W)
        share = ((query * HEAD**-0.5) * key).sum(2, keepdim=True).softmax(1)
        mixed: Tensor = (share * value).sum(1).reshape(n, -1, h, w)
        return mixed


@dataclass(frozen=True, slots=True)
class LightweightLayer:
    """DoubleAttention, twice the pixels, a 4x4 convolution with noise, a norm and a gated unit."""

    attention: DoubleAttention | None
    shuffle: Linear  # (4 I, I, 1, 1)
    blurred: bool
    conv: tuple[Tensor, Tensor]  # (2 O, I, 4, 4), (2 O,)
    strength: Tensor  # (1,)
    norm: BatchNorm
    gates: Gates | None  # of the features AHEAD layers on

    def __call__(self, x: Tensor, noise: Tensor | None) -> Tensor:
        x = x if self.attention is None else self.attention(x)
        x = F.pixel_shuffle(F.silu(F.conv2d(x, *self.shuffle)), 2)
        x = F.conv2d(F.pad(_blur(x) if self.blurred else x, (2, 1, 2, 1)), *self.conv)
        x = x if noise is None else x + self.strength * noise
        return F.glu(self.norm(x), 1)


def _blur(x: Tensor) -> Tensor:
    line = ops.constant((0.25, 0.5, 0.25), torch.float32, x.device)
    weight = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, groups=x.shape[1])


@dataclass(frozen=True, eq=False)
class LightweightNetwork:
    """A StagedNetwork of one code layer: initial_conv, layers.0, layers.1, ..., out_conv."""

    names: tuple[str, ...]
    init: Tensor  # (Z, 2 C, 4, 4)
    bias: Tensor
    norm: BatchNorm
    layers: tuple[LightweightLayer, ...]
    rgb: tuple[Tensor, Tensor]
    noise: Noise = "const"

    def with_noise(self, noise: Noise) -> "LightweightNetwork":
        """The same weights with the noise of a scene."""
        return replace(self, noise=noise)

    def conditions(self, codes: Tensor, label: Tensor | None) -> Conditions:
        """The latent (N, Z) of codes (N, 1, Z)."""
        return Conditions([codes[:, 0]])

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture."""
        if index == 0:
            x = F.conv_transpose2d(x[:, :, None, None], self.init, self.bias)
            return F.normalize(F.glu(self.norm(x), 1), dim=1)
        if index > len(self.layers):
            return F.conv2d(x, *self.rgb, padding=1) * 2 - 1
        kept, place = cast(Conditions, conditions).kept, index - 1
        before, early = place - 1, place - AHEAD
        if before >= 0 and self.layers[before].gates is not None:
            kept.setdefault(before, x)
        x = self.layers[place](x, self._picture(place))
        if early in kept:
            if self.layers[place].gates is not None:  # it gates by what it is not gated by yet
                kept[place] = x
            x = x * cast(Gates, self.layers[early].gates)(kept.pop(early))
        return x

    def _picture(self, place: int) -> Tensor | None:
        if self.noise == "none":
            return None
        seed, size = 0 if self.noise == "const" else self.noise, 8 << place
        return ops.seeded_noise(seed, place, (size, size), self.init.device)

    def layer_weights(self) -> list[Tensor]:
        """What the first layer does with the latent: one matrix (outputs, Z)."""
        return [self.init.flatten(1).t()]


def _network(reader: TensorReader, shapes: Shapes) -> LightweightNetwork:
    found = [int(m[1]) for name in shapes if (m := re.match(r"layers\.(\d{1,3})\.", name))]
    count = max(found) + 1
    if count > MOST:
        raise Refusal("unknown-architecture", f"{count} layers, at most {MOST}", OTHER)
    init = reader.take("initial_conv.0.weight", -1, -1, 4, 4)
    wide = init.shape[1]
    bias, first = reader.take("initial_conv.0.bias", wide), norm(reader, "initial_conv.1", wide)
    widths, layers = [wide // 2], []
    for place in range(count):
        prefix = f"layers.{place}"
        conv = reader.take(f"{prefix}.0.2.1.weight", -1, widths[-1], 4, 4)
        widths.append(len(conv) // 2)
        layers.append((prefix, conv))
    made = tuple(_layer(reader, shapes, layers, widths, place) for place in range(count))
    rgb = reader.take("out_conv.weight", -1, widths[-1], 3, 3)
    rgb_bias = reader.take("out_conv.bias", len(rgb))
    reader.finish(r"layers\.\d+\.0\.1\.f")
    names = ("initial_conv", *(prefix for prefix, _ in layers), "out_conv")
    return LightweightNetwork(names, init, bias, first, made, (rgb, rgb_bias))


def _layer(
    reader: TensorReader,
    shapes: Shapes,
    layers: Sequence[tuple[str, Tensor]],
    widths: Sequence[int],
    place: int,
) -> LightweightLayer:
    (prefix, conv), width, out = layers[place], widths[place], widths[place + 1]
    gates = None
    if any(name.startswith(f"{prefix}.1.") for name in shapes):
        target = place + AHEAD + 1
        if target >= len(widths):
            what = f"'{prefix}.1' gates layer {target - 1}, and there is none"
            raise Refusal("unknown-architecture", what, OTHER)
        gates = _gates(reader, f"{prefix}.1", out, widths[target], 8 << place)
    attention = None
    if any(name.startswith(f"{prefix}.2.") for name in shapes):
        attention = _attention(reader, f"{prefix}.2", width)
    return LightweightLayer(
        attention,
        _linear(reader, f"{prefix}.0.0.net.0", 4 * width, width),
        f"{prefix}.0.1.f" in reader,
        (conv, reader.take(f"{prefix}.0.2.1.bias", 2 * out)),
        reader.take(f"{prefix}.0.3.weight", 1),
        norm(reader, f"{prefix}.0.4", 2 * out),
        gates,
    )


def _linear(reader: TensorReader, prefix: str, out: int, width: int) -> Linear:
    weight = reader.take(f"{prefix}.weight", out, width, 1, 1)
    return weight, reader.take(f"{prefix}.bias", len(weight))


def _gates(reader: TensorReader, prefix: str, width: int, out: int, size: int) -> Gates:
    fixed = reader.maybe(f"{prefix}.dct_weights", 1, width, size, size)
    key = _linear(reader, f"{prefix}.to_k", 1, width) if fixed is None else None
    first = _linear(reader, f"{prefix}.net.0", -1, width)
    return Gates(key, fixed, first, _linear(reader, f"{prefix}.net.2", out, len(first[0])))


def _attention(reader: TensorReader, prefix: str, width: int) -> DoubleAttention:
    query = reader.take(f"{prefix}.fn.to_lin_q.weight", -1, width, 1, 1)
    inner = len(query)
    if inner % HEAD:
        what = f"'{prefix}' has {inner} features of attention, no multiple of {HEAD}"
        raise Refusal("wrong-shape", what, OTHER)
    return DoubleAttention(
        reader.take(f"{prefix}.norm.g", 1, width, 1, 1),
        reader.take(f"{prefix}.norm.b", 1, width, 1, 1),
        query,
        reader.take(f"{prefix}.fn.to_lin_kv.net.0.weight", width, 1, 3, 3),
        reader.take(f"{prefix}.fn.to_lin_kv.net.1.weight", 2 * inner, width, 1, 1),
        reader.take(f"{prefix}.fn.to_q.weight", inner, width, 1, 1),
        reader.take(f"{prefix}.fn.to_kv.weight", 2 * inner, width, 1, 1),
        _linear(reader, f"{prefix}.fn.to_out", width, 2 * inner),
    )
