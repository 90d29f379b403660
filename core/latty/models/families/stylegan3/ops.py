"""Alias-free arithmetic of StyleGAN3: resampling along lines, filtered leaky ReLU, Fourier input.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks" (arXiv:2106.12423), section 3.
Letters: N batch, C channels, H W pixels, T filter taps, D latent width.

A resampling filter is the same banded matrix all along a line. It is cut into equal blocks: every
block of `block` outputs is one product of a window of inputs with one small matrix, so a filter
runs at the speed of matrix products, on every device, and autograd sees plain operations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2  # of the leaky ReLU, section 3.2
BLOCK = 16  # inputs that a block advances: larger ones multiply more zeros, smaller ones copy more

CACHED = 1 << 18  # numbers on the fine grid


@dataclass(frozen=True, slots=True)
class Resampling:
    """Insert up - 1 zeros between samples, pad (negative: crop), convolve.

    out[m] = sum_i x[i] taps[T - 1 - (i * up + front - m)], `length` outputs.
    """

    taps: tuple[float, ...]
    up: int
    front: int  # padding, counted in samples of the finer grid
    length: int


@lru_cache(maxsize=256)
def _block(line: Resampling) -> tuple[int, np.ndarray]:
    """First input of the first block, and the matrix (window, BLOCK * up) that all blocks share."""
    taps, last, block = np.asarray(line.taps), len(line.taps) - 1, BLOCK * line.up
    first = -(line.front // line.up)  # ceil(-front / up)
    window = (block - 1 + last - line.front) // line.up - first + 1
    inputs, outputs = np.arange(first, first + window), np.arange(block)
    tap = last - (inputs[:, None] * line.up + line.front - outputs)
    inside = (tap >= 0) & (tap <= last)
    return first, np.where(inside, taps[np.clip(tap, 0, last)], 0)


def _windows(x: Tensor, line: Resampling, dim: int) -> tuple[Tensor, Tensor]:
    """Overlapping windows of x along dim (-1 or -2), and the matrix to multiply them with."""
    first, matrix = _block(line)
    window, block = matrix.shape
    blocks = -(-line.length // block)
    back = first + (blocks - 1) * BLOCK + window - x.shape[dim]
    pad = (-first, back) if dim == -1 else (0, 0, -first, back)
    return F.pad(x, pad).unfold(dim, window, BLOCK), torch.from_numpy(matrix).to(x)


def resample_rows(x: Tensor, line: Resampling) -> Tensor:
    """Resample each row of x (N, C, H, W): (N, C, H, length)."""
    windows, matrix = _windows(x, line, -1)  # (N, C, H, blocks, window)
    y = windows.reshape(-1, matrix.shape[0]) @ matrix  # one product, not one per row
    return y.reshape(*windows.shape[:3], -1)[..., : line.length]


def resample_columns(x: Tensor, line: Resampling) -> Tensor:
    """Resample each column of x (N, C, H, W): (N, C, length, W)."""
    windows, matrix = _windows(x, line, -2)  # (N, C, blocks, W, window)
    n, c, _, w, window = windows.shape
    y = matrix.t() @ windows.transpose(-1, -2).reshape(-1, window, w)  # (N C blocks, block, W)
    return y.reshape(n, c, -1, w)[:, :, : line.length]


def downsample(x: Tensor, kernel: Tensor, down: int) -> Tensor:
    """Convolve each channel of x (N, C, H, W) and keep each down-th pixel.

    kernel (T,) runs down the columns, then along the rows; (T, T) is StyleGAN3-R's radial one.
    """
    c, weight = x.shape[1], kernel.to(x.dtype)
    if kernel.dim() == 2:
        weight = weight.flip(0, 1).expand(c, 1, -1, -1)
        return F.conv2d(x, weight, stride=down, groups=c)
    weight = weight.flip(0)
    x = F.conv2d(x, weight[:, None].expand(c, 1, -1, -1), stride=(down, 1), groups=c)
    return F.conv2d(x, weight.expand(c, 1, 1, -1), stride=(1, down), groups=c)


@dataclass(frozen=True, eq=False, slots=True)
class FilteredActivation:
    """Up-sample, f, limit, down-sample: section 3.2's continuous non-linearity, gains included.

    grow      the up-sampling of rows and columns; None = none
    kernel    the down-sampling filter, (T,) or (T, T); None = none
    """

    grow: Resampling | None
    kernel: Tensor | None
    down: int
    slope: float
    limit: float | None

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, C, H, W), fresh: it may be overwritten."""
        if self.grow is None or x.requires_grad or x.device.type != "cpu":
            return self._run(x)
        # A few channels at a time stay in the processor's cache on the fine grid.
        some = max(1, CACHED // self.grow.length**2)
        return torch.cat([self._run(part) for part in torch.split(x, some, 1)], 1)

    def _run(self, x: Tensor) -> Tensor:
        if self.grow is not None:
            x = resample_columns(resample_rows(x, self.grow), self.grow)
        if self.slope != 1:
            x = F.leaky_relu_(x, self.slope)
        if self.limit is not None:
            limit = self.limit
            x = x.clamp(-limit, limit) if x.requires_grad else x.clamp_(-limit, limit)
        return x if self.kernel is None else downsample(x, self.kernel, self.down)


# --- the input layer ------------------------------------------------------------------------------


def view(affine: Tensor, transform: Tensor) -> Tensor:
    """Matrices (N, 3, 3) from picture to Fourier plane: affine (N, 4) = cos, sin, x, y.

    The learned rotation and translation act after `transform` (3, 3), appendix F.
    """
    c, s, x, y = (affine / affine[:, :2].norm(dim=1, keepdim=True)).unbind(1)
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    rotate = torch.stack([c, -s, zero, s, c, zero, zero, zero, one], 1).reshape(-1, 3, 3)
    shift = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], 1).reshape(-1, 3, 3)
    matrix: Tensor = rotate @ shift @ transform
    return matrix


