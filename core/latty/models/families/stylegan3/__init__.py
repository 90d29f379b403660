"""StyleGAN3 generators, T and R, as tensors with NVIDIA's names.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks" (arXiv:2106.12423).
How each layer resamples cannot be seen in tensors: it is read from the header, key "config".

A user transform moves or turns the picture without moving its pixels: `with_transform(matrix)`
takes the *inverse* of the movement, as NVIDIA's files do, because it says where each pixel comes
from; `inverse_transform(translate, rotate)` makes one. x goes right, y down, 1 = the canvas.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.activations import UNCHANGED, Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, fitting_label, in_order, layer_index
from latty.models.families.stylegan3 import config as file
from latty.models.families.stylegan3.network import Config, Network, State
from latty.models.families.stylegan3.ops import inverse_transform
from latty.scene import Noise

__all__ = ["Config", "StyleGAN3", "build", "inverse_transform", "metadata"]

SIGNATURE = {
    "synthesis.input.freqs": 2,
    "synthesis.input.weight": ...,
    "synthesis.input.affine.weight": ...,
    "mapping.fc0.weight": ...,
}
NOISE = False


def metadata(config: Config) -> dict[str, str]:
    """The header that goes with a network's tensors in a safetensors file."""
    return {"kind": "generator", "family": "stylegan3", "config": json.dumps(asdict(config))}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> "StyleGAN3":
    """A generator on the device, ready to run; raises BadData naming the tensor that is wrong.

    dtype     of convolutions and filters, e.g. torch.bfloat16; None = float32. The Fourier input,
              styles, demodulation and image stay float32 either way.
    """
    config = file.read_config(meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network, taps = file.load(tensors, config)
        network.to(device).freeze(taps, dtype)
    info = ModelInfo.of(
        meta,
        "stylegan3",
        resolution=config.resolution,
        channels=config.img_channels,
        z_dim=config.z_dim,
        num_layers=config.num_layers,
        width=config.w_dim,
        num_classes=config.c_dim,
        space="w",
    )
    return StyleGAN3(network, info, device)


class StyleGAN3:
    """A Generator with layer weights, activations, prefixes and a user transform.

    N batch, L layers, D latent width, Z z-width, C channels, H W pixels.
    """

    def __init__(
        self,
        network: Network,
        info: ModelInfo,
        device: torch.device,
        transform: Tensor | None = None,
    ) -> None:
        self.network, self.info, self.device, self.transform = network, info, device, transform

    def with_transform(self, matrix: Tensor | None) -> "StyleGAN3":
        """The same weights seen through a matrix (3, 3): the inverse of the picture's movement.

        None is the file's own, which is no movement in every released model.
        """
        if matrix is not None and tuple(matrix.shape) != (3, 3):
            raise UsageError(f"a transform is a (3, 3) matrix, not {tuple(matrix.shape)}")
        if matrix is not None and not bool(torch.isfinite(matrix).all()):
            raise UsageError("a transform must be finite")
        return StyleGAN3(self.network, self.info, self.device, matrix)

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z); label None is all zeros, as in the reference."""
        label = self._checked(label, z.shape[0])
        codes = self.network.map(z.to(self.device), label)
        return codes if truncation == 1 else self.truncate(codes, truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code below `cutoff`."""
        return self.network.mapping.truncate(codes.to(self.device), truncation, cutoff)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; label and truncation are in the codes; it has no noise."""
        return self.synthesis_from(State(0, None), codes, noise)

    def prefix(self, codes: Tensor, layer: int, noise: Noise = "const") -> State:
        """The work that codes (N, L, D) which differ from `layer` on only have in common."""
        if not 0 <= layer <= self.info.num_layers:
            raise UsageError(f"{self.info.name} has layers 0 to {self.info.num_layers - 1}")
        with gradients(codes):
            codes = self._codes(codes)
            return self.network.synthesis.run(State(0, None), codes, layer, self.transform)

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
        synthesis, transform = self.network.synthesis, self.transform
        with gradients(codes, state.x, *changes.values()):
            codes = self._codes(codes)
            state = state.repeated(len(codes))
            for layer, change in places:
                x = cast(Tensor, synthesis.run(state, codes, layer + 1, transform).x)
                state = State(layer + 1, changed(x, change))
            return synthesis.resume(state, codes, transform)

    def layer_weights(self) -> list[Tensor]:
        """The affine matrix of each code layer: (4, D) of the input, then (I, D) of each layer."""
        synthesis = self.network.synthesis
        layers = [synthesis.layer(index) for index in range(self.info.num_layers - 1)]
        affines = [synthesis.input.affine, *(layer.affine for layer in layers)]
        return [affine.weight.detach() * affine.weight_gain for affine in affines]

    def activation_names(self) -> list[str]:
        """input, L0_36_512, ...: what reads code 0, 1, ...; the to-RGB makes the picture itself."""
        return ["input", *(layer.name for layer in self.network.config.layers[:-1])]

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after layer `name`, with its margin around the picture."""
        return cast(Tensor, self.prefix(codes, self._layer(name) + 1).x)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some layers changed."""
        return self.synthesis_from(State(0, None), codes, noise, changes)

    def _layer(self, name: str) -> int:
        return layer_index(self.info, self.activation_names(), name)

    def _codes(self, codes: Tensor) -> Tensor:
        return fitting_codes(self.info, codes, self.device)

    def _checked(self, label: Labels, n: int) -> Labels:
        return fitting_label(self.info, label, n, self.device)
