"""Arithmetic the style-based families share: FIR resampling, modulated convolution, activations.

Letters: N batch, I input channels, O output channels, H W pixels, T filter taps.

Two ideas make these faster than the textbook form. A convolution whose weights are scaled by a style
per sample is an ordinary convolution of a scaled input, because scaling the input channels of W and
scaling the channels of x is the same sum; demodulation likewise becomes a scale of the output
(Karras et al. 2020, StyleGAN2, section 2.2, equations 1 and 3). And up-sampling by two followed by an
FIR filter is four small convolutions at the low resolution, one per output phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-8  # of pixel norm and demodulation, in every StyleGAN implementation


class Activation(NamedTuple):
    """A pointwise function, the gain that keeps its variance, and whether f(a x) = a f(x) for a > 0."""

    function: Callable[[Tensor], Tensor]
    gain: float
    homogeneous: bool


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda x: x, 1.0, True),
    "relu": Activation(F.relu, math.sqrt(2), True),
    "lrelu": Activation(lambda x: F.leaky_relu(x, 0.2), math.sqrt(2), True),
    "tanh": Activation(torch.tanh, 1.0, False),
    "sigmoid": Activation(torch.sigmoid, 1.0, False),
    "elu": Activation(F.elu, 1.0, False),
    "selu": Activation(F.selu, 1.0, False),
    "softplus": Activation(F.softplus, 1.0, False),
    "swish": Activation(F.silu, math.sqrt(2), False),
}


def pixel_norm(x: Tensor) -> Tensor:
    """Scale each vector of x (N, C, ...) to unit mean square over C."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPS)


def channels(v: Tensor) -> Tensor:
    """View (N, C) or (C,) as (N or 1, C, 1, 1), to scale a picture's channels."""
    return v.reshape(-1, v.shape[-1], 1, 1)


def unit_taps(taps: Sequence[float]) -> tuple[float, ...]:
    """The taps divided by their sum."""
    total = float(sum(taps))
    return tuple(float(t) / total for t in taps)


def _phase_rows(kernel_to_full: np.ndarray, shift: int) -> tuple[np.ndarray, int]:
    """Rows that give both output phases of a x2 up-sampling filter from the low-resolution line.

    kernel_to_full (K, k) makes the full filter g (K,) from k free weights. Output n of the up-sampled
    line is sum_i x[i] g[n + shift - 2 i]; with n = 2 a + q and i = a + d the tap is q + shift - 2 d.
    Returns (2, 2 pad + 1, k) and pad.
    """
    size = kernel_to_full.shape[0]
    pad = max((size - 1 - shift) // 2, (shift + 1) // 2)
    rows = np.zeros((2, 2 * pad + 1, kernel_to_full.shape[1]))
    for q in range(2):
        for d in range(-pad, pad + 1):
            tap = q + shift - 2 * d
            if 0 <= tap < size:
                rows[q, d + pad] = kernel_to_full[tap]
    return rows, pad


@lru_cache(maxsize=64)
def _phase_basis(taps: tuple[float, ...], kernel: int) -> tuple[np.ndarray, int]:
    """Matrix (kernel^2, 4 k' k') from a k x k kernel to its four phases with the FIR folded in, and the padding.

    kernel 1 is plain up-sampling (reference padding (T + 1) // 2 in front), kernel 3 is the transposed
    convolution followed by the FIR (padding (T + 1) // 2 - 1 in front of the FIR).
    """
    fir = 2.0 * np.asarray(unit_taps(taps))  # gain 2 per axis makes up for the inserted zeros
    full = np.zeros((kernel + len(fir) - 1, kernel))
    for k in range(kernel):
        full[k : k + len(fir), k] = fir
    front = (len(fir) + 1) // 2 - (1 if kernel > 1 else 0)
    rows, pad = _phase_rows(full, len(fir) - 1 - front)
    basis = np.einsum("pyk,qxl->klpqyx", rows, rows)
    return basis.reshape(kernel * kernel, -1), pad


def upsample(x: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Double H and W of x (N, C, H, W): insert zeros, filter with the taps, gain 4."""
    n, c, h, w = x.shape
    basis, pad = _phase_basis(taps, 1)
    phases = torch.as_tensor(basis, dtype=x.dtype, device=x.device)
    phases = phases.reshape(4, 1, 2 * pad + 1, 2 * pad + 1)
    lines = x.reshape(n * c, 1, h, w)  # every channel has the same filter: channels become batch
    return F.pixel_shuffle(F.conv2d(lines, phases, padding=pad), 2).reshape(n, c, 2 * h, 2 * w)


def polyphase_weight(weight: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Fold x2 up-sampling and the FIR into weight (O, I, 3, 3): (4 O, I, k', k'), for pixel_shuffle."""
    o, i, k, _ = weight.shape
    basis, pad = _phase_basis(taps, k)
    matrix = torch.as_tensor(basis, dtype=weight.dtype, device=weight.device)
    side = 2 * pad + 1
    phases = (weight.reshape(o * i, k * k) @ matrix).reshape(o, i, 4, side, side)
    return phases.transpose(1, 2).reshape(o * 4, i, side, side)


def up_conv_polyphase(x: Tensor, phases: Tensor) -> Tensor:
    """Up-sampling convolution of x (N, I, H, W) by polyphase_weight(...): (N, O, 2 H, 2 W)."""
    return F.pixel_shuffle(F.conv2d(x, phases, padding=phases.shape[-1] // 2), 2)


def fir(x: Tensor, taps: tuple[float, ...], gain: float, front: int, back: int) -> Tensor:
    """Convolve each channel of x with the taps on both axes after padding (negative: cropping)."""
    c = x.shape[1]
    line = torch.tensor(taps, dtype=torch.float64).flip(0) * (math.sqrt(gain) / sum(taps))
    kernel = torch.outer(line, line).to(x)[None, None].expand(c, 1, -1, -1)
    if front == back and front >= 0:
        return F.conv2d(x, kernel, padding=front, groups=c)
    return F.conv2d(F.pad(x, (front, back, front, back)), kernel, groups=c)


def up_conv_transposed(x: Tensor, weight: Tensor, taps: tuple[float, ...]) -> Tensor:
    """The same convolution in two steps: transposed convolution, then the FIR at full resolution."""
    t = len(taps)
    wide = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    return fir(wide, taps, 4.0, (t + 1) // 2 - 1, (t - 2) // 2)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """1 / norm of each output filter under the style: weight (O, I, k, k), style (N, I) -> (N, O)."""
    return torch.rsqrt(style.square() @ weight.square().sum((2, 3)).t() + EPS)


@lru_cache(maxsize=64)
def seeded_noise(seed: int, layer: int, size: int) -> Tensor:
    """Noise picture (size, size) float32 of one layer, the same on every device."""
    draw = np.random.RandomState([seed, layer]).randn(size, size)
    return torch.from_numpy(draw.astype(np.float32))
