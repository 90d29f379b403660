"""Arithmetic the style-based families share: FIR resampling, modulated convolution, activations.

Letters: N batch, I input channels, O output channels, H W pixels, T filter taps.

A convolution whose weights are scaled per sample by a style is an ordinary convolution of a scaled
input, and demodulation is a scale of its output (Karras et al. 2020, StyleGAN2, section 2.2,
equations 1 and 3): the weights stay shared by the batch and are never written per sample.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latty.scene import Walk
from latty.stops import of_normals

EPS = 1e-8  # of pixel norm and demodulation, in every StyleGAN implementation


def _linear(x: Tensor) -> Tensor:
    return x


def _lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


class Activation(NamedTuple):
    """A pointwise function, the gain that restores its variance, whether f(a x) = a f(x), a > 0."""

    function: Callable[[Tensor], Tensor]
    gain: float
    homogeneous: bool


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(_linear, 1.0, True),
    "relu": Activation(F.relu, math.sqrt(2), True),
    "lrelu": Activation(_lrelu, math.sqrt(2), True),
    "tanh": Activation(torch.tanh, 1.0, False),
    "sigmoid": Activation(torch.sigmoid, 1.0, False),
    "elu": Activation(F.elu, 1.0, False),
    "selu": Activation(F.selu, 1.0, False),
    "softplus": Activation(F.softplus, 1.0, False),
    "swish": Activation(F.silu, math.sqrt(2), False),
}


def pixel_norm(x: Tensor) -> Tensor:
    """Scale each vector of x (N, C, ...) to unit mean square over C."""
    if x.dim() == 4:  # of pictures the lengths alone: their squares would be another picture
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        length = length.to(torch.promote_types(x.dtype, torch.float32))
        return x * torch.rsqrt(length.square() / x.shape[1] + EPS).to(x.dtype)
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPS)


def channelwise(values: Tensor, like: Tensor) -> Tensor:
    """values (N, C) or (C,) as (N or 1, C, 1, 1) of a picture's dtype, to scale its channels."""
    return values.reshape(-1, values.shape[-1], 1, 1).to(like.dtype)


def enlarge(x: Tensor, times: int = 2) -> Tensor:
    """Each pixel of x (N, C, H, W) times x times: nearest neighbour."""
    return x if times == 1 else F.interpolate(x, scale_factor=times, mode="nearest")


# --- up-sampling by two ---------------------------------------------------------------------------


def doubling(weight: Tensor) -> Tensor:
    """Kernel (I, O, 4, 4) of a transposed convolution, stride 2, padding 1, that does what weight
    (O, I, 3, 3) does to a picture doubled by nearest neighbour: a pixel meets each tap twice."""
    wide = F.pad(weight.flip(2, 3), (1, 1, 1, 1))
    summed = wide[:, :, 1:, 1:] + wide[:, :, :-1, 1:] + wide[:, :, 1:, :-1] + wide[:, :, :-1, :-1]
    return summed.transpose(0, 1).contiguous()


def fir_kernel(taps: Sequence[float]) -> Tensor:
    """Kernel (T, T) float32 of gain 4: up-sampling inserts three zeros per pixel."""
    line = np.asarray(taps, np.float64)
    line = 2 * line / line.sum()
    return torch.from_numpy(np.outer(line, line).astype(np.float32))


def fir(x: Tensor, kernel: Tensor, front: int, back: int, shift: Tensor | None = None) -> Tensor:
    """Convolve each channel of x (N, C, H, W) with kernel (T, T) after padding (negative: crop);
    shift (C,) is added."""
    c = x.shape[1]
    weight = kernel.flip(0, 1).to(x.dtype).expand(c, 1, -1, -1)
    if front == back and front >= 0:
        return F.conv2d(x, weight, shift, padding=front, groups=c)
    return F.conv2d(F.pad(x, (front, back, front, back)), weight, shift, groups=c)


