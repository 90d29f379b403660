"""Latents in units of their own spread: z, or the code that chosen layers share.

Optimisers that walk in raw codes step as far along directions in which samples hardly differ as
along those that make the pictures; in whitened coordinates every direction is one standard
deviation wide. Letters: N batch, L layers, D latent width, R whitened coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latty.directions.base import keep_layers
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.scene import ALL, Label, Layers

PILOT = 4096  # samples whose spread is taken
PART = 512  # latents mapped at once
THIN = 1e-6  # directions with a smaller share of the largest variance are left alone


@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """latent = mean + coordinates @ basis.

    mean (D,), basis (R, D), inverse (D, R); "w" latents are codes[:, first of `layers`].
    """

    generator: Generator
    space: Literal["z", "w"]
    layers: Layers
    label: Label
    mean: Tensor
    basis: Tensor
    inverse: Tensor

    def start(self, seeds: Sequence[int]) -> "tuple[Tensor, Tensor]":
        """Codes (N, L, D) and coordinates (N, R) of sampled seeds."""
        z = self.generator.sample(seeds)
        codes = self.generator.mapping(z, class_labels(self.label, z, self.generator))
        return codes, (self.latents(z, codes) - self.mean) @ self.inverse

    def latents(self, z: Tensor, codes: Tensor) -> Tensor:
        """z (N, Z), or the code (N, D) of the chosen layers."""
        return z if self.space == "z" else codes[:, self.layers.indices(codes.shape[1]).start]

    def codes(self, codes: Tensor, coordinates: Tensor) -> Tensor:
        """Codes (N, L, D) with the chosen layers at these coordinates; differentiable in them."""
        latents = self.mean + coordinates @ self.basis
        if self.space == "w":
            moved = latents[:, None].expand_as(codes)
        else:
            moved = self.generator.mapping(
                latents, class_labels(self.label, latents, self.generator)
            )
        return keep_layers(codes, moved, self.layers)

    def draw(self, codes: Tensor) -> Tensor:
        """Pictures (N, C, H, W) of codes."""
        return self.generator.synthesis(codes, class_labels(self.label, codes, self.generator))


@torch.no_grad()
def whitened(
    generator: Generator,
    space: Literal["z", "w"],
    label: Label = None,
    layers: Layers = ALL,
    seed: int = 0,
) -> Whitened:
    """z as it is; codes by the eigenvectors of their covariance among samples from `seed` on."""
    device = generator.device
    if space == "z":
        eye = torch.eye(generator.info.z_dim, device=device)
        return Whitened(generator, space, layers, label, torch.zeros_like(eye[0]), eye, eye)
    first = layers.indices(generator.info.num_layers).start
    parts = []
    for start in range(seed, seed + PILOT, PART):
        z = generator.sample(range(start, start + PART))
        parts.append(
            generator.mapping(z, class_labels(label, z, generator))[:, first].cpu().double()
        )
    samples = torch.cat(parts)
    mean = samples.mean(0)
    centred = samples - mean
    variance, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    kept = variance > THIN * variance[-1]
    spread, axes = variance[kept].sqrt(), axes[:, kept]
    tensors = (mean, (axes * spread).T, axes / spread)
    mean, basis, inverse = (tensor.float().contiguous().to(device) for tensor in tensors)
    return Whitened(generator, space, layers, label, mean, basis, inverse)
