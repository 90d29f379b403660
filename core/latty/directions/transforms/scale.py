"""Size: 1 + t times as large, about the centre."""

import torch
from torch import Tensor

from latty.directions.warp import warp


class Scale:
    """Of a picture made smaller, the frame around it is unknown."""

    unit = "scale factor"
    limits = (-0.5, 0.5)
    factor = True

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and the mask (N, 1, H, W); see Transform."""
        t = t.to(images)
        still = torch.zeros_like(t)
        return warp(images, (1 + t).clamp_min(1e-3), still, still)


TRANSFORM = Scale()
