"""The BigGAN-deep generator network with Hugging Face's tensor names.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
(arXiv:1809.11096), appendix B, figure 16. Letters: N batch, L layers, Z z-width, E = 2 Z width of a
condition, I O C channels, H W pixels, S statistics per norm.

Every consumer of z has a code of its own: code 0 is read by gen_z, code j + 1 by GenBlock j. One
latent for all of them is the network as it was trained.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models import ops_biggan as ops
from latty.models.base import Shapes
from latty.models.ops import enlarge
from latty.models.state_dict import TensorReader, agree, positive, shape_of

MOST = 64  # GenBlocks
LAYERS = "generator.layers."
NUMBERED = re.compile(r"generator\.layers\.(\d{1,3})\.")


@dataclass(frozen=True, slots=True)
class BigGANDeepConfig:
    """What shapes do not show: which GenBlocks double the picture, and two numbers."""

    ups: tuple[bool, ...]
    eps: float = 1e-4  # of the batch norms
    attention: int | None = 8  # position among the modules, None = nowhere


def read_config(shapes: Shapes, said: Mapping[str, Any]) -> BigGANDeepConfig:
    """From the tensors and config.json; without it the released models' order: every other block
    doubles the picture, from the second on. Raises BadData where they contradict each other."""
    numbers = {int(m[1]) for name in shapes if (m := NUMBERED.match(name))}
    count = max(numbers) + 1
    if count > MOST:
        raise Refusal("unknown-architecture", f"it has {count} layers, at most {MOST}", OTHER)
    places = [i for i in range(count) if f"{LAYERS}{i}.gamma" in shapes]
    if len(places) > 1:
        raise Refusal("unknown-architecture", "it has two attention layers", OTHER)
    blocks = count - len(places)
    ups = tuple(i % 2 == 1 for i in range(blocks))
    layers = said.get("layers")
    if layers is not None:
        ups = _ups(layers, blocks)
        shown = {"output_dim": 4 << sum(ups), "num_classes": shapes["embeddings.weight"][1]}
        agree(said, shown)
    return BigGANDeepConfig(ups, positive(said, "eps", 1e-4), places[0] if places else None)


def _ups(layers: Any, blocks: int) -> tuple[bool, ...]:
    fits = isinstance(layers, list) and len(layers) == blocks
    if not fits or not all(isinstance(x, list) and x and isinstance(x[0], bool) for x in layers):
        what = f"config.json's layers are not the {blocks} blocks of the tensors"
        raise Refusal("wrong-shape", what, "take both files from one folder")
    return tuple(layer[0] for layer in layers)


@dataclass(frozen=True, slots=True)
class BigGANDeepBlock:
    """Bottleneck of 1x1, 3x3, 3x3 and 1x1 convolutions, the second of the doubled picture where
    `up`; the shortcut drops channels."""

    norms: tuple[ops.ConditionalNorm, ...]
    convs: tuple[ops.OddConv, ...]
    up: bool

    def __call__(self, x: Tensor, condition: Tensor, truncation: float) -> Tensor:
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(F.relu_(norm(y, condition, truncation)))
        x = x[:, : y.shape[1]]
        return y + (enlarge(x) if self.up else x)


@dataclass(frozen=True, eq=False)
class BigGANDeepNetwork:
    """Stages: gen_z, each GenBlock (with the attention before it), then the picture."""

    names: tuple[str, ...]
    embeddings: Tensor  # (Z, classes)
    gen_z: Tensor  # (16 C, E)
    gen_z_bias: Tensor
    blocks: tuple[BigGANDeepBlock, ...]
    attention: ops.Attention | None
    attended: int  # the GenBlock that attention comes before
    statistics: ops.Statistics  # of the last norm
    gain: Tensor  # (C,)
    shift: Tensor
    rgb: ops.OddConv

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """Condition (N, E) of each consumer: its latent and the class embedding."""
        assert label is not None
        embedded = label @ self.embeddings.t()
        return [torch.cat([code, embedded], 1) for code in codes.unbind(1)]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features after one stage; the last one gives the picture (N, 3, H, W)."""
        if index == 0:
            y = F.linear(x, self.gen_z, self.gen_z_bias).view(len(x), 4, 4, -1)  # channels last
            return y.permute(0, 3, 1, 2).to(self.rgb.weight.dtype)
        if index <= len(self.blocks):
            if self.attention is not None and index - 1 == self.attended:
                x = self.attention(x)
            x = self.blocks[index - 1](x, conditions[index], truncation)
            if self.attention is not None and index == self.attended == len(self.blocks):
                x = self.attention(x)
            return x
        x = F.relu_(self.statistics.norm(x, self.gain, self.shift, truncation))
        return torch.tanh(self.rgb(x).float())

    def layer_weights(self) -> list[Tensor]:
        """The columns (outputs, Z) that read z: of gen_z, and of each block's gains and shifts."""
        z = self.embeddings.shape[0]
        read = [self.gen_z[:, : self.gen_z.shape[1] - z]]
        for block in self.blocks:
            matrices = [part for norm in block.norms for part in (norm.gain, norm.shift)]
            read.append(torch.cat(matrices)[:, : self.gen_z.shape[1] - z])
        return read


