"""Brightness: t added to every pixel, of which -1 is black and 1 is white."""

import torch
from torch import Tensor


class Brighter:
    """All of the picture is known; black and white stay what they are."""

    unit = "brightness"
    limits = (-0.5, 0.5)
    factor = False

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and the mask (N, 1, H, W); see Transform."""
        moved = (images + t.to(images).view(-1, 1, 1, 1)).clamp(-1, 1)
        return moved, torch.ones_like(images[:, :1])


TRANSFORM = Brighter()
