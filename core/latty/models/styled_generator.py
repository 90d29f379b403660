"""A generator with a mapping and a synthesis that can stop before any layer: StyleGAN1, 2 and 3.

N batch, L layers, D latent width, Z z-width, C channels, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.activations import UNCHANGED, Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, in_order, label_weights, layer_index, truncated
from latty.scene import Noise


@dataclass(frozen=True, slots=True)
class SynthesisState:
    """Synthesis before layer `layer`: features x (N, C, H, W), None before the first."""

    layer: int
    x: Tensor | None

    def repeated(self, n: int) -> "SynthesisState":
        """Of n pictures, from a state of n or of one."""
        if self.x is None or len(self.x) == n:
            return self
        return replace(self, x=self.x.expand(n, -1, -1, -1))


class StyledConfig(Protocol):
    """The sizes that every style-based network has."""

    @property
    def z_dim(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def c_dim(self) -> int: ...
    @property
    def resolution(self) -> int: ...
    @property
    def img_channels(self) -> int: ...
    @property
    def num_layers(self) -> int: ...


class StyledNetwork(Protocol):
    """A network that a StyledGenerator runs."""

    @property
    def mean_code(self) -> Tensor:
        """The mean of the codes (D,)."""
        ...

    def codes(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Codes (N, L, D) of latents (N, Z) and class weights (N, classes)."""
        ...

    def start(self, codes: Tensor) -> Any:
        """The SynthesisState before the first layer, of codes (N, L, D)."""
        ...

    def run(self, state: Any, codes: Tensor, stop: int, context: Any) -> Any:
        """The state before layer `stop`, of codes (N, L, D)."""
        ...

    def finish(self, state: Any, codes: Tensor, context: Any) -> Tensor:
        """Images (N, C, H, W) float32 from a state and codes (N, L, D), both of batch N."""
        ...

    def pictures(self, noise: Noise) -> Any:
        """What `run` and `finish` are given as `context`: the noise of each layer."""
        ...

    def layer_weights(self) -> list[Tensor]:
        """The matrix (outputs, D) through which each layer reads its code."""
        ...

    def activation_names(self) -> list[str]:
        """The layers; number j is what reads code j."""
        ...


def styled_info(
    meta: Meta, family: str, config: StyledConfig, size: tuple[int, int] | None = None
) -> ModelInfo:
    """What a style-based generator says about itself; `size`: height and width in px of pictures
    that need not be square."""
    height, width = size or (config.resolution, config.resolution)
    return ModelInfo.of(
        meta,
        family,
        height=height,
        width_px=width,
        channels=config.img_channels,
        z_dim=config.z_dim,
        num_layers=config.num_layers,
        width=config.w_dim,
        num_classes=config.c_dim,
        space="w",
    )


class StyledGenerator:
    """A Generator with layer weights, activations, and prefixes for edits of late layers."""

    def __init__(self, network: StyledNetwork, info: ModelInfo, device: torch.device) -> None:
        self.network: Any = network
        self.info, self.device = info, device

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z); label None is all zeros, as in the reference."""
        weights = label_weights(self.info, label, z.shape[0], self.device)
        codes: Tensor = self.network.codes(z.to(self.device, torch.float32), weights)
        if truncation == 1:
            return codes
        return truncated(codes, self._mean(weights), truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code below `cutoff`."""
        return truncated(codes.to(self.device), self._mean(None), truncation, cutoff)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; label and truncation are in the codes already."""
        return self.synthesis_with(codes, UNCHANGED, label, truncation, noise)

    def prefix(self, codes: Tensor, layer: int, noise: Noise = "const") -> SynthesisState:
        """The work that codes (N, L, D) which differ from `layer` on only have in common. Raises
        UsageError for a layer that is not there."""
        if not 0 <= layer <= self.info.num_layers:
            raise UsageError(f"{self.info.name} has layers 0 to {self.info.num_layers - 1}")
        with gradients(codes):
            codes = self._fitting(codes)
            state = self.network.run(self.network.start(codes), codes, layer, self._context(noise))
            return cast(SynthesisState, state)

    def synthesis_from(
        self,
        state: object,
        codes: Tensor,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a prefix of the same batch, or of one;
        `changes` of the activation that the prefix ends with, or of later ones. Raises UsageError
        for changes below it."""
        assert isinstance(state, SynthesisState)
        places = in_order(self.info, self.activation_names(), changes)
        if places and places[0][0] < state.layer - 1:
            raise UsageError(f"the state goes on from layer {state.layer}, above what is changed")
        with gradients(codes, state.x, *changes.values()):
            codes, context = self._fitting(codes), self._context(noise)
            now = state.repeated(len(codes))
            for layer, change in places:
                now = self.network.run(now, codes, layer + 1, context)
                now = replace(now, x=changed(cast(Tensor, now.x), change))
            images: Tensor = self.network.finish(now, codes, context)
            return images

    def layer_weights(self) -> list[Tensor]:
        """One matrix (outputs, D) per code layer: its style = weight @ code."""
        weights: list[Tensor] = self.network.layer_weights()
        return weights

    def activation_names(self) -> list[str]:
        """What reads code 0, 1, 2, ..."""
        names: list[str] = self.network.activation_names()
        return names

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after layer `name`, style applied."""
        layer = layer_index(self.info, self.activation_names(), name)
        return cast(Tensor, self.prefix(codes, layer + 1, noise).x)

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

    def _mean(self, weights: Tensor | None) -> Tensor:
        """What truncation moves toward, of class weights (N, classes): it broadcasts to codes."""
        mean: Tensor = self.network.mean_code
        return mean

    def _context(self, noise: Noise) -> Any:
        return self.network.pictures(noise)

    def _fitting(self, codes: Tensor) -> Tensor:
        return fitting_codes(self.info, codes, self.device)
