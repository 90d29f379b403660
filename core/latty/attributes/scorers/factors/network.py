"""Reads the 23 factors off a picture: the scorer of the embedded models.

A small residual convolutional network. It keeps full detail down to 16 px and reads the final maps
by position (flattened, not pooled), because smile, gaze and brows are a few pixels in known places.
Batch normalisation is folded into the convolutions when the weights are written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

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


def channels_last(network: nn.Module) -> None:
    """Lay the convolutions out as the CPU and tensor cores read them fastest, in place."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


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


def fold(network: Regressor) -> Regressor:
    """The same function without batch normalisation: y = (W x - mean) gain + bias."""
    plain = Regressor(network.widths, network.hidden)
    tensors = {}
    names = [*(f"stages.{i}" for i in range(len(network.stages))), "reduce"]
    for name in names:
        conv = network.get_submodule(f"{name}.0")
        norm = network.get_submodule(f"{name}.1")
        assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        tensors[f"{name}.0.weight"] = conv.weight * gain.view(-1, 1, 1, 1)
        tensors[f"{name}.0.bias"] = norm.bias - norm.running_mean * gain
    for name in ("inner", "outer"):
        tensors[f"{name}.weight"] = getattr(network, name).weight
        tensors[f"{name}.bias"] = getattr(network, name).bias
    plain.load_state_dict({name: tensor.detach().clone() for name, tensor in tensors.items()})
    return plain


def write_regressor(network: Regressor, path: Path, notes: dict[str, str]) -> None:
    """Fold and store as fp16 safetensors."""
    state = fold(network).state_dict()
    tensors = {name: t.cpu().to(torch.float16).contiguous() for name, t in state.items()}
    widths = " ".join(str(width) for width in network.widths)
    metadata = {"widths": widths, "hidden": str(network.hidden), "factors": " ".join(NAMES)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(tensors, temporary, {**metadata, **notes})
    temporary.chmod(0o644)  # safetensors writes for the owner alone; these files are shipped
    temporary.replace(path)


def load_regressor(path: Path) -> Regressor:
    """A folded network in float32, frozen."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    widths = [int(word) for word in metadata["widths"].split()]
    network = Regressor(widths, int(metadata["hidden"]))
    network.load_state_dict({name: t.float() for name, t in load_file(path).items()})
    return network.eval().requires_grad_(False)
