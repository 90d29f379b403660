"""What both BigGANs are made of: spectral norm, self-attention, conditional batch norm.

Letters: N batch, I O C channels, E width of a condition, H W pixels, S statistics per norm.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models.ops import doubling
from latty.models.state_dict import TensorReader

QUERIES = 512  # attended to at once: their scores stay in the cache


def spectral_norm_stored(weight: Tensor, u: Tensor, v: Tensor | None, eps: float = 1e-12) -> Tensor:
    """weight (O, ...) / sigma with sigma = u^T W v of the stored vectors, as torch does in eval.

    Without a stored v, one step of power iteration makes both (files of torch before 1.1).
    """
    matrix = weight.flatten(1).double()
    left = u.double()
    if v is None:
        right = F.normalize(matrix.t() @ left, dim=0, eps=eps)
        left = F.normalize(matrix @ right, dim=0, eps=eps)
    else:
        right = v.double()
    return (matrix / (left @ matrix @ right)).to(weight.dtype).view_as(weight)


def spectral_norm_stepped(weight: Tensor, u: Tensor, eps: float = 1e-6) -> Tensor:
    """weight (O, ...) / sigma after one step of power iteration from u (1, O) that is not kept, as
    BigGAN-PyTorch does in eval: v = u W, u' = v W^T, both of length 1, sigma = v W^T u'^T."""
    matrix = weight.flatten(1).double()
    right = F.normalize(u.double() @ matrix, dim=1, eps=eps)
    left = F.normalize(right @ matrix.t(), dim=1, eps=eps)
    return (matrix / (right @ matrix.t() @ left.t()).squeeze()).to(weight.dtype).view_as(weight)


def pick_statistics(table: Tensor, truncation: float) -> Tensor:
    """Statistics (C,) for a truncation in 0..1 from a table (S, C) in steps of 1 / (S - 1).

    As Hugging Face's BigGAN reads the table, which gives the two neighbours each other's weight:
    with truncation / step = i + f it takes f of row i and 1 - f of row i + 1. The division's
    rounding is part of it: 0.58 / 0.02 is just under 29 and means row 28, 0.14 / 0.02 just over
    7 and means row 8.
    """
    if len(table) == 1:
        return table[0]
    step = 1.0 / (len(table) - 1)
    part, whole = math.modf(min(max(truncation, 0.0), 1.0) / step)
    index = int(whole)
    if part == 0:
        return table[index]
    return table[index] * part + table[min(index + 1, len(table) - 1)] * (1 - part)


def scale_shift(
    x: Tensor, mean: Tensor, var: Tensor, eps: float, gain: Tensor, shift: Tensor
) -> Tensor:
    """Batch norm of x (N, C, H, W) by mean, var (C,), then gain and shift (C,) or (N, C)."""
    scale = gain * torch.rsqrt(var + eps)
    shift = shift - mean * scale
    return torch.addcmul(shift[..., None, None].to(x), x, scale[..., None, None].to(x))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Means and variances (S, C) of a batch norm; a truncation picks one row, or between two."""

    means: Tensor
    variances: Tensor
    eps: float

    def norm(self, x: Tensor, gain: Tensor, shift: Tensor, truncation: float) -> Tensor:
        """Batch norm of x (N, C, H, W), then gain and shift (C,) or (N, C)."""
        mean = pick_statistics(self.means, truncation)
        var = pick_statistics(self.variances, truncation)
        return scale_shift(x, mean, var, self.eps, gain, shift)


@dataclass(frozen=True, slots=True)
class ConditionalNorm:
    """Batch norm whose gain and shift a condition (N, E) gives."""

    statistics: Statistics
    gain: Tensor  # (C, E)
    shift: Tensor

    def __call__(self, x: Tensor, condition: Tensor, truncation: float) -> Tensor:
        gain, shift = 1 + condition @ self.gain.t(), condition @ self.shift.t()
        return self.statistics.norm(x, gain, shift, truncation)