def up_conv(x: Tensor, weight: Tensor, kernel: Tensor, shift: Tensor | None = None) -> Tensor:
    """x2 up-sampling convolution: x (N, I, H, W), weight (I, O, 3, 3) -> (N, O, 2 H, 2 W), plus
    shift (O,).

    Transposed convolution, then the FIR, padded as the reference pads. Folding both into one
    polyphase convolution at low resolution costs four times the multiplications and measured 1.1
    to 3 times slower on a CPU, over twice as slow in training.
    """
    t = kernel.shape[0]
    wide = F.conv_transpose2d(x, weight, stride=2)
    return fir(wide, kernel, (t + 1) // 2 - 1, (t - 2) // 2, shift)


def up_phases(taps: tuple[float, ...]) -> Tensor:
    """Kernels (4, 1, k, k) float32 of the four phases of plain x2 up-sampling.

    Output n of the up-sampled line is sum_i x[i] taps[n + shift - 2 i]. With n = 2 a + q and
    i = a + d, phase q has at offset d from pixel a the tap q + shift - 2 d.
    """
    line = 2 * np.asarray(taps, np.float64) / sum(taps)
    shift = len(line) - 1 - (len(line) + 1) // 2
    pad = max((len(line) - 1 - shift) // 2, (shift + 1) // 2)
    phases = np.zeros((2, 2 * pad + 1))
    for q in range(2):
        for d in range(-pad, pad + 1):
            if 0 <= q + shift - 2 * d < len(line):
                phases[q, d + pad] = line[q + shift - 2 * d]
    square = np.einsum("pv,qh->pqvh", phases, phases).astype(np.float32)
    return torch.from_numpy(square.reshape(4, 1, *square.shape[2:]))


def upsample(x: Tensor, phases: Tensor) -> Tensor:
    """Double H and W of x (N, C, H, W): zeros between, FIR, gain 4, as four phases (up_phases)."""
    n, c, h, w = x.shape
    lines = x.reshape(n * c, 1, h, w)  # every channel has the same filter: channels become batch
    four = F.conv2d(lines, phases.to(x.dtype), padding=phases.shape[-1] // 2)
    return F.pixel_shuffle(four, 2).reshape(n, c, 2 * h, 2 * w)


# --- modulation -----------------------------------------------------------------------------------


def filter_power(weight: Tensor) -> Tensor:
    """Sum of squares of weight (O, I, k, k) over its pixels: (I, O), for demodulation."""
    return weight.square().sum((2, 3)).t()


def demodulation(power: Tensor, style: Tensor) -> Tensor:
    """1 / norm of each output filter: power (I, O), style (N, I) -> (N, O). Equation 3."""
    return torch.rsqrt(style.square() @ power + EPS)


def scale_shift(y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """y (N, C, H, W) * scale + shift per channel; overwrites y where no gradient needs it."""
    scale, shift = channelwise(scale, y), channelwise(shift, y)
    # torch's compiler takes no `out` of channels_last features, and needs none.
    if torch.compiler.is_compiling() or any(x.requires_grad for x in (y, scale, shift)):
        return torch.addcmul(shift, y, scale)
    return torch.addcmul(shift, y, scale, out=y)


def activate(y: Tensor, activation: Activation, gain: float) -> Tensor:
    """activation(y) * gain of y (N, C, ...); overwrites y where that is cheaper."""
    if activation.function is _lrelu:
        y = F.leaky_relu_(y, 0.2)
    elif activation.function is F.relu:
        y = F.relu_(y)
    else:
        y = activation.function(y)
    if gain == 1:
        return y
    return y * gain if y.requires_grad else y.mul_(gain)


def clamp(y: Tensor, limit: float | None) -> Tensor:
    """y (N, C, ...) limited to [-limit, limit]; overwrites y where no gradient needs it."""
    if limit is None:
        return y
    return y.clamp(-limit, limit) if y.requires_grad else y.clamp_(-limit, limit)


@lru_cache(maxsize=256)
def constant(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers that a network is written with, (N,) of numbers and (N, M) of tuples of them, on a
    device: brought there once, as a copy in each picture would make a GPU wait. Read only."""
    with torch.inference_mode(False):  # it is kept: the first caller's mode must not stick to it
        return torch.tensor(values, dtype=dtype, device=device)


def seeded_noise(seed: int | Walk, layer: int, size: Sequence[int], device: torch.device) -> Tensor:
    """Noise picture (H, W) of `size` of one layer, the same on every device; read only. On a walk
    a mixture of the pictures that it passes, as varied as each of them."""
    if not isinstance(seed, Walk):
        return drawn_noise(seed, layer, size, device)
    shares = of_normals(len(seed.seeds), seed.blend, seed.t)
    return torch.stack(
        [
            share * drawn_noise(one, layer, size, device)
            for share, one in zip(shares, seed.seeds, strict=True)
            if isinstance(one, int) and abs(share) > 1e-12
        ]
    ).sum(0)


@lru_cache(maxsize=128)
def drawn_noise(seed: int, layer: int, size: Sequence[int], device: torch.device) -> Tensor:
    """Noise picture (H, W) of `size` of one layer and seed; kept, so read only."""
    draw = np.random.RandomState([seed, layer]).randn(*size).astype(np.float32)
    with torch.inference_mode(False):  # it is kept: the first caller's mode must not stick to it
        return torch.from_numpy(draw).to(device)
