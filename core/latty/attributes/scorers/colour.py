"""Which colours a picture has: mean red, green and blue, saturation, warmth, tint, colourfulness.

warmth        red less blue, -1..1
tint          green less magenta (the mean of red and blue), -1..1
saturation    mean difference of the strongest and the weakest channel, 0..1
colourfulness Hasler and Suesstrunk 2003, "Measuring colourfulness in natural images", eq. M3
"""

import torch
from torch import Tensor

from latty.attributes.pixels import small_rgb

ATTRIBUTES = ("red", "green", "blue", "saturation", "warmth", "tint", "colourfulness")
UNITS = ("0..1", "0..1", "0..1", "0..1", "-1..1", "-1..1", "0..1")
DIGEST = "colour 1"
MEAN_SHARE = 0.3  # of the mean beside the spread, in M3
LEAST = 1e-8  # under the roots: a grey picture has a gradient, too


class Colour:
    """Scores (N, 7) of pictures in grey or RGB."""

    names = ATTRIBUTES
    units = UNITS
    digest = DIGEST
    differentiable = True

    def score(self, images: Tensor) -> Tensor:
        """The attributes of images (N, C, H, W), in the order of their names."""
        rgb = small_rgb(images).flatten(2)  # (N, 3, pixels)
        red, green, blue = rgb.mean(2).unbind(1)
        saturation = (rgb.amax(1) - rgb.amin(1)).mean(1)
        warmth, tint = red - blue, green - (red + blue) / 2
        axes = torch.stack(
            [rgb[:, 0] - rgb[:, 1], (rgb[:, 0] + rgb[:, 1]) / 2 - rgb[:, 2]], 1
        )  # (N, 2, pixels): red against green, yellow against blue
        spread = (axes.var(2, correction=0).sum(1) + LEAST).sqrt()
        mean = (axes.mean(2).square().sum(1) + LEAST).sqrt()
        colourful = spread + MEAN_SHARE * mean
        return torch.stack([red, green, blue, saturation, warmth, tint, colourful], 1)


SCORER = Colour
