"""Ties the latent z of the `demo` model to the factors of the renderer.

A fixed rotation R of latent space gives u = R z / rms(z); pixel norm (the first thing the mapping
network does) leaves exactly this u. Each of its first 23 coordinates is close to a standard normal,
so its normal CDF is uniform and becomes one factor. The other coordinates mean nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latty.models.families.portraits.renderer import NAMES

Z_DIM = 64
POSE_RANGE = 0.5  # heads of the training set turn and move half as far as the renderer allows
ROTATION_SEED = 23

# How factors are drawn. The others are uniform on -1..1; "rare": -1..1, mostly near -1 (off);
# "beard": off (below 0) for 60 %, then uniform; "switch": 0 or 1, on for 40 %.
KINDS = {"mouth_open": "rare", "age": "rare", "beard": "beard", "glasses": "switch"}
POSE = NAMES[:6]

# Style mixing: a picture may take its codes below a cut from z and from the cut on from another z.
# Each factor then follows the codes of its own layers: pose 0-2, features 3-5, colours 6-9.
CUTS = (3, 6)
COLOURS = ("skin", "hair_color", "bg_hue", "shirt_hue", "brightness", "light", "age")
LAYER: dict[str, int] = {
    name: 0 if name in POSE else CUTS[1] if name in COLOURS else CUTS[0] for name in NAMES
}


def rotation(z_dim: int = Z_DIM) -> Tensor:
    """The fixed orthogonal matrix R (Z, Z), with the signs of QR made unique."""
    normal = np.random.RandomState(ROTATION_SEED).randn(z_dim, z_dim)
    q, r = np.linalg.qr(normal)
    return torch.from_numpy((q * np.sign(np.diag(r))).astype(np.float32))


def coordinates(z: Tensor) -> Tensor:
    """z (N, Z) to the rotated, normalised u (N, Z) with |u|^2 = Z."""
    unit = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    return unit @ rotation(z.shape[1]).to(z).t()


def factors_of(z: Tensor, pose: float = POSE_RANGE) -> Tensor:
    """The factors (N, 23) that the latents (N, Z) stand for."""
    return _drawn(torch.special.ndtr(coordinates(z)[:, : len(NAMES)]), pose)


def sample_factors(count: int, seed: int = 0, pose: float = 1.0) -> Tensor:
    """`count` sets of factors, (N, 23) on the CPU; `pose` < 1 keeps the heads nearly aligned."""
    draws = np.random.RandomState(seed).random_sample((count, len(NAMES)))
    return _drawn(torch.from_numpy(draws.astype(np.float32)), pose)


def _drawn(uniform: Tensor, pose: float) -> Tensor:
    """Factors (N, 23) of numbers (N, 23) uniform on 0..1, each increasing if it can."""
    columns = [_shaped(KINDS.get(name, ""), uniform[:, i]) for i, name in enumerate(NAMES)]
    scale = torch.tensor([pose if name in POSE else 1.0 for name in NAMES]).to(uniform)
    return torch.stack(columns, 1) * scale


def _shaped(kind: str, uniform: Tensor) -> Tensor:
    if kind == "rare":
        return uniform.pow(1.5) * 2 - 1
    if kind == "beard":
        return torch.where(uniform < 0.6, -torch.ones_like(uniform), uniform * 3 - 2)
    return (uniform > 0.6).to(uniform.dtype) if kind == "switch" else uniform * 2 - 1


def mix(below: Tensor, above: Tensor, cut: Tensor) -> Tensor:
    """Factors (N, 23) of two pictures mixed at the code layers `cut` (N,)."""
    layer = torch.tensor([LAYER[name] for name in NAMES], device=cut.device)
    return torch.where(layer < cut[:, None], below, above)


def redraw_free(z: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Other latents (N, Z) with the same factors: the free coordinates are drawn again."""
    u = coordinates(z)
    used, free = u[:, : len(NAMES)], u[:, len(NAMES) :]
    fresh = torch.randn(free.shape, generator=generator).to(z)
    fresh = fresh * (free.norm(dim=1, keepdim=True) / fresh.norm(dim=1, keepdim=True))
    return torch.cat([used, fresh], 1) @ rotation(z.shape[1]).to(z)
