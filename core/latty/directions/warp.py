"""Moving and scaling pictures by fractions of a pixel."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

EDGE = 1e-4  # of half a picture: rounding must not take the last pixel out of the mask


@dataclass(frozen=True, slots=True)
class Warp:
    """A transform: scaled by 1 + t * `scale`, moved by t * `right` widths and t * `down` heights.
    What comes in from outside the picture is unknown."""

    unit: str
    scale: float = 0.0
    right: float = 0.0
    down: float = 0.0
    limits: tuple[float, float] = (-0.5, 0.5)

    @property
    def factor(self) -> bool:
        """Scales multiply."""
        return self.scale != 0

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and the mask (N, 1, H, W); see Transform."""
        t = t.to(images)
        return warp(images, (1 + self.scale * t).clamp_min(1e-3), self.right * t, self.down * t)


def warp(images: Tensor, scale: Tensor, right: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) scaled about their centre by `scale` (N,) and moved `right` (N,) widths
    and `down` (N,) heights, bilinear; and the mask (N, 1, H, W) of pixels that come from inside."""
    count, _, height, width = images.shape
    inverse = torch.zeros(count, 2, 3, dtype=images.dtype, device=images.device)
    inverse[:, 0, 0] = inverse[:, 1, 1] = 1 / scale
    inverse[:, 0, 2] = -2 * right / scale  # a picture spans -1..1
    inverse[:, 1, 2] = -2 * down / scale
    grid = F.affine_grid(inverse, [count, 1, height, width], align_corners=False)
    ends = torch.tensor([1 - 1 / width, 1 - 1 / height], device=grid.device) + EDGE
    inside = (grid.abs() <= ends).all(-1)[:, None].to(images.dtype)
    moved = F.grid_sample(images, grid, "bilinear", "border", align_corners=False)
    return moved, inside
