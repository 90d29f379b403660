"""StyleGAN2 and StyleGAN2-ADA generators, as tensors with NVIDIA's names.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958).
What tensors cannot say (activation, clamp, learning-rate multiplier) is read from the file's
header, key "config": the JSON object of a Config. Without it the released models' values hold.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.activations import UNCHANGED, Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, fitting_label, in_order, layer_index
from latty.models.families.stylegan2 import config as file
from latty.models.families.stylegan2.network import Config, Network, State
from latty.scene import Noise

__all__ = ["Config", "Network", "State", "StyleGAN2", "build", "metadata"]

SIGNATURE = {
    "synthesis.b4.const": 3,
    "synthesis.b4.conv1.affine.weight": ...,
    "mapping.fc0.weight": ...,
}


def metadata(config: Config) -> dict[str, str]:
    """The header that goes with a network's state_dict in a safetensors file."""
    return {"kind": "generator", "family": "stylegan2", "config": json.dumps(asdict(config))}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
    compiled: bool = False,
) -> "StyleGAN2":
    """A generator on the device, ready to run; raises BadData naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16 for twice the speed at 45 dB or more;
              None = float32. Styles, demodulation and image stay float32 either way.
    compiled  let torch.compile fuse the synthesis: minutes once, and only then faster.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = file.read_config(shapes, meta)
    config = replace(config, resample_filter=file.read_taps(tensors, config))
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        with torch.device("meta"):  # shapes only: nothing is drawn or allocated twice
            network = Network(config)
        network.load_state_dict(file.checked(tensors, network.state_dict()), assign=True)
        network.to(device).freeze(dtype)
    if compiled:
        network.synthesis.compile_steps()
    info = ModelInfo.of(
        meta,
        "stylegan2",
        resolution=config.resolution,
        channels=config.img_channels,
        z_dim=config.z_dim,
        num_layers=config.num_layers,
        width=config.w_dim,
        num_classes=config.c_dim,
        space="w",
    )
    return StyleGAN2(network, info, device)


class StyleGAN2:
    """A Generator with layer weights, activations, and prefixes for edits of late layers.

    N batch, L layers, D latent width, Z z-width, C channels, H W pixels.
    """

    def __init__(self, network: Network, info: ModelInfo, device: torch.device) -> None:
        self.network, self.info, self.device = network, info, device

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z); label None is all zeros, as in the reference."""
        label = self._checked(label, z.shape[0])
        codes: Tensor = self.network.mapping(z.to(self.device), label, truncation, cutoff)
        return codes

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code below `cutoff`."""
        return self.network.mapping.truncate(codes.to(self.device), truncation, cutoff)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; label and truncation are in the codes already."""
        return self.synthesis_from(self.prefix(codes, 0), codes, noise)

    def prefix(self, codes: Tensor, layer: int, noise: Noise = "const") -> State:
        """The work that codes (N, L, D) which differ from `layer` on only have in common."""
        if not 0 <= layer <= self.info.num_layers:
            raise UsageError(f"{self.info.name} has layers 0 to {self.info.num_layers - 1}")
        with gradients(codes):
            return self.network.synthesis.prefix(self._codes(codes), layer, noise)

    def synthesis_from(
        self,
        state: object,
        codes: Tensor,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a prefix of the same batch, or of one;
        `changes` of the activation that the prefix ends with, or of later ones."""
        assert isinstance(state, State)
        places = in_order(self.info, self.activation_names(), changes)
        if places and places[0][0] < state.layer - 1:
            raise UsageError(f"the state goes on from layer {state.layer}, above what is changed")
        synthesis = self.network.synthesis
        with gradients(codes, state.x, *changes.values()):
            codes = self._codes(codes)
            state, pictures = state.repeated(len(codes)), synthesis.pictures(noise)
            for layer, change in places:
                state = synthesis.steps(state, codes, layer + 1, pictures)
                state = replace(state, x=changed(state.x, change))
            return synthesis.resume(state, codes, noise)

    def layer_weights(self) -> list[Tensor]:
        """The affine matrix (I, D) of each code layer; the last one is the last to-RGB's."""
        synthesis, last = self.network.synthesis, self.info.num_layers - 1
        affines = [synthesis.conv(layer).affine for layer in range(last)]
        affines.append(synthesis.block(last // 2).torgb.affine)
        return [affine.weight.detach() * affine.weight_gain for affine in affines]

    def activation_names(self) -> list[str]:
        """b4.conv1, b8.conv0, b8.conv1, ...: the convolution that reads code 0, 1, 2, ..."""
        sizes = [4 << (layer + 1) // 2 for layer in range(self.info.num_layers - 1)]
        return [f"b{size}.conv{1 - layer % 2}" for layer, size in enumerate(sizes)]

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after layer `name`, with the shortcut where a block has one."""
        return self.prefix(codes, self._layer(name) + 1, noise).x

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some layers changed."""
        return self.synthesis_from(self.prefix(codes, 0), codes, noise, changes)

    def _layer(self, name: str) -> int:
        return layer_index(self.info, self.activation_names(), name)

    def _codes(self, codes: Tensor) -> Tensor:
        return fitting_codes(self.info, codes, self.device)

    def _checked(self, label: Labels, n: int) -> Labels:
        return fitting_label(self.info, label, n, self.device)
