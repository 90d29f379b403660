"""Position: t image widths to the right."""

import torch
from torch import Tensor

from latty.directions.warp import warp


class Right:
    """What comes in at the left is unknown."""

    unit = "image widths"
    limits = (-0.5, 0.5)
    factor = False

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and the mask (N, 1, H, W); see Transform."""
        t = t.to(images)
        return warp(images, torch.ones_like(t), t, torch.zeros_like(t))


TRANSFORM = Right()
