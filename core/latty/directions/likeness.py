"""How far a picture is from a transformed one, at low spatial frequencies; and by how much a
picture was transformed.

Plumerault et al. (arXiv:2001.10238, section 2.2) weigh down high frequencies, which a generator
cannot follow while something moves; a Gaussian low-pass on the difference does it. The unknown part
of a target must not leak through the blur: it is a normalised convolution (Knutsson & Westin 1993).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.directions.transform import Transform

REACH = 3.0  # standard deviations at which the Gaussian ends
GRID = 33  # amounts tried by `measured` before it interpolates


def smaller(images: Tensor, size: int) -> Tensor:
    """Images (N, C, H, W) averaged down to `size` px of height, or as they are; of more than
    three channels the colours, (N, 3, h, w)."""
    images = images[:, :3]
    height, width = images.shape[-2:]
    if height <= size:
        return images
    return F.interpolate(images, (size, max(1, round(width * size / height))), mode="area")


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images (N, C, H, W) with a Gaussian of `sigma` heights; nothing is beyond the border."""
    deviation = sigma * images.shape[-2]
    if deviation <= 0:
        return images
    half = max(1, math.ceil(REACH * deviation))
    x = torch.arange(-half, half + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (x / deviation) ** 2)
    kernel = kernel / kernel.sum()
    flat = images.flatten(0, 1)[:, None]
    flat = F.conv2d(flat, kernel.view(1, 1, -1, 1), padding=(half, 0))
    flat = F.conv2d(flat, kernel.view(1, 1, 1, -1), padding=(0, half))
    return flat.view_as(images)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What pictures should become: low-passed target, mask and the share of each pixel's
    neighbourhood that is known; all (N, ., H, W)."""

    picture: Tensor
    mask: Tensor
    known: Tensor
    sigma: float

    def error(self, images: Tensor) -> Tensor:
        """Mean squared low-frequency difference (N,) from images (N, C, H, W)."""
        difference = blurred((images - self.picture) * self.mask, self.sigma) / self.known
        squares = difference.square().mean(1, keepdim=True) * self.mask
        return squares.flatten(1).sum(1) / self.mask.flatten(1).sum(1).clamp_min(1)


def target(transform: Transform, images: Tensor, t: Tensor, sigma: float) -> Target:
    """The target of images (N, C, H, W) for amounts t (N,)."""
    picture, mask = transform.apply(images, t)
    return Target(picture, mask, blurred(mask, sigma).clamp_min(1e-3), sigma)


def measured(
    transform: Transform, before: Tensor, after: Tensor, span: Sequence[float], sigma: float
) -> tuple[Tensor, Tensor]:
    """The amount t (N,) in `span` that makes `before` most like `after` (N, C, H, W), and the
    error (N,) that is left."""
    grid = torch.linspace(span[0], span[1], GRID, device=before.device)
    errors = torch.stack(
        [target(transform, before, t.expand(len(before)), sigma).error(after) for t in grid], 1
    )
    least, best = errors.min(1)
    inner = best.clamp(1, GRID - 2)
    left, middle, right = (errors.gather(1, (inner + i)[:, None])[:, 0] for i in (-1, 0, 1))
    bend = (left - 2 * middle + right).clamp_min(1e-12)
    step = ((left - right) / (2 * bend)).clamp(-1, 1)  # the lowest point of a parabola
    place = grid[0] + (grid[1] - grid[0]) * (inner + step)
    return place.clamp(grid[0], grid[-1]), least
