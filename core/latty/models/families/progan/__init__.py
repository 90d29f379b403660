"""ProGAN generators, as tensors with the names of the PyTorch port that most later work uses.

Karras et al. 2018, "Progressive Growing of GANs" (arXiv:1710.10196). Names: features.N.conv.weight,
features.N.wscale.scale and .b, output.* (akanimax/WarpedGANSpace/GANLatentDiscovery). Optional
are the scales, where they are the He constant, and outputs.N.* of lower resolutions with `lod`.

There is no mapping: the one code of a picture is its latent z, and its mean is zero.
"""

import json
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models.activations import Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, Shapes, sample_normal
from latty.models.checks import fitting_lod, in_order, label_weights, layer_index
from latty.models.families.progan.network import Config, Network
from latty.models.families.stylegan2.config import checked
from latty.scene import Noise

__all__ = ["Config", "ProGAN", "build", "metadata"]

SIGNATURE = {"features.0.conv.weight": (-1, -1, 4, 4), "output.conv.weight": 4}
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
    """A generator on the device, ready to run; raises BadData naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16; None = float32.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = read_config(shapes, meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        state = checked(tensors, _wanted(config, shapes))
        network = Network(config, state, device, dtype)
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
    return ProGAN(network, info, device).with_lod(lod)


def read_config(shapes: Shapes, meta: Meta) -> Config:
    """What the tensors show; only the header can say that part of the input is a label."""
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
    return Config(z_dim, inputs - z_dim, tuple(channels), shapes[LAST][0])


def _z_dim(meta: Meta, inputs: int) -> int:
    try:
        said = json.loads(meta.get("config", "{}"))
    except (ValueError, RecursionError):
        raise BadData("the header's config is not JSON", "import the model again") from None
    z_dim = said.get("z_dim", inputs) if isinstance(said, dict) else None
    if isinstance(z_dim, bool) or not isinstance(z_dim, int) or not 1 <= z_dim <= inputs:
        raise BadData(f"the header's z_dim cannot be {z_dim!r}", "import the model again")
    return z_dim


def _wanted(config: Config, shapes: Shapes) -> dict[str, Tensor]:
    """Every tensor of the network, without memory; optional ones where the file has them."""
    wanted: dict[str, Sequence[int]] = {}
    inputs = config.z_dim + config.classes
    for j, outputs in enumerate(config.channels):
        size = 3 if j else 4
        wanted[f"features.{j}.conv.weight"] = (outputs, inputs, size, size)
        wanted[f"features.{j}.wscale.b"] = (outputs,)
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
    return {name: torch.empty(tuple(shape), device="meta") for name, shape in wanted.items()}


class ProGAN:
    """A Generator whose codes (N, 1, Z) are its latents, with weights and activations.

    N batch, Z latent width, C channels, H W pixels.
    """

    def __init__(
        self, network: Network, info: ModelInfo, device: torch.device, lod: float = 0.0
    ) -> None:
        self.network, self.info, self.device, self.lod = network, info, device, lod

    def with_lod(self, lod: float) -> "ProGAN":
        """The same weights while growing: 0 = all of it, 1 = one resolution less, 0.5 = between."""
        lod = fitting_lod(lod, self.network.config.blocks, self.network.outputs)
        return ProGAN(self.network, self.info, self.device, lod)

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, 1, Z): the latents themselves; the label is synthesis' affair."""
        return self.truncate(z.to(self.device)[:, None], truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, 1, Z) moved toward zero. Pixel norm undoes a common factor of a latent."""
        if cutoff == 0:
            return codes
        if isinstance(truncation, Tensor):
            truncation = truncation.to(codes).reshape(-1, 1, 1)
        return codes * truncation

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; truncation is in the codes, noise there is none."""
        weights = self._weights(label, codes.shape[0])
        with gradients(codes, weights):
            start = self.network.start(self._codes(codes), weights)
            return self.network.finish(start, -1, self.lod)

    def layer_weights(self) -> list[Tensor]:
        """The first convolution as a matrix (16 O, Z): output pixel (o, y, x) of each z.

        As SeFa reads it: the padding of 3 turns the kernel around, and labels have no part in it.
        """
        kernel = self.network.layers[0].weight.detach().float()[:, : self.info.z_dim]
        return [kernel.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, self.info.z_dim)]

    def activation_names(self) -> list[str]:
        """layer0, layer1, ...: every convolution."""
        return [f"layer{j}" for j in range(len(self.network.layers))]

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after layer `name`, before the next pixel norm."""
        last, weights = self._layer(name), self._weights(label, codes.shape[0])
        with gradients(codes, weights):
            return self.network.run(self.network.start(self._codes(codes), weights), 0, last + 1)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some layers changed."""
        places = in_order(self.info, self.activation_names(), changes)
        if places and self.lod > 0:
            raise UsageError("a network that is still growing gives whole pictures only")
        weights = self._weights(label, codes.shape[0])
        with gradients(codes, weights, *changes.values()):
            x, done = self.network.start(self._codes(codes), weights), 0
            for layer, change in places:
                x, done = changed(self.network.run(x, done, layer + 1), change), layer + 1
            return self.network.finish(x, done - 1, self.lod)

    def _layer(self, name: str) -> int:
        return layer_index(self.info, self.activation_names(), name)

    def _codes(self, codes: Tensor) -> Tensor:
        if tuple(codes.shape[1:]) != (1, self.info.z_dim):
            raise UsageError(f"codes are (N, 1, {self.info.z_dim}), not {tuple(codes.shape)}")
        return codes[:, 0].to(self.device, torch.float32)

    def _weights(self, label: Labels, n: int) -> Tensor | None:
        """The label as weights (N, classes); None is all zeros."""
        return label_weights(self.info, label, n, self.device)
