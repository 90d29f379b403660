"""Where the subject of a picture is and how large: barycentre and area of a saliency map.

As Plumerault et al. 2020 measure their directions (barycentre = mean of -0.5..0.5 weighted by
saliency, area = mean saliency, pictures with hardly any area say nothing of a place), but without a
network: what differs from the background is salient. The background is a plane and a bowl (x^2 +
y^2: studio light, vignettes) in each colour channel, fitted to a ring at the border; pixels of the
ring that belong to the subject (shoulders) lose their weight in a few rounds of a robust fit with
squared Cauchy weights.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.attributes.pixels import small_rgb

ATTRIBUTES = ("x", "y", "area")
UNITS = ("image widths, -0.5..0.5", "image heights, -0.5..0.5", "share of the picture, 0..1")
DIGEST = "geometry 1"
SIDE = 64  # px of the longer side that is looked at
RING = 16  # the ring at the border is 1/16 of a side wide
ROUNDS = 8  # of the robust fit
BACKGROUND = 0.4  # of the ring, at least, is taken to be background
SOFT = 0.08  # colour distance that is half salient on an even background; 1 = black to white
SPREADS = 4.0  # the same, in spreads of the background
SMALLEST = 0.02  # below this area there is no place (Plumerault et al., evaluation)


class Geometry:
    """Scores (N, 3): x in image widths from the middle, right is positive; y in image heights, down
    is positive; area as a share of the picture. x and y are NaN where there is hardly any area."""

    names = ATTRIBUTES
    units = UNITS
    digest = DIGEST
    differentiable = True

    def score(self, images: Tensor) -> Tensor:
        """Barycentre and area of images (N, C, H, W)."""
        map_ = saliency(images)
        height, width = map_.shape[-2:]
        area = map_.mean((1, 2))
        share = map_ / map_.sum((1, 2), keepdim=True).clamp_min(1e-6)
        x = (share.sum(1) * _middles(width).to(map_)).sum(1)
        y = (share.sum(2) * _middles(height).to(map_)).sum(1)
        place = torch.stack([x, y], 1)
        there = (area > SMALLEST)[:, None]
        return torch.cat([place.where(there, torch.nan), area[:, None]], 1)


def saliency(images: Tensor) -> Tensor:
    """How much each place belongs to the subject, (N, h, w) in 0..1, of images (N, C, H, W)."""
    rgb = small_rgb(images, SIDE)
    rgb = F.avg_pool2d(F.pad(rgb, (1, 1, 1, 1), mode="replicate"), 3, 1)
    height, width = rgb.shape[-2:]
    y, x = torch.meshgrid(_middles(height), _middles(width), indexing="ij")
    terms = [torch.ones_like(x), x, y, x.square() + y.square()]
    basis = torch.stack(terms, -1).to(rgb).flatten(0, 1)  # (pixels, 4)
    ring = _ring(height, width, rgb.device)
    colours = rgb.flatten(2).transpose(1, 2)  # (N, pixels, 3)
    fit, spread = _background(basis[ring], colours[:, ring])
    distance = (colours - basis @ fit).square().mean(2).square()  # to the 4th power, (N, pixels)
    soft = (SOFT**2 + (SPREADS * spread).square()).square()[:, None]
    return (distance / (distance + soft)).view(-1, height, width)


def _background(basis: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """Robust fit of colours (N, P, 3) on basis (P, 4): coefficients (N, 4, 3) and spreads (N,).

    Weights carry no gradient: they say which pixels are background, which pictures do not choose.
    """
    weight = torch.ones_like(colours[..., 0])  # (N, P)
    ridge = 1e-5 * len(basis) * torch.eye(basis.shape[1]).to(basis)
    for _ in range(ROUNDS):
        weighted = (basis * weight[..., None]).transpose(1, 2)  # (N, 4, P)
        fit = torch.linalg.solve_ex(weighted @ basis + ridge, weighted @ colours)[0]
        error = (colours - basis @ fit).detach().square().mean(2).sqrt()
        spread = error.quantile(BACKGROUND, 1)
        weight = (1 + (error / (0.01 + 2 * spread[:, None])).square()) ** -2
    return fit, spread


@lru_cache(maxsize=8)
def _ring(height: int, width: int, device: torch.device) -> Tensor:
    """Where the pixels of the ring at the border lie, flattened: (P,) places, and no mask, which a
    device would have to count first."""
    rows, columns = max(1, height // RING), max(1, width // RING)
    with torch.inference_mode(False):  # it is kept: the first caller's mode must not stick to it
        ring = torch.ones(height, width, dtype=torch.bool)
        ring[rows : height - rows, columns : width - columns] = False
        return ring.flatten().nonzero()[:, 0].to(device)


def _middles(count: int) -> Tensor:
    """The middles of `count` pixels on -0.5..0.5."""
    return (torch.arange(count) + 0.5) / count - 0.5


SCORER = Geometry
