"""Latents of a scene: one seed, or a place on a path through several."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from latty.errors import BadData, did_you_mean
from latty.scene import BLENDS, SEED_LIMIT, Walk

Draw = Callable[[tuple[int, ...]], Tensor]  # seeds -> z (N, Z)

PARALLEL = 1e-6  # below this sine two latents lie on one line and have no great circle


def seeds_of(seed: int | Walk) -> tuple[int, ...]:
    """The seeds a scene draws; raises BadData for a seed that is none."""
    seeds = seed.seeds if isinstance(seed, Walk) else (seed,)
    for one in seeds:
        if not 0 <= one < SEED_LIMIT:
            raise BadData(f"{one} is no seed", f"seeds go from 0 to {SEED_LIMIT - 1}")
    return seeds


def latent(draw: Draw, seed: int | Walk) -> Tensor:
    """z (1, Z) of a seed or of a place on a walk. Raises BadData for walks that lead nowhere."""
    if not isinstance(seed, Walk):
        return draw(seeds_of(seed))
    if len(seed.seeds) < 2:
        raise BadData("a walk needs at least two seeds", f"it has {len(seed.seeds)}")
    if not 0 <= seed.t <= 1:
        raise BadData(f"the walk is at t = {seed.t}", "t goes from 0 to 1")
    if seed.blend not in BLENDS:
        raise BadData(f"no blend '{seed.blend}'", did_you_mean(seed.blend, BLENDS))
    corners = draw(seeds_of(seed))
    return blended(corners, weights(corners, seed))


def blended(corners: Tensor, shares: list[float]) -> Tensor:
    """Sum of shares[i] * corners[i], (1, Z); corners of share 0 are left out, so 1 is exact."""
    terms = [
        share * corner for share, corner in zip(shares, corners, strict=True) if abs(share) > 1e-12
    ]
    return torch.stack(terms).sum(0, keepdim=True)


def weights(corners: Tensor, walk: Walk) -> list[float]:
    """Share of each seed's latent, from corners (N, Z) and the place on the walk."""
    count = len(walk.seeds)
    if walk.blend == "circular":
        return circle(count, walk.t)
    leg = min(int(walk.t * (count - 1)), count - 2)
    part = walk.t * (count - 1) - leg
    shares = [0.0] * count
    near, far = (1 - part, part)
    if walk.blend == "slerp":
        near, far = _great_circle(corners[leg], corners[leg + 1], part)
    shares[leg], shares[leg + 1] = near, far
    return shares


def _great_circle(start: Tensor, stop: Tensor, part: float) -> tuple[float, float]:
    """Shares of two latents (Z,) so that the direction turns evenly and the length goes straight
    from one to the other (Shoemake 1985, with lengths kept apart)."""
    a, b = start.cpu().double(), stop.cpu().double()
    from_length, to_length = float(a.norm()), float(b.norm())
    if not from_length or not to_length:
        return 1 - part, part
    cosine = float(a @ b) / (from_length * to_length)
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < PARALLEL:
        return 1 - part, part
    length = (1 - part) * from_length + part * to_length
    near = math.sin((1 - part) * angle) / math.sin(angle)
    far = math.sin(part * angle) / math.sin(angle)
    return near * length / from_length, far * length / to_length


def circle(count: int, t: float) -> list[float]:
    """Shares of `count` latents on the closed band-limited curve through all of them.

    The Dirichlet kernel (periodic sinc) is 1 at its own seed and 0 at the others. Dividing by the
    root of the sum of squares keeps a blend of independent normal latents normal: its expected
    length does not change along the way.
    """
    shares = [_periodic_sinc(count, t % 1.0 - i / count) for i in range(count)]
    length = math.sqrt(sum(share * share for share in shares))
    return [share / length for share in shares]


def _periodic_sinc(count: int, x: float) -> float:
    """Dirichlet kernel of period 1: sin(n pi x) / (n sin pi x), for even n with tan instead of sin
    (the highest frequency halved), which keeps it periodic."""
    below = math.sin(math.pi * x) if count % 2 else math.tan(math.pi * x)
    if abs(math.sin(math.pi * x)) < 1e-12:
        return 1.0
    return math.sin(count * math.pi * x) / (count * below)
