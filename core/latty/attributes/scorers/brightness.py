"""How bright a picture is, 0..1: mean luma, its contrast, its dark and its light end.

Luma is ITU-R BT.709's; contrast is its standard deviation over the picture; the ends are its
quantiles at 5 and 95 %, which single pixels do not move.
"""

import torch
from torch import Tensor

from latty.attributes.pixels import luma, small_rgb

ATTRIBUTES = ("luma", "contrast", "dark_end", "light_end")
UNITS = ("0..1", "0..1", "0..1", "0..1")
DIGEST = "brightness 1"
ENDS = (0.05, 0.95)
LEAST = 1e-8  # added to the variance: an even picture has a gradient, too


class Brightness:
    """Scores (N, 4) of pictures in grey or RGB."""

    names = ATTRIBUTES
    units = UNITS
    digest = DIGEST
    differentiable = True

    def score(self, images: Tensor) -> Tensor:
        """Luma, contrast, dark and light end of images (N, C, H, W)."""
        light = luma(small_rgb(images)).flatten(1)
        contrast = (light.var(1, correction=0) + LEAST).sqrt()
        ends = torch.quantile(light, torch.tensor(ENDS).to(light), dim=1)
        return torch.stack([light.mean(1), contrast, *ends], 1)


SCORER = Brightness
