"""Reads the 23 factors off a picture: the scorer of the embedded models.

A small residual convolutional network. It keeps full detail down to 16 px and reads the final maps
by position (flattened, not pooled), because smile, gaze and brows are a few pixels in known places.
Batch normalisation is folded into the convolutions when the weights are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latty.checkpoints.safetensors import read_header, read_tensors
from latty.models.families.portraits.renderer import NAMES

WIDTHS = (16, 32, 64, 64)
SIZE = 64  # px the network reads; other pictures are resized


class Regressor(nn.Module):
    """images (N, 3, H, W) in -1..1 -> factors (N, 23), the binary one (glasses) as a logit."""

    def __init__(self, widths: Sequence[int] = WIDTHS, hidden: int = 160, norm: bool = False):
        super().__init__()
        self.widths, self.hidden = tuple(widths), hidden
        stages, inputs = [], 5  # RGB and the two coordinates
        for i, width in enumerate(self.widths):
            stages.append(_unit(inputs, width, 1 if i == 0 else 2, norm))
            stages.append(_unit(width, width, 1, norm))
            inputs = width
        self.stages = nn.ModuleList(stages)
        side = SIZE >> (len(self.widths) - 1)
        self.reduce = _unit(inputs, 24, 1, norm)
        self.inner = nn.Linear(24 * side * side, hidden)
        self.outer = nn.Linear(hidden, len(NAMES))

    def embed(self, images: Tensor) -> Tensor:
        """The hidden layer (N, hidden): the space in which sets of pictures are compared."""
        x = with_coordinates(fit(images))
        for stage in self.stages:
            y = stage(x)
            x = F.relu(y + x) if y.shape == x.shape else F.relu(y)
        return F.relu(self.inner(F.relu(self.reduce(x)).flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (N, C, H, W) -> factors (N, A)."""
        factors: Tensor = self.outer(self.embed(images))
        return factors


def _unit(inputs: int, outputs: int, stride: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)


def fit(images: Tensor) -> Tensor:
    """Pictures of any size to SIZE px: averaged down, or interpolated up. (N, C, H, W) -> (N, C,
    SIZE, SIZE)."""
    if images.shape[-1] == SIZE and images.shape[-2] == SIZE:
        return images
    return F.interpolate(images, (SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True)


def with_coordinates(images: Tensor) -> Tensor:
    """Append x and y in -1..1 as two channels: (N, 5, H, W)."""
    n, _, h, w = images.shape
    x = torch.linspace(-1, 1, w).to(images).expand(n, 1, h, w)
    y = torch.linspace(-1, 1, h).to(images).view(1, 1, h, 1).expand(n, 1, h, w)
    return torch.cat([images, x, y], 1)


def load_regressor(path: Path) -> Regressor:
    """A folded network in float32, frozen."""
    metadata = read_header(path).meta
    widths = [int(word) for word in metadata["widths"].split()]
    network = Regressor(widths, int(metadata["hidden"]))
    network.load_state_dict(read_tensors(path))
    return network.eval().requires_grad_(False)