@dataclass(frozen=True, slots=True)
class OddConv:
    """A convolution that keeps the size: its kernel is odd. With `up` it doubles the picture first,
    and its weight is what `doubling` makes of the odd one."""

    weight: Tensor  # (O, I, k, k); (I, O, 4, 4) where `up`
    bias: Tensor
    up: bool = False

    @property
    def outputs(self) -> int:
        return self.weight.shape[1 if self.up else 0]

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, I, H, W) -> (N, O, H, W), or twice the size where `up`."""
        if self.up:
            return F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[2] // 2)


@dataclass(frozen=True, slots=True)
class Attention:
    """x + gamma * o(values), Zhang et al. 2019 (SAGAN, arXiv:1805.08318, section 3).

    theta, phi (C/8, C, 1, 1), g (C/2, C, 1, 1), o (C, C/2, 1, 1), gamma one number. Keys and
    values are max-pooled to a quarter of the pixels; scores are not scaled.
    """

    theta: Tensor
    phi: Tensor
    g: Tensor
    o: Tensor
    gamma: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        query = F.conv2d(x, self.theta).flatten(2).transpose(1, 2)  # (N, H W, C/8)
        key = F.max_pool2d(F.conv2d(x, self.phi), 2).flatten(2)  # (N, C/8, H W / 4)
        value = F.max_pool2d(F.conv2d(x, self.g), 2).flatten(2)
        attend = _fused if x.is_cuda else _in_parts
        seen = attend(query, key, value).reshape(n, -1, h, w)
        return x + self.gamma * F.conv2d(seen, self.o)


def _fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention (N, C/2, H W), one head, written with its axis for the GPU's fast path."""
    heads = (query[:, None], key.transpose(1, 2)[:, None], value.transpose(1, 2)[:, None])
    return F.scaled_dot_product_attention(*heads, scale=1)[:, 0].transpose(1, 2)


def _in_parts(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same in plain products over a few queries at a time: half again as fast on a CPU. Scores
    are float32: rounded ones would be far off after the exponential."""
    kind = torch.promote_types(query.dtype, torch.float32)
    parts, key = torch.split(query.to(kind), QUERIES, 1), key.to(kind)
    scores = (torch.bmm(part, key).softmax(2).to(value.dtype) for part in parts)
    return torch.cat([torch.bmm(value, score.transpose(1, 2)) for score in scores], 2)


class Builder(ABC):
    """Takes the parts of a BigGAN out of the tensors of a file: what both families share. `divided`
    finds a spectral norm as the family's own code stores it."""

    reader: TensorReader
    dtype: torch.dtype  # of convolutions and attention

    @abstractmethod
    def divided(self, prefix: str, *shape: int) -> Tensor:
        """A weight, as (O, I, k, k), divided by its largest singular value."""

    def normed(self, prefix: str, *shape: int) -> Tensor:
        """As `divided`, a weight (O, I, k, k). Raises Refusal where its spectral norm is zero."""
        weight = self.divided(prefix, *shape)
        if not bool(torch.isfinite(weight).all()):
            raise Refusal("nonfinite", f"the spectral norm of '{prefix}' is zero", OTHER)
        return weight

    def conv(self, prefix: str, width: int, side: int, out: int = -1, up: bool = False) -> OddConv:
        """A convolution of `width` channels, with its bias; `up`: of the doubled picture."""
        weight = self.normed(prefix, out, width, side, side)
        bias = self.reader.take(f"{prefix}.bias", weight.shape[0])
        return self.made(doubling(weight) if up else weight, bias, up)

    def made(self, weight: Tensor, bias: Tensor, up: bool = False) -> OddConv:
        """A convolution of weight (O, I, k, k), bias (O,), laid out as it runs quickest."""
        weight = weight.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return OddConv(weight, bias.to(self.dtype), up)

    def attention(self, names: Sequence[str], width: int, gamma: Tensor) -> Attention:
        """Self-attention of `width` channels; names: theta, phi, g and o; gamma is a scalar."""
        eighth, half = max(width // 8, 1), max(width // 2, 1)
        shapes = (eighth, width), (eighth, width), (half, width), (width, half)
        pairs = zip(names, shapes, strict=True)
        theta, phi, g, o = (self.normed(name, *shape, 1, 1).to(self.dtype) for name, shape in pairs)
        return Attention(theta, phi, g, o, gamma.to(self.dtype))
