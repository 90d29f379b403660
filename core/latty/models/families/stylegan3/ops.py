"""Alias-free arithmetic of StyleGAN3: resampling along lines, filtered leaky ReLU, Fourier input.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks" (arXiv:2106.12423), section 3.
Letters: N batch, C channels, H W pixels, T filter taps, D latent width.

A resampling filter is the same banded matrix all along a line. The picture is cut into tiles, and
each tile is grown, bent and shrunk by four products with small matrices that all tiles share: so
the filters run at the speed of matrix products, and only a few tiles are ever on the fine grid.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SLOPE = 0.2  # of the leaky ReLU, section 3.2
TILE = 40  # outputs along a tile, about: larger ones multiply more zeros, smaller ones overlap more
CACHED = 1 << 18  # numbers on the fine grid at once: they stay in a processor's cache
ON_GPU = 1 << 26  # likewise, where many products have to run at once
STRIP = 1 << 22  # numbers of a picture that are convolved at once
NEGLIGIBLE = 1e-9  # of the largest singular value of a kernel


@dataclass(frozen=True, slots=True)
class Resampling:
    """Insert up - 1 zeros between samples, pad (negative: crop), convolve.

    out[m] = sum_i x[i] taps[T - 1 - (i * up + front - m)]
    """

    taps: tuple[float, ...] = (1.0,)
    up: int = 1
    front: int = 0  # padding, counted in samples of the finer grid


def _growing(line: Resampling, fine: int) -> tuple[int, NDArray[np.float64]]:
    """First input of the first tile, and the matrix (inputs, fine) that all tiles share."""
    taps, last = np.asarray(line.taps), len(line.taps) - 1
    first = -(line.front // line.up)  # ceil(-front / up)
    window = (fine - 1 + last - line.front) // line.up - first + 1
    inputs, outputs = np.arange(first, first + window), np.arange(fine)
    tap = last - (inputs[:, None] * line.up + line.front - outputs)
    inside = (tap >= 0) & (tap <= last)
    return first, np.where(inside, taps[np.clip(tap, 0, last)], 0)


def _shrinking(taps: NDArray[np.float64], down: int, outputs: int) -> NDArray[np.float64]:
    """The matrix (fine, outputs) that convolves with taps (T,) and keeps each down-th number."""
    matrix = np.zeros(((outputs - 1) * down + len(taps), outputs))
    for i in range(outputs):
        matrix[i * down : i * down + len(taps), i] = taps[::-1]
    return matrix


def _lines(kernel: Tensor | None) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Pairs of taps (T,), down the columns and along the rows: together they are the kernel, (T,)
    or (T, T). StyleGAN3-R's radial one is a sum of T / 2 of them, being symmetric."""
    if kernel is None:
        return [(np.ones(1), np.ones(1))]
    taps = kernel.detach().cpu().double().numpy()
    if taps.ndim == 1:
        return [(taps, taps)]
    left, values, right = np.linalg.svd(taps)
    some = max(1, int((values > NEGLIGIBLE * values[0]).sum()))
    return [(left[:, i] * values[i], right[i]) for i in range(some)]


@dataclass(frozen=True, slots=True, eq=False)
class Tiling:
    """How pictures are resampled in square tiles, and the matrices that all tiles share: a tile
    (window, window) of inputs becomes one (fine, fine), and that one (tile, tile) of outputs.

    first   input of the first tile, may be negative
    step    inputs from one tile to the next
    tile    outputs along a tile, of which there are tiles * tiles
    rows    (window, fine): a line of inputs times it is on the fine grid
    down_columns, down_rows   pairs (tile, fine) and (fine, tile), whose products are summed
    """

    first: int
    step: int
    tile: int
    tiles: int
    rows: NDArray[np.float64]
    down_columns: tuple[NDArray[np.float64], ...]
    down_rows: tuple[NDArray[np.float64], ...]


