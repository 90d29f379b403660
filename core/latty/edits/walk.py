"""Latents of a scene: one seed, or a place on a path through several."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, lru_cache

import torch
from torch import Tensor

from latty import latents as stored
from latty.edits.labels import labels
from latty.errors import BadData, did_you_mean
from latty.latents import Space
from latty.models.base import Generator
from latty.scene import BLENDS, SEED_LIMIT, Blend, Scene, Walk
from latty.stops import PLAIN, circle, leg_at

Draw = Callable[[tuple[int, ...]], Tensor]  # seeds -> z (N, Z)

SAMPLES = 64  # straight pieces of a leg by which its length is measured, fewer of great many legs
PARALLEL = 1e-6  # below this sine two latents lie on one line and have no great circle


class Paths:
    """The latents that walks of one generator pass; those of one walk are drawn once."""

    def __init__(self, generator: Generator, foreign: bool = False) -> None:
        self.generator, self.foreign = generator, foreign
        self.draw = cache(generator.sample)
        self._known: dict[object, tuple[Space, Tensor]] = {}

    def corners(self, walk: Walk, scene: Scene) -> tuple[Space, Tensor]:
        """What a walk is made of: latents z (N, Z), or codes w (N, L, D) where one of them is
        stored in w. Raises BadData, Missing."""
        check(walk)
        if all(isinstance(one, int) for one in walk.latents):
            return "z", self.draw(seeds_of(walk))
        key = walk.latents, scene.label
        if key not in self._known:
            self._known[key] = self._stored(walk.latents, scene)
        return self._known[key]

    def _stored(self, latents: Sequence[int | str], scene: Scene) -> tuple[Space, Tensor]:
        found: list[tuple[Space, Tensor]] = []
        for one in latents:
            if isinstance(one, int):
                found.append(("z", self.draw((one,))))
            else:
                space, begin = stored.start(one, self.generator.info, self.foreign)
                found.append((space, begin.to(self.generator.device)))
        if all(space == "z" for space, _ in found):
            return "z", torch.cat([z for _, z in found])
        label, mapping = labels([scene], self.generator), self.generator.mapping
        return "w", torch.cat([w if space == "w" else mapping(w, label) for space, w in found])

    def place(self, scene: Scene, walk: Walk) -> tuple[Space, Tensor]:
        """z (1, Z) or codes (1, L, D) where the scene's walk is."""
        space, corners = self.corners(walk, scene)
        return space, blended(corners, weights(corners, walk))

    def settled(self, scene: Scene) -> Scene:
        """The scene with a walk of nothing but seeds and a place: where its stops, or a constant
        speed, say that it is, with the truncation that they say. Any other scene unchanged.

        Raises BadData, Missing.
        """
        walk = scene.seed
        if not isinstance(walk, Walk) or scene.latent is not None:
            return scene
        if not (walk.even or walk.stops):
            return scene
        circular, count = walk.blend == "circular", len(walk.seeds)
        stops = walk.stops or (PLAIN,) * count
        tables: tuple[tuple[float, ...], ...] = ()
        if walk.even:
            space, corners = self.corners(walk, scene)
            path = corners[int(walk.around is not None) :].flatten(1).double().cpu()
            tables = arcs((path @ path.T).numpy().tobytes(), count, walk.blend, space)
        try:
            leg, part = leg_at(walk.t, stops, circular, [one[-1] for one in tables])
        except ValueError as error:
            raise BadData(f"the walk has no such times: {error}") from None
        part = along(tables[leg], part) if tables else part
        t = (leg + part) / (count if circular else count - 1)
        said = [scene.truncation if one.truncation is None else one.truncation for one in stops]
        share = min(max(part, 0.0), 1.0)
        psi = said[leg] * (1 - share) + said[(leg + 1) % count] * share
        plain = replace(walk, t=t, even=False, stops=())
        return replace(scene, seed=plain, truncation=psi if any(walk.stops) else scene.truncation)


def check(walk: Walk) -> None:
    """Raises BadData for walks that lead nowhere."""
    if len(walk.seeds) < 2:
        raise BadData("a walk needs at least two seeds", f"it has {len(walk.seeds)}")
    if not -0.5 < walk.t < 1.5:  # easings that overshoot go beyond its ends
        raise BadData(f"the walk is at t = {walk.t}", "t goes from 0 to 1")
    if walk.blend not in BLENDS:
        raise BadData(f"no blend '{walk.blend}'", did_you_mean(walk.blend, BLENDS))
    seeds_of(walk)


def seeds_of(seed: int | Walk) -> tuple[int, ...]:
    """The seeds a scene draws; raises BadData for a seed that is none."""
    every = seed.latents if isinstance(seed, Walk) else (seed,)
    seeds = tuple(one for one in every if isinstance(one, int))
    for one in seeds:
        if not 0 <= one < SEED_LIMIT:
            raise BadData(f"{one} is no seed", f"seeds go from 0 to {SEED_LIMIT - 1}")
    return seeds


