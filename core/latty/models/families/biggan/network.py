"""The BigGAN generator network with BigGAN-PyTorch's tensor names.

Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
(arXiv:1809.11096), appendix B, figure 15. Letters: N batch, Z z-width, D width of a chunk of z,
K of a class embedding, E of a condition, I O C channels, H W pixels.

Hierarchical latents (section 3): z is cut into one chunk per consumer; chunk 0 is read by the first
linear layer, chunk i + 1, beside the class embedding, by the norms of block i. Without hierarchy
all of z is read by the linear layer and the norms see the class alone; then there may be no shared
embedding: each norm has a table of its own, (classes, C), and no spectral norm. A network of one
class is one without classes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models import ops_biggan as ops
from latty.models.base import Shapes
from latty.models.ops import enlarge
from latty.models.state_dict import TensorReader, shape_of

MOST = 12  # blocks: 16384 px
# Singular values, kept for logs; vectors of further ones; how often statistics were added up.
UNUSED = r".*\.(sv\d|u[1-9]|bn\.accumulation_counter)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the tensors show."""

    blocks: int
    shared: int | None  # K; None: each norm has a table of its own
    chunk: int  # D
    rows: int  # of the tables that a class chooses from
    hierarchical: bool

    @property
    def classes(self) -> int:
        return self.rows if self.rows > 1 else 0

    @property
    def layers(self) -> int:
        """L: the linear layer and, where z is hierarchical, each block."""
        return self.blocks + 1 if self.hierarchical else 1

    @property
    def condition(self) -> int:
        """E of a block's norms."""
        if self.shared is None:
            return self.rows
        return self.shared + self.chunk * self.hierarchical


def read_sizes(shapes: Shapes) -> Sizes:
    """The sizes that the tensors show. Raises BadData where they contradict each other."""
    numbers = {int(m[1]) for name in shapes if (m := re.match(r"blocks\.(\d{1,3})\.", name))}
    chunk = shape_of(shapes, "linear.weight", 2)[1]
    rows, condition = shape_of(shapes, "blocks.0.0.bn1.gain.weight", 2)
    if "shared.weight" not in shapes:
        sizes = Sizes(max(numbers) + 1, None, chunk, rows, False)
        condition = rows
    else:
        classes, shared = shape_of(shapes, "shared.weight", 2)
        sizes = Sizes(max(numbers) + 1, shared, chunk, classes, condition > shared)
    if condition != sizes.condition:
        what = f"tensor 'blocks.0.0.bn1.gain.weight' reads {condition} numbers"
        hint = f"the class embedding has {sizes.shared}, a chunk of z {chunk}"
        raise Refusal("wrong-shape", what, hint)
    if sizes.blocks > MOST:
        raise Refusal("unknown-architecture", f"{sizes.blocks} blocks, at most {MOST}", OTHER)
    return sizes


@dataclass(frozen=True, slots=True)
class BigGANBlock:
    """Two 3x3 convolutions around a doubling, a 1x1 shortcut, then attention where there is any."""

    norms: tuple[ops.ConditionalNorm, ops.ConditionalNorm]
    convs: tuple[ops.OddConv, ops.OddConv]
    shortcut: ops.OddConv
    attention: ops.Attention | None

    def __call__(self, x: Tensor, condition: Tensor, truncation: float) -> Tensor:
        y = self.convs[0](F.relu_(self.norms[0](x, condition, truncation)))
        y = self.convs[1](F.relu_(self.norms[1](y, condition, truncation)))
        # A 1x1 convolution and nearest up-sampling commute: a quarter of the work.
        y = y + enlarge(self.shortcut(x))
        return y if self.attention is None else self.attention(y)


