"""Dim: t is how much darker a picture becomes."""

import torch
from torch import Tensor


class Dim:
    """Less light."""

    unit = "light"
    limits = (-0.5, 0.5)
    factor = False

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) changed by t (N,), and a mask (N, 1, H, W)."""
        changed = images - t.view(-1, 1, 1, 1).to(images)
        return changed.clamp(-1, 1), torch.ones_like(images[:, :1])


TRANSFORM = Dim()