def latent(draw: Draw, seed: int | Walk) -> Tensor:
    """z (1, Z) of a seed or of a place on a walk through seeds. Raises BadData for walks that lead
    nowhere."""
    if not isinstance(seed, Walk):
        return draw(seeds_of(seed))
    check(seed)
    corners = draw(seeds_of(seed))
    return blended(corners, weights(corners, seed))


def blended(corners: Tensor, shares: list[float]) -> Tensor:
    """Sum of shares[i] * corners[i], (1, Z) or (1, L, D); corners of share 0 are left out, so 1 is
    exact."""
    terms = [
        share * corner for share, corner in zip(shares, corners, strict=True) if abs(share) > 1e-12
    ]
    return torch.stack(terms).sum(0, keepdim=True)


def weights(corners: Tensor, walk: Walk) -> list[float]:
    """Share of each latent, from corners (N, Z), or (N, L, D) in w, and the place on the walk."""
    if walk.around is None:
        return _along(corners, walk)
    length = math.sqrt(1 + walk.amplitude**2) if corners.ndim == 2 else 1.0
    path = _along(corners[1:], walk)
    if corners.ndim > 2:  # in w nothing is normal: what is added has no mean of its own
        return [1 - walk.amplitude, *(walk.amplitude * share for share in path)]
    return [1 / length, *(walk.amplitude / length * share for share in path)]


def _along(corners: Tensor, walk: Walk) -> list[float]:
    count = len(walk.seeds)
    if walk.blend == "circular":
        return circle(count, walk.t, normal=corners.ndim == 2)
    leg = max(0, min(int(walk.t * (count - 1)), count - 2))
    part = walk.t * (count - 1) - leg
    shares = [0.0] * count
    near, far = (1 - part, part)
    if walk.blend == "slerp" and corners.ndim == 2:
        known = on_host(corners)
        near, far = _great_circle(known[leg], known[leg + 1], part)
    shares[leg], shares[leg + 1] = near, far
    return shares


@lru_cache(maxsize=4)
def arcs(gram: bytes, count: int, blend: Blend, space: Space) -> tuple[tuple[float, ...], ...]:
    """Of each leg its length up to places evenly along it, from the products
    (N, N) float64 of all latents that are passed: distances need nothing else."""
    products = torch.frombuffer(bytearray(gram), dtype=torch.float64).view(count, count)
    corners = _with_products(products)
    corners = corners if space == "z" else corners[:, None]
    legs = count if blend == "circular" else count - 1
    samples = max(4, min(SAMPLES, 4096 // count))
    found = []
    for leg in range(legs):
        places = [(leg + i / samples) / legs for i in range(samples + 1)]
        walks = (Walk(tuple(range(count)), blend, t) for t in places)
        shares = torch.tensor([_along(corners, walk) for walk in walks]).double()
        steps = shares.diff(dim=0)
        lengths = ((steps @ products) * steps).sum(1).clamp_min(0).sqrt().cumsum(0)
        found.append((0.0, *lengths.tolist()))
    return tuple(found)


def _with_products(products: Tensor) -> Tensor:
    """Vectors (N, N) whose products are these (N, N): what great circles need to know."""
    values, vectors = torch.linalg.eigh(products)
    found: Tensor = vectors * values.clamp_min(0).sqrt()
    return found


def along(lengths: Sequence[float], part: float) -> float:
    """Where on a leg the share `part` of its length is reached; what lies beyond is as it is."""
    if not 0 < part < 1 or not lengths[-1]:
        return part
    wanted = part * lengths[-1]
    after = min(bisect_right(lengths, wanted), len(lengths) - 1)
    step = lengths[after] - lengths[after - 1]
    return (after - 1 + ((wanted - lengths[after - 1]) / step if step else 0.0)) / (
        len(lengths) - 1
    )


@lru_cache(maxsize=8)
def on_host(corners: Tensor) -> Tensor:
    """Latents (N, Z) as float64 on the host: those of a walk are asked for in each picture."""
    return corners.cpu().double()


def _great_circle(start: Tensor, stop: Tensor, part: float) -> tuple[float, float]:
    """Shares of two latents (Z,), float64 on the host, so that the direction turns evenly and the
    length goes straight from one to the other (Shoemake 1985, with lengths kept apart)."""
    from_length, to_length = float(start.norm()), float(stop.norm())
    if not from_length or not to_length:
        return 1 - part, part
    cosine = float(start @ stop) / (from_length * to_length)
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < PARALLEL:
        return 1 - part, part
    length = (1 - part) * from_length + part * to_length
    near = math.sin((1 - part) * angle) / math.sin(angle)
    far = math.sin(part * angle) / math.sin(angle)
    return near * length / from_length, far * length / to_length