class BigGANDeepBuilder(ops.Builder):
    """Takes a BigGANDeepNetwork out of the tensors of a file."""

    def __init__(
        self,
        reader: TensorReader,
        shapes: Shapes,
        config: BigGANDeepConfig,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.reader, self.shapes, self.config, self.dtype = reader, shapes, config, dtype
        self.condition = shape_of(shapes, "generator.gen_z.weight_orig", 2)[1]
        self.rows = shape_of(shapes, "generator.bn.running_means", 2)[0]  # of statistics
        if self.rows < 2:
            raise Refusal("wrong-shape", "the batch norms keep fewer than two statistics", OTHER)

    def network(self) -> BigGANDeepNetwork:
        """The whole network. Raises Refusal for a tensor that does not fit the others."""
        embeddings = self.reader.take("embeddings.weight", -1, -1)
        if embeddings.shape[0] >= self.condition:
            what = "tensor 'embeddings.weight' leaves no room for z in generator.gen_z"
            raise Refusal("wrong-shape", what, OTHER)
        gen_z = self.normed("generator.gen_z", -1, self.condition)
        first = shape_of(self.shapes, f"{LAYERS}0.bn_0.running_means", 2)[1]
        bias = self.reader.take("generator.gen_z.bias", gen_z.shape[0])
        blocks: list[BigGANDeepBlock] = []
        width, attention = first, None
        if gen_z.shape[0] != 16 * width:
            what = f"tensor 'generator.gen_z.weight_orig' does not give 4 x 4 x {width} features"
            raise Refusal("wrong-shape", what, OTHER)
        place = self.config.attention
        for j in range(len(self.config.ups) + (place is not None)):
            if j == place:
                attention = self._attention(f"{LAYERS}{j}", width)
                continue
            block = self.block(f"{LAYERS}{j}", width, self.config.ups[len(blocks)])
            blocks.append(block)
            width = block.convs[-1].outputs
        rgb = self.conv("generator.conv_to_rgb", width, 3)
        if rgb.outputs < 3:
            raise Refusal("wrong-shape", "'generator.conv_to_rgb' gives fewer than 3 maps", OTHER)
        statistics = self.statistics("generator.bn", width)
        gain, shift = (self.reader.take(f"generator.bn.{n}", width) for n in ("weight", "bias"))
        self.reader.finish()
        return BigGANDeepNetwork(
            names=("gen_z", *(f"block{i}" for i in range(len(blocks))), "image"),
            embeddings=embeddings,
            gen_z=gen_z,
            gen_z_bias=bias,
            blocks=tuple(blocks),
            attention=attention,
            attended=-1 if place is None else place,
            statistics=statistics,
            gain=gain,
            shift=shift,
            rgb=self.made(rgb.weight[:3], rgb.bias[:3]),
        )

    def _attention(self, prefix: str, width: int) -> ops.Attention:
        names = [f"{prefix}.snconv1x1_{part}" for part in ("theta", "phi", "g", "o_conv")]
        return self.attention(names, width, self.reader.take(f"{prefix}.gamma", 1))

    def divided(self, prefix: str, *shape: int) -> Tensor:
        """A weight, as (O, I, k, k), divided by its largest singular value."""
        weight = self.reader.take(f"{prefix}.weight_orig", *shape)
        u = self.reader.take(f"{prefix}.weight_u", weight.shape[0])
        v = self.reader.maybe(f"{prefix}.weight_v", weight[0].numel())
        return ops.spectral_norm_stored(weight, u, v, self.config.eps)

    def statistics(self, prefix: str, width: int) -> ops.Statistics:
        """The S rows of statistics that a norm of `width` channels keeps."""
        means = self.reader.take(f"{prefix}.running_means", self.rows, width)
        variances = self.reader.take(f"{prefix}.running_vars", self.rows, width)
        return ops.Statistics(means, variances, self.config.eps)

    def norm(self, prefix: str, width: int) -> ops.ConditionalNorm:
        scale = self.normed(f"{prefix}.scale", width, self.condition)
        offset = self.normed(f"{prefix}.offset", width, self.condition)
        return ops.ConditionalNorm(self.statistics(prefix, width), scale, offset)

    def block(self, prefix: str, width: int, up: bool) -> BigGANDeepBlock:
        """One GenBlock of `width` channels. Raises Refusal where its shortcut does not fit."""
        norms, convs, inputs = [], [], width
        for i, side in enumerate((1, 3, 3, 1)):
            norms.append(self.norm(f"{prefix}.bn_{i}", width))
            convs.append(self.conv(f"{prefix}.conv_{i}", width, side, up=up and i == 1))
            width = convs[-1].outputs
        if width not in (inputs, inputs // 2):  # the shortcut keeps all channels or half of them
            what = f"tensor '{prefix}.conv_3.weight_orig' gives {width} of {inputs} channels"
            raise Refusal("wrong-shape", what, OTHER)
        return BigGANDeepBlock(tuple(norms), tuple(convs), up)
