"""ProGAN generators, as tensors with the names of the PyTorch port that most later work uses.

Karras et al. 2018, "Progressive Growing of GANs" (arXiv:1710.10196). Names: features.N.conv.weight,
features.N.wscale.scale and .b, output.* (akanimax/WarpedGANSpace/GANLatentDiscovery). Optional
are the scales, where they are the He constant, and outputs.N.* of lower resolutions with `lod`.

There is no mapping: the one code of a picture is its latent z, and its mean is zero.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models.activations import UNCHANGED, Changes, gradients
from latty.models.base import Labels, Meta, ModelInfo, Shapes
from latty.models.checks import fitting_lod
from latty.models.families.progan.network import ProGANConfig, ProGANNetwork
from latty.models.latent_generator import Latent, StagedSteps
from latty.models.state_dict import checked, header_config, shapes_of
from latty.scene import Noise

__all__ = ["ProGAN", "ProGANConfig", "build", "metadata"]

ORIGIN = "ProGAN of WarpedGANSpace and GANLatentDiscovery, .pth"
CHECKED = "the reference code's own output, 64 px"
SIGNATURE = {"features.0.conv.weight": (-1, -1, 4, 4), "output.conv.weight": 4}
PICTURE = (r"features\.0\.conv\.weight", r"features\.\d*[02468]\.conv\.weight")
NOISE = False

FIRST, LAST = "features.0.conv.weight", "output.conv.weight"
LAYER = re.compile(r"features\.(\d{1,4})\.")
MAX_BLOCKS = 10  # 2048 px


def metadata(z_dim: int) -> dict[str, str]:
    """The header that goes with the tensors: how much of the first layer's input is latent."""
    return {"kind": "generator", "family": "progan", "config": json.dumps({"z_dim": z_dim})}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> "ProGAN":
    """A generator on the device, ready to run, of tensors such as (O, I, k, k). Raises BadData,
    naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16; None = float32.
    """
    shapes = shapes_of(tensors)
    config = read_config(shapes, meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        state = checked(tensors, _wanted(config, shapes))
        network = ProGANNetwork(config, state, device, dtype)
    lod = float(state["lod"]) if "lod" in state else 0.0
    info = ModelInfo.of(
        meta,
        "progan",
        resolution=config.resolution,
        channels=config.img_channels,
        z_dim=config.z_dim,
        num_layers=1,
        width=config.z_dim,
        num_classes=config.classes,
        space="z",
    )
    return ProGAN(network, info, device, unlabelled_class=None).with_lod(lod)


def read_config(shapes: Shapes, meta: Meta) -> ProGANConfig:
    """What the tensors show; only the header can say that part of the input is a label.
    Raises BadData for tensors that are no ProGAN."""
    numbers = [match[1] for match in map(LAYER.match, shapes) if match]
    blocks = max((int(number) for number in numbers), default=0) // 2 + 1
    if blocks > MAX_BLOCKS:
        raise BadData(f"{2 * blocks} convolutions make no ProGAN that latty knows")
    channels = []
    for j in range(2 * blocks):
        name = f"features.{j}.conv.weight"
        if len(shapes.get(name, ())) != 4 or 0 in shapes[name]:
            raise BadData(f"tensor '{name}' is missing or no convolution")
        channels.append(shapes[name][0])
    inputs = shapes[FIRST][1]
    z_dim = _z_dim(meta, inputs)
    return ProGANConfig(z_dim, inputs - z_dim, tuple(channels), shapes[LAST][0])


def _z_dim(meta: Meta, inputs: int) -> int:
    z_dim = header_config(meta).get("z_dim", inputs)
    if isinstance(z_dim, bool) or not isinstance(z_dim, int) or not 1 <= z_dim <= inputs:
        raise BadData(f"the header's z_dim cannot be {z_dim!r}", "import the model again")
    return z_dim


def _wanted(config: ProGANConfig, shapes: Shapes) -> dict[str, Sequence[int]]:
    """The shape of every tensor of the network; of optional ones where the file has them."""
    wanted: dict[str, Sequence[int]] = {}
    inputs = config.z_dim + config.classes
    for j, outputs in enumerate(config.channels):
        size = 3 if j else 4
        wanted[f"features.{j}.conv.weight"] = (outputs, inputs, size, size)
        own = j == 0 and len(shapes.get("features.0.wscale.b", ())) == 3  # of a first linear layer
        wanted[f"features.{j}.wscale.b"] = (outputs, 4, 4) if own else (outputs,)
        inputs = outputs
    for block in range(config.blocks):
        name = f"outputs.{block}" if block < config.blocks - 1 else "output"
        if name == "output" or f"{name}.conv.weight" in shapes:
            wanted[f"{name}.conv.weight"] = (
                config.img_channels,
                config.channels[2 * block + 1],
                1,
                1,
            )
            wanted[f"{name}.wscale.b"] = (config.img_channels,)
    scales = [name.replace(".conv.weight", ".wscale.scale") for name in wanted]
    wanted |= {name: (1,) for name in scales if name.endswith(".scale") and name in shapes}
    wanted |= {"lod": ()} if "lod" in shapes else {}
    return wanted


@dataclass(frozen=True, eq=False)
class ProGAN(Latent):
    """A Generator whose codes (N, 1, Z) are its latents; it may still be growing."""

    lod: float = 0.0

    def with_lod(self, lod: float) -> "ProGAN":
        """The same weights while growing: 0 = all of it, 1 = one resolution less, 0.5 = between."""
        network = cast(ProGANNetwork, self.network)
        return replace(self, lod=fitting_lod(lod, network.config.blocks, network.outputs))

    def steps(
        self,
        codes: Tensor,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> StagedSteps | None:
        """The synthesis of codes (N, 1, Z), step by step; None while the network is growing."""
        return None if self.lod else super().steps(codes, label, truncation, noise, changes)

    def _run(
        self,
        codes: Tensor,
        label: Labels,
        truncation: float,
        stop: int,
        changes: Changes,
        noise: Noise,
    ) -> Tensor:
        network = cast(ProGANNetwork, self.network)
        if not self.lod or stop < len(network.layers):
            return super()._run(codes, label, truncation, stop, changes, noise)
        if changes:
            raise UsageError("a network that is still growing gives whole pictures only")
        weights = self._weights(label, codes.shape[0])
        with gradients(codes, weights):
            start, *_ = network.conditions(self._codes(codes), weights)
            return network.growing(start, self.lod)