@dataclass(frozen=True, eq=False)
class BigGANNetwork:
    """Stages: the linear layer, each block, then the picture."""

    names: tuple[str, ...]
    sizes: Sizes
    shared: Tensor | None  # (classes, K)
    linear: Tensor  # (16 C, D)
    bias: Tensor
    blocks: tuple[BigGANBlock, ...]
    statistics: ops.Statistics  # of the last norm
    gain: Tensor  # (C,)
    shift: Tensor
    rgb: ops.OddConv

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """The linear layer's chunk (N, D), then each block's condition (N, E)."""
        label = codes.new_ones(len(codes), 1) if label is None else label
        embedded = label if self.shared is None else label @ self.shared
        first, *rest = codes.unbind(1)
        if not self.sizes.hierarchical:
            return [first, *[embedded] * len(self.blocks)]
        return [first, *(torch.cat([embedded, chunk], 1) for chunk in rest)]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features after one stage; the last one gives the picture (N, C, H, W)."""
        if index == 0:
            y = F.linear(x, self.linear, self.bias).view(len(x), -1, 4, 4)  # channels first
            return y.to(self.rgb.weight.dtype)
        if index <= len(self.blocks):
            return self.blocks[index - 1](x, conditions[index], truncation)
        x = F.relu_(self.statistics.norm(x, self.gain, self.shift, truncation))
        return torch.tanh(self.rgb(x).float())

    def layer_weights(self) -> list[Tensor]:
        """The linear layer's matrix (16 C, D); of each block's gains and shifts, the columns of
        its chunk."""
        read = [self.linear]
        if self.sizes.hierarchical and self.sizes.shared is not None:
            for block in self.blocks:
                matrices = [part for norm in block.norms for part in (norm.gain, norm.shift)]
                read.append(torch.cat(matrices)[:, self.sizes.shared :])
        return read


class BigGANBuilder(ops.Builder):
    """Takes a BigGANNetwork out of the tensors of a file."""

    def __init__(
        self,
        reader: TensorReader,
        shapes: Shapes,
        bn_eps: float,
        sn_eps: float,
        last_eps: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.reader, self.shapes, self.dtype = reader, shapes, dtype
        self.bn_eps, self.sn_eps, self.last_eps = bn_eps, sn_eps, last_eps
        self.sizes = read_sizes(shapes)

    def network(self) -> BigGANNetwork:
        sizes = self.sizes
        shared = self.reader.maybe("shared.weight", sizes.rows, -1)
        width = shape_of(self.shapes, "blocks.0.0.conv1.weight", 4)[1]
        linear = self.normed("linear", 16 * width, sizes.chunk)
        bias = self.reader.take("linear.bias", 16 * width)
        blocks: list[BigGANBlock] = []
        for i in range(sizes.blocks):
            blocks.append(self.block(f"blocks.{i}", width))
            width = blocks[-1].convs[1].outputs
        rgb = self.conv("output_layer.2", width, 3)
        statistics = self.statistics("output_layer.0", width, self.last_eps)
        gain, shift = (self.reader.take(f"output_layer.0.{n}", width) for n in ("gain", "bias"))
        self.reader.finish(UNUSED)
        return BigGANNetwork(
            names=("linear", *(f"block{i}" for i in range(sizes.blocks)), "image"),
            sizes=sizes,
            shared=shared,
            linear=linear,
            bias=bias,
            blocks=tuple(blocks),
            statistics=statistics,
            gain=gain,
            shift=shift,
            rgb=rgb,
        )

    def divided(self, prefix: str, *shape: int) -> Tensor:
        """A weight, as (O, I, k, k), divided by its largest singular value; as it is where the
        network was trained without spectral norm."""
        weight = self.reader.take(f"{prefix}.weight", *shape)
        u = self.reader.maybe(f"{prefix}.u0", 1, weight.shape[0])
        return weight if u is None else ops.spectral_norm_stepped(weight, u, self.sn_eps)

    def statistics(self, prefix: str, width: int, eps: float) -> ops.Statistics:
        """The one row of statistics that a norm of `width` channels keeps."""
        inner = f"{prefix}.bn" if f"{prefix}.bn.stored_mean" in self.reader else prefix  # "mybn"
        mean = self.reader.take(f"{inner}.stored_mean", width)
        variance = self.reader.take(f"{inner}.stored_var", width)
        return ops.Statistics(mean[None], variance[None], eps)

    def norm(self, prefix: str, width: int) -> ops.ConditionalNorm:
        gain, shift = (self._condition(f"{prefix}.{name}", width) for name in ("gain", "bias"))
        return ops.ConditionalNorm(self.statistics(prefix, width, self.bn_eps), gain, shift)

    def _condition(self, prefix: str, width: int) -> Tensor:
        """The matrix (C, E) that gives a norm's gain or shift."""
        if self.sizes.shared is None:
            return self.reader.take(f"{prefix}.weight", self.sizes.rows, width).t().contiguous()
        return self.normed(prefix, width, self.sizes.condition)

    def block(self, prefix: str, width: int) -> BigGANBlock:
        conv1 = self.conv(f"{prefix}.0.conv1", width, 3, up=True)
        out = conv1.outputs
        convs = conv1, self.conv(f"{prefix}.0.conv2", out, 3, out)
        norms = self.norm(f"{prefix}.0.bn1", width), self.norm(f"{prefix}.0.bn2", out)
        shortcut = self.conv(f"{prefix}.0.conv_sc", width, 1, out)
        attention = None
        if f"{prefix}.1.gamma" in self.reader:
            names = [f"{prefix}.1.{part}" for part in ("theta", "phi", "g", "o")]
            attention = self.attention(names, out, self.reader.take(f"{prefix}.1.gamma"))
        return BigGANBlock(norms, convs, shortcut, attention)
