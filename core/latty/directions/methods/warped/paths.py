"""Curved paths through latents as directions: followed there and back, or walked step by step."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latty.directions.base import check_width
from latty.directions.methods.warped import rbf
from latty.models.base import Generator
from latty.scene import Layers

STEP = 0.25  # of the integrator, in sigma
RANGES = (3.0, 2.0, 1.0)  # sigma each way
CLOSED = 0.05  # sigma: a gap below it is none


@dataclass(frozen=True, slots=True, eq=False)
class WarpedPath:
    """One path; moves latents along it, uphill for positive strengths.

    support (2D, d), alphas (2D,), gamma () in latent coordinates; sigma is the length of a step of
    strength 1.
    """

    name: str
    space: Literal["z", "w"]
    layers: Layers
    support: Tensor
    alphas: Tensor
    gamma: Tensor
    sigma: float

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents (N, Z) or codes (N, L, D) after strength (N,) sigma along the path.

        Codes follow it layer by layer, each from its own place; equal ones stay equal.
        """
        check_width(self, self.support.shape[1], latents, generator.info)
        way = strength.to(latents) * self.sigma
        if latents.ndim == 2:
            return self._follow(latents, way)
        count, layers, width = latents.shape
        if torch.equal(latents, latents[:, :1].expand_as(latents)):
            return self._follow(latents[:, 0], way)[:, None].repeat(1, layers, 1)
        rows = self._follow(latents.reshape(-1, width), way.repeat_interleave(layers))
        return rows.view(count, layers, width)

    def _follow(self, start: Tensor, way: Tensor) -> Tensor:
        support, alphas, gamma = (t.to(start) for t in (self.support, self.alphas, self.gamma))

        def field(z: Tensor) -> Tensor:
            return rbf.direction(z, support, alphas, gamma)

        return rbf.follow(field, start, way, STEP * self.sigma)


def reach(path: WarpedPath, starts: Tensor) -> tuple[float, float, float]:
    """How far each way the path can be followed and left again, in sigma; bend, 1 - chord / length
    between these ends; gap, from the start to where there and back again leads, in sigma (the
    largest of the latents). A path ends at a peak of its function, and nothing leads back. Starts
    are (N, D)."""
    for far in RANGES:
        way = torch.full((len(starts),), far * path.sigma)
        up, down = path._follow(starts, way), path._follow(starts, -way)
        back = torch.stack([path._follow(up, -way), path._follow(down, way)])
        gap = float((back - starts).norm(dim=2).max()) / path.sigma
        chord = float((up - down).norm(dim=1).mean()) / (2 * far * path.sigma)
        if gap < CLOSED:
            break
    return far, 1 - chord, gap
