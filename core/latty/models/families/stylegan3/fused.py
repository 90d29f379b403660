"""Filtered activations on a GPU: a tile by one program, so that the fine grid stays on the chip.

As products of matrices the fine grid of a layer of StyleGAN3-T, 2098 px, is 1.4 GB a picture in
memory, written once and read twice. The programs are those of kernel.py; a gradient goes through
the products.
"""

from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latty.models import gpu
from latty.models.families.stylegan3.ops import (
    FilteredActivation,
    Resampling,
    Tiling,
    even_tiles,
    tiling,
)
from latty.models.memory import is_short

LEAST = 16  # along a side of a product in Triton
MOST = 128  # of the fine grid of a tile, on each side: 64 KiB
KINDS = {torch.float32: "ieee", torch.bfloat16: "tf32", torch.float16: "tf32"}  # of products
NEAR = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 5e-3}  # of the largest number


class _Kernel:
    """The programs of kernel.py, for a grid of so many; a copy is itself, which Triton's own are
    not. Raises ImportError where Triton is not installed."""

    def __init__(self) -> None:
        # by name: where it is not installed, nothing else may ask for it
        self.filtered = import_module("latty.models.families.stylegan3.kernel").filtered

    def __getitem__(self, grid: tuple[int]) -> Any:
        return self.filtered[grid]

    def __deepcopy__(self, memo: object) -> "_Kernel":
        return self


class FusedActivation(FilteredActivation):
    """The same, by one kernel where that can be had and is as good; it reads pictures of 16 or 32
    bits and computes in float32. The products of 16-bit pictures take TF32, which has two bits of
    mantissa more than bf16; those of float32 are exact."""

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
        """As FilteredActivation."""
        super().__init__(grow, kernel, down, size, slope, limit, like)
        self.tiled = None if self.pointwise else _best(grow, kernel, down, size)
        self._run: Any = None
        if self.tiled is None or like.dtype not in KINDS or not gpu.allows(gpu.KERNELS):
            return
        try:
            self._run = _Kernel()
            self.constants = _constants(self.tiled, KINDS[like.dtype], like.device)
            exact = FilteredActivation(grow, kernel, down, size, slope, limit, like.float())
            apart = self._apart(exact, like)
        except Exception as error:  # whatever Triton, its compiler or the driver raise
            apart, why = np.inf, f"{type(error).__name__}: {error}"
        else:
            why = f"StyleGAN3's activation is {apart:.1e} of its range off"
        if not apart <= NEAR[like.dtype]:
            gpu.do_without(gpu.KERNELS, why)
            self._run = None

    @property
    def is_fused(self) -> bool:
        """Whether the kernel has proved itself here."""
        return self._run is not None

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, C, H, W), fresh: it may be overwritten."""
        fits = x.dtype in KINDS and x[:1].numel() < 2**31
        if self._run and fits and not x.requires_grad:
            try:
                return self.fused(x)
            except Exception as error:
                if is_short(error):
                    raise
                gpu.do_without(gpu.KERNELS, f"{type(error).__name__}: {error}")
                self._run = None
        return super().__call__(x)

    def fused(self, x: Tensor) -> Tensor:
        """The activation (N, C, size, size) of x (N, C, H, W), which stays as it is, in one piece
        and of its type. Raises what Triton raises."""
        assert self.tiled is not None
        (n, c, h, w), one = x.shape, self.tiled
        rows, columns, down_columns, down_rows = self.constants
        y = x.new_empty(n, c, self.size, self.size)
        if x.is_meta:  # only the shape is asked for
            return y
        with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
            self._run[(n * c * one.tiles**2,)](
                *(x, y, rows, columns, down_columns, down_rows),
                *(c, h, w, self.size, one.tiles, one.first, one.step, one.tile),
                *x.stride(),
                float(self.slope),
                float(self.limit or 0),
                window=rows.shape[0],
                fine=rows.shape[1],
                out=down_columns.shape[1],
                terms=len(down_columns),
                limited=self.limit is not None,
                precision=KINDS[x.dtype],
                num_warps=4 if rows.shape[1] > 32 else 2,
                num_stages=1,
            )
        return y

    def _apart(self, exact: FilteredActivation, like: Tensor) -> float:
        """The largest difference from the products on two channels of noise, of their range."""
        one = self.tiled
        assert one is not None
        side = max(one.first + (one.tiles - 1) * one.step + one.rows.shape[0], 1)
        draw = torch.Generator(like.device).manual_seed(0)
        x = torch.randn(1, 2, side, side, device=like.device, generator=draw).to(like.dtype)
        got = self.fused(x).float()
        wanted = exact(x.float())
        return float((got - wanted).abs().max() / wanted.abs().max().clamp(min=1e-20))


def _best(grow: Resampling | None, kernel: Tensor | None, down: int, size: int) -> Tiling | None:
    """The tiles with the fewest multiplications; None where not even the smallest fit."""
    tried = {
        even_tiles(size, count, 1 if grow is None else grow.up, down)
        for count in range(1, max(size // 4, 1) + 1)
    }
    made = (tiling(grow, kernel, down, size, tile) for tile in sorted(tried) if tile <= MOST)
    fitting = [one for one in made if max(one.rows.shape) <= MOST]
    return min(fitting, key=_multiplications, default=None)


def _sides(one: Tiling) -> tuple[int, int, int]:
    """Window, fine grid and outputs of a tile as the kernel has them: powers of 2."""
    window, fine, out = (max(LEAST, 1 << (n - 1).bit_length()) for n in (*one.rows.shape, one.tile))
    return window, fine, out


def _multiplications(one: Tiling) -> int:
    window, fine, out = _sides(one)
    grown = window * fine * (window + fine)
    return (grown + len(one.down_rows) * out * fine * (fine + out)) * one.tiles**2


def _constants(
    one: Tiling, kind: str, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the kernel is given: matrices (window, fine), (fine, window), (terms, out, fine) and
    (terms, fine, out) float32, zero beyond what the tiles have; as near as products of this kind
    read them."""
    window, fine, out = _sides(one)

    def made(matrices: tuple[NDArray[np.float64], ...], *shape: int) -> Tensor:
        whole = np.zeros((len(matrices), *shape), np.float32)
        for place, matrix in zip(whole, matrices, strict=True):
            place[: matrix.shape[0], : matrix.shape[1]] = matrix
        if kind == "tf32":  # which has no more bits
            whole = ((whole.view(np.int32) + 0x1000) & -0x2000).view(np.float32)
        return torch.from_numpy(whole).to(device)

    grow = made((one.rows,), window, fine)[0]
    ends = made(one.down_columns, out, fine), made(one.down_rows, fine, out)
    return grow, grow.t().contiguous(), *ends
