"""SNGAN generators: residual blocks that double the picture, batch norms, tanh.

Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks" (arXiv:1802.05957),
in the layout of anvoynov/GANLatentDiscovery and chi0tzp/WarpedGANSpace: model.0 is linear, model.2
and on are blocks, then a batch norm, ReLU and one convolution. The spectral norm is in the
discriminator alone. Files hold each convolution of a block under two names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.errors import BadData
from latty.models.base import Meta, ModelInfo, Shapes
from latty.models.latent_generator import Latent, narrowed
from latty.models.layers import BatchNorm, Conv, Linear, Pointwise, Reshape, norm
from latty.models.ops import enlarge
from latty.models.parts import Converted, Part
from latty.models.sequential import Sequential
from latty.models.state_dict import (
    TensorReader,
    agree,
    config_of,
    moved,
    shape_of,
    shapes_of,
    unused,
)

__all__ = ["build", "prepare"]

ORIGIN = "SNGAN of WarpedGANSpace and GANLatentDiscovery, generator.pt"
CHECKED = "the reference code's own output, 32 px"
SETTINGS = ("distribution",)
SIGNATURE = {"model.0.weight": 2, "model.2.model.0.running_mean": ...}
NOISE = False
REMARKS = True

USED = ("model", "latent_dim", "image_channels", "distribution", "class_names", "id2label")
MOST = 10  # blocks: 4096 px
DRAWS = ("normal", "uniform")  # "distribution" of args.json


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one.

    dtype     of its layers, e.g. torch.bfloat16; None = float32. Pictures are float32 either way.
    """
    shapes = shapes_of(tensors)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network, colours = moved(_network(TensorReader(tensors), shapes), device)
    said, z_dim = config_of(meta), network.matrix.shape[1]
    draw = said.get("distribution", "normal")
    if draw not in DRAWS:
        raise BadData("the settings' distribution must be normal or uniform", "see args.json")
    info = ModelInfo.of(
        meta,
        "sngan",
        resolution=4 << (len(network.names) - 2),
        channels=colours,
        z_dim=z_dim,
        num_layers=1,
        width=z_dim,
        space="z",
    )
    return Latent(narrowed(network, dtype), info, device, draw)


def prepare(part: Part, model: Converted) -> Converted:
    """The same, with a note on the settings beside the file that change nothing here. Raises
    BadData for settings that contradict the tensors."""
    said, tensors = _settings(part.beside), model.tensors
    network, colours = _network(TensorReader(tensors), shapes_of(tensors))
    agree(said, {"latent_dim": network.matrix.shape[1], "image_channels": colours})
    return replace(model, notes=(*model.notes, *unused(said, USED)))


def _settings(beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of an SNGAN, {} where they are another model's."""
    return beside if str(beside.get("model", "")).startswith("sn_") else {}


def _network(reader: TensorReader, shapes: Shapes) -> tuple[Sequential, int]:
    """The network, and the channels of its pictures."""
    numbers = {int(m[1]) for name in shapes if (m := re.match(r"model\.(\d{1,3})\.model\.", name))}
    count = max(numbers) - 1
    if count > MOST:
        raise BadData(f"{count} blocks are more than any SNGAN has", OTHER)
    width = shape_of(shapes, "model.2.model.0.running_mean", 1)[0]
    matrix = reader.take("model.0.weight", 16 * width, -1)
    start = (Linear(matrix, reader.take("model.0.bias", 16 * width)), Reshape((width, 4, 4)))
    blocks: list[tuple[SNGANBlock]] = []
    for i in range(2, 2 + count):
        block, width = _block(reader, shapes, f"model.{i}", width)
        blocks.append((block,))
    last = 2 + count
    weight = reader.take(f"model.{last + 2}.weight", -1, width, 3, 3)
    bias = reader.take(f"model.{last + 2}.bias", weight.shape[0])
    relu, tanh = Pointwise(F.relu), Pointwise(torch.tanh)
    end = (norm(reader, f"model.{last}", width), relu, Conv(weight, bias), tanh)
    reader.finish()
    names = tuple(f"model.{i}" for i in (0, *range(2, last), last + 2))
    return Sequential(names, (start, *blocks, end), matrix), weight.shape[0]


@dataclass(frozen=True, slots=True)
class SNGANBlock:
    """conv(relu(norm(conv(up(relu(norm(x))))))) + shortcut(up(x))."""

    norm0: BatchNorm
    conv0: Conv
    norm1: BatchNorm
    conv1: Conv
    shortcut: Conv | None

    def __call__(self, x: Tensor) -> Tensor:
        y = self.conv0(enlarge(F.relu(self.norm0(x))))
        y = self.conv1(F.relu(self.norm1(y)))
        x = enlarge(x)
        return y + (x if self.shortcut is None else self.shortcut(x))


def _block(reader: TensorReader, shapes: Shapes, prefix: str, width: int) -> tuple[SNGANBlock, int]:
    """One block of `width` channels, and the channels of what it gives."""
    out = shape_of(shapes, f"{prefix}.model.4.running_mean", 1)[0]
    norms = norm(reader, f"{prefix}.model.0", width), norm(reader, f"{prefix}.model.4", out)
    conv0 = _twice(reader, prefix, ("conv1", "model.3"), width, out)
    conv1 = _twice(reader, prefix, ("conv2", "model.6"), out, out)
    shortcut = None
    if width != out:
        weight = reader.take(f"{prefix}.bypass.1.weight", out, width, 3, 3)
        shortcut = Conv(weight, reader.take(f"{prefix}.bypass.1.bias", out))
    return SNGANBlock(norms[0], conv0, norms[1], conv1, shortcut), out


def _twice(reader: TensorReader, prefix: str, names: tuple[str, str], width: int, out: int) -> Conv:
    """A convolution that a file holds under one name or both."""
    there = [name for name in names if f"{prefix}.{name}.weight" in reader] or [names[1]]
    found = [
        (
            reader.take(f"{prefix}.{name}.weight", out, width, 3, 3),
            reader.take(f"{prefix}.{name}.bias", out),
        )
        for name in there
    ]
    if not all(torch.equal(a, b) for a, b in zip(found[0], found[-1], strict=True)):
        what = f"'{prefix}.{names[0]}' and '{prefix}.{names[1]}' differ: they are one layer"
        raise Refusal("wrong-shape", what, OTHER)
    return Conv(*found[-1])