def fourier_features(
    matrix: Tensor, frequencies: Tensor, phases: Tensor, size: int, rate: float, band: float
) -> Tensor:
    """sin(2 pi (grid . frequency + phase)) * amplitude: (N, size, size, C).

    matrix (N, 3, 3), frequencies (C, 2), phases (C,), cycles per unit; the grid has `rate` samples
    per unit. Frequencies above `band` fade out and vanish at rate / 2: they would alias.
    """
    phase = phases + (frequencies @ matrix[:, :2, 2:]).squeeze(2)  # (N, C)
    frequency = frequencies @ matrix[:, :2, :2]  # (N, C, 2)
    excess = (frequency.norm(dim=2) - band) / (rate / 2 - band)
    amplitude = (1 - excess).clamp(0, 1)
    grid = (torch.arange(size, device=matrix.device) + 0.5 - size / 2).to(matrix.dtype) / rate
    x, y = frequency[:, None, None].unbind(-1)  # (N, 1, 1, C) each
    angle = grid[None, None, :, None] * x + grid[None, :, None, None] * y
    angle = angle + phase[:, None, None]
    waves: Tensor = torch.sin(angle * (2 * math.pi)) * amplitude[:, None, None]
    return waves


def inverse_transform(translate: Sequence[float] = (0, 0), rotate: float = 0) -> Tensor:
    """The matrix (3, 3) that moves the picture by `translate` (x right, y down; 1 = the width of
    the canvas) after turning it by `rotate` degrees, counter-clockwise on screen.

    A generator wants the inverse of what the picture shall do: where each pixel comes from.
    """
    turn = math.radians(rotate)
    c, s = math.cos(turn), math.sin(turn)
    move = torch.tensor(
        [[c, s, translate[0]], [-s, c, translate[1]], [0, 0, 1]], dtype=torch.float64
    )
    inverse: Tensor = torch.linalg.inv(move).float()
    return inverse
