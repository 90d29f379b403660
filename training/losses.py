"""What tells the generator that its picture is not the picture its latent stands for.

Because the renderer is ours, the right picture of every latent is known: the paired losses compare
with it. The adversarial losses are those of StyleGAN2. All take pictures (N, 3, H, W) in -1..1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latty.models.families.portraits.renderer import NAMES

EYES = ((-0.34, 0.04, 0.24, 0.30), (0.34, 0.04, 0.24, 0.30))  # x, y, width, height of a spot
MOUTH = (0.0, -0.50, 0.32, 0.20)


def importance(factors: Tensor, size: int, mouth: float = 3.0) -> Tensor:
    """Weights (N, 1, H, W) with mean 1: the face matters more, eyes and mouth most.

    `mouth` is its weight above the rest: lips have little contrast and are learned last.

    Places follow the head's position, scale, roll and, roughly, yaw and pitch, as the renderer
    puts them.
    """
    named = {name: factors[:, i].view(-1, 1, 1) for i, name in enumerate(NAMES)}
    axis = (torch.arange(size, device=factors.device) + 0.5) / size * 2 - 1
    scale = 0.59 * (1 + 0.18 * named["scale"])
    x = (axis.view(1, 1, -1) - 0.22 * named["pos_x"]) / scale
    y = (-axis.view(1, -1, 1) - 0.04 - 0.13 * named["pos_y"]) / scale
    roll = 0.28 * named["roll"]
    x, y = x * roll.cos() + y * roll.sin(), y * roll.cos() - x * roll.sin()
    weight = 1 + 1.5 * torch.exp(-((x * x / 0.81 + y * y / 1.21) ** 2))
    x, y = x - 0.5 * named["yaw"], y - 0.25 * named["pitch"]
    for (cx, cy, wide, high), gain in ((EYES[0], 3.0), (EYES[1], 3.0), (MOUTH, mouth)):
        weight = weight + gain * torch.exp(-(((x - cx) / wide) ** 2) - ((y - cy) / high) ** 2)
    return (weight / weight.mean((1, 2), keepdim=True)).unsqueeze(1)


def pyramid(image: Tensor, levels: int = 4) -> list[Tensor]:
    """Laplacian pyramid: what each octave adds to the one below it, and the last octave."""
    bands = []
    for _ in range(levels - 1):
        small = F.avg_pool2d(image, 2)
        bands.append(image - F.interpolate(small, scale_factor=2.0, mode="nearest"))
        image = small
    return [*bands, image]


def paired_loss(fake: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """L1 of every octave, the finer ones up to 3 times more, so that edges are worth getting."""
    total = fake.new_zeros(())
    for band, gain in zip(pyramid(fake - real), (3.0, 2.0, 1.0, 1.0), strict=True):
        total = total + gain * (band.abs() * weight).mean()
        weight = F.avg_pool2d(weight, 2)
    return total


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Logistic loss on logits (Goodfellow et al. 2014)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Non-saturating logistic loss (Goodfellow et al. 2014)."""
    return F.softplus(-fake).mean()


def gradient_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """R1: mean squared gradient norm at the data (Mescheder et al. 2018)."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