def even_tiles(size: int, count: int, up: int, down: int) -> int:
    """Outputs along a tile where about `count` tiles stand side by side in `size` px."""
    whole = up // math.gcd(up, down)  # a tile advances by whole inputs
    return -(-size // (count * whole)) * whole


def tiling(
    grow: Resampling | None, kernel: Tensor | None, down: int, size: int, tile: int
) -> Tiling:
    """Tiles of `tile` outputs of pictures of `size` px, for what FilteredActivation is given: of
    kernels (T,) or (T, T)."""
    grow = grow or Resampling()
    lines = _lines(kernel)
    pairs = [[_shrinking(taps, down, tile) for taps in pair] for pair in lines]
    first, rows = _growing(grow, len(pairs[0][0]))
    return Tiling(
        first,
        tile * down // grow.up,
        tile,
        -(-size // tile),
        rows,
        tuple(columns.T for columns, _ in pairs),
        tuple(rows for _, rows in pairs),
    )


class FilteredActivation:
    """Up-sample, f, limit, down-sample: section 3.2's continuous non-linearity, gains included."""

    def __init__(
        self,
        grow: Resampling | None,
        kernel: Tensor | None,
        down: int,
        size: int,
        slope: float,
        limit: float | None,
        like: Tensor,
    ) -> None:
        """grow: the up-sampling of rows and columns, None = none; kernel: the down-sampling filter,
        (T,) or (T, T), None = none; size: of the pictures that come out, in px; like: where, and as
        what numbers, tiles are resampled."""
        self.slope, self.limit, self.size = slope, limit, size
        self.pointwise = grow is None and kernel is None
        up, count = 1 if grow is None else grow.up, max(1, round(size / TILE))
        made_of = tiling(grow, kernel, down, size, even_tiles(size, count, up, down))
        self.first, self.step = made_of.first, made_of.step
        self.tile, self.tiles = made_of.tile, made_of.tiles

        def made(matrix: NDArray[np.float64]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(matrix)).to(like)

        self.rows, self.columns = made(made_of.rows), made(made_of.rows.T)
        self.down_columns = made(np.concatenate(made_of.down_columns))
        self.down_rows = made(np.concatenate(made_of.down_rows))
        self.terms = len(made_of.down_rows)

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, C, H, W), fresh: it may be overwritten."""
        return self._bent(x) if self.pointwise else self._tiled(x)

    def _tiled(self, x: Tensor) -> Tensor:
        (n, c), (tile, tiles) = x.shape[:2], (self.tile, self.tiles)
        y = x.new_empty(n, c, tiles, tile, tiles, tile)
        for i, channels in self._parts(x):
            rows = tiles if x.requires_grad else self._rows(x)
            for k in range(0, tiles, rows):
                windows = self._windows(x[i, channels], k, min(rows, tiles - k))
                part = self._resampled(windows).transpose(-3, -2)
                y[i, channels, k : k + rows] = part
        return y.view(n, c, tiles * tile, -1)[..., : self.size, : self.size]

    def strips(self, x: Tensor) -> Iterator[Tensor]:
        """The same some rows at a time, (N, C, h, W): the same bytes, and never all of them."""
        (n, c), (tile, tiles), rows = x.shape[:2], (self.tile, self.tiles), self._rows(x)
        for k in range(0, tiles, rows):
            y = x.new_empty(n, c, min(rows, tiles - k), tile, tiles, tile)
            for i, channels in self._parts(x):
                windows = self._windows(x[i, channels], k, y.shape[2])
                y[i, channels] = self._resampled(windows).transpose(-3, -2)
            whole = y.view(n, c, -1, tiles * tile)
            yield whole[:, :, : self.size - k * tile, : self.size]

    def is_large(self, x: Tensor) -> bool:
        """Whether one channel of x (N, C, H, W) is more than what is on the fine grid at once."""
        drawn = x.device.type == "cpu" and not torch.is_grad_enabled()
        return drawn and not self.pointwise and self._rows(x) < self.tiles

    def _parts(self, x: Tensor) -> Iterator[tuple[slice, slice]]:
        """Pictures and channels that are resampled at once. Each picture by itself, so that its
        numbers are the same in any batch."""
        n, c = x.shape[:2]
        if x.requires_grad:
            yield slice(None), slice(None)
            return
        some = max(1, self._room(x) // self.tiles**2)
        for i in range(n):
            for j in range(0, c, some):
                yield slice(i, i + 1), slice(j, j + some)

    def _rows(self, x: Tensor) -> int:
        """How many rows of tiles are resampled at once."""
        return max(1, min(self.tiles, self._room(x) // self.tiles))

    def _room(self, x: Tensor) -> int:
        """How many tiles may be on the fine grid at once."""
        return (CACHED if x.device.type == "cpu" else ON_GPU) // self.rows.shape[1] ** 2

    def _windows(self, x: Tensor, k: int, rows: int) -> Tensor:
        """What `rows` rows of tiles from number k on are made of, which overlap: a view (N, C,
        rows, tiles, window, window)."""
        (h, w), window = x.shape[2:], self.rows.shape[0]
        first, top = self.first, self.first + k * self.step
        right = first + (self.tiles - 1) * self.step + window - w
        bottom = top + (rows - 1) * self.step + window
        x = x[:, :, max(top, 0) : min(bottom, h)]
        x = F.pad(x, (-first, right, max(-top, 0), max(bottom - h, 0)))
        return x.unfold(2, window, self.step).unfold(3, window, self.step)

    def _resampled(self, x: Tensor) -> Tensor:
        """Tiles (..., window, window) -> (..., tile, tile)."""
        (window, fine), tile = self.rows.shape, self.tile
        y = x.reshape(-1, window).to(self.rows.dtype) @ self.rows
        y = self._bent(self.columns @ y.view(-1, window, fine))
        y = self.down_columns @ y  # (tiles, terms * tile, fine)
        if self.terms > 1:
            y = y.view(-1, self.terms, tile, fine).transpose(1, 2)
        return (y.reshape(-1, self.terms * fine) @ self.down_rows).view(*x.shape[:-2], tile, tile)

    def _bent(self, x: Tensor) -> Tensor:
        if self.slope != 1:
            x = F.leaky_relu_(x, self.slope)
        if self.limit is not None:
            limit = self.limit
            x = x.clamp(-limit, limit) if x.requires_grad else x.clamp_(-limit, limit)
        return x


def widened(x: Tensor, weight: Tensor) -> Tensor:
    """Convolve x (N, I, H, W) with weight (O, I, k, k), padded so that k - 1 rows and columns are
    added. On a CPU some rows at a time: the library lays features out in its own way first, which
    would be two more pictures."""
    n, _, h, w = x.shape
    more = weight.shape[-1] - 1
    some = max(1, STRIP // (w * max(weight.shape[:2])))
    if x.requires_grad or x.device.type != "cpu" or some >= h:
        return F.conv2d(x, weight, padding=more)
    y = x.new_empty(n, weight.shape[0], h + more, w + more)
    for first in range(0, h + more, some):  # of the output: it reads from `more` rows above on
        last, above = min(first + some, h + more), max(first - more, 0)
        part = F.conv2d(x[:, :, above : min(last, h)], weight, padding=more)
        y[:, :, first:last] = part[:, :, first - above : last - above]
    return y


def widened_strips(strips: Iterable[Tensor], weight: Tensor, height: int) -> Tensor:
    """The same of a picture `height` px high that comes some rows (N, I, h, W) at a time."""
    more, done, above = weight.shape[-1] - 1, 0, 0
    x: Tensor | None = None
    for strip in strips:  # each after the last rows of what came before it, which it is added to
        last = done + strip.shape[2] == height
        x = strip if x is None else torch.cat([x[:, :, x.shape[2] - above :], strip], 2)
        part = F.conv2d(x, weight, padding=more)
        if not done:
            y = part.new_empty(*part.shape[:2], height + more, part.shape[3])
        rows = strip.shape[2] + (more if last else 0)
        y[:, :, done : done + rows] = part[:, :, above : above + rows]
        done, above = done + strip.shape[2], min(more, done + strip.shape[2])
    return y


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
