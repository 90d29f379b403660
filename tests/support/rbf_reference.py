"""Radial basis functions as the paper writes them: what the paths of warped are held against."""

import torch
from torch import Tensor
from toy_generator import Toy

from latty.directions.methods.warped.paths import WarpedPath
from latty.directions.methods.warped.rbf import distances


def value(z: Tensor, support: Tensor, alphas: Tensor, gamma: Tensor) -> Tensor:
    """f(z), (N,), of one path or of a path for each latent: equation 2."""
    return (alphas * torch.exp(-gamma[..., None] * distances(z, support))).sum(1)


def gradient(z: Tensor, support: Tensor, alphas: Tensor, gamma: Tensor) -> Tensor:
    """The gradient of f at z (N, d): 2 g sum_i w_i (s_i - z), w_i = a_i exp(-g |z - s_i|^2)."""
    weights = alphas * torch.exp(-gamma[..., None] * distances(z, support))
    toward = (weights[..., None] * (support - z[:, None])).sum(1)
    return 2 * gamma[..., None] * toward


def traversal(path: WarpedPath, latents: Tensor, steps: int, eps: float, leap: int = 1) -> Tensor:
    """Codes (N, T, d) along the path from latents (N, d), step by step from -steps * eps to
    +steps * eps of length; every `leap`-th is kept, the latents themselves among them."""
    ways = {0: latents}
    for sign in (-1, 1):
        strength = latents.new_full((len(latents),), sign * eps / path.sigma)
        for step in range(1, steps + 1):
            before = ways[sign * (step - 1)]
            ways[sign * step] = path.move(before, strength, Toy())
    kept = [ways[place] for place in range(-steps, steps + 1) if place % leap == 0]
    return torch.stack(kept, 1)
