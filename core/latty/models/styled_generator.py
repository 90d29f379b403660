"""A generator with a mapping and a synthesis that can stop before any layer: StyleGAN1, 2 and 3.

N batch, L layers, D latent width, Z z-width, C channels, H W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, Self, cast

import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.activations import UNCHANGED, Change, Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, in_order, label_weights, layer_index, truncated
from latty.models.steps import ShowsEarly
from latty.scene import Noise


@dataclass(frozen=True, slots=True)
class SynthesisState:
    """Synthesis before layer `layer`: features x (N, C, H, W), None before the first. Nothing in it
    is overwritten, unless it is `spare`."""

    layer: int
    x: Tensor | None
    spare: bool = field(default=False, kw_only=True)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds, features (N, C, H, W) first."""
        held = (getattr(self, each.name) for each in fields(self))
        return tuple(one for one in held if isinstance(one, Tensor))

    def spared(self) -> Self:
        """The same where nobody keeps it."""
        return replace(self, spare=True)

    def varying(self) -> Sequence[Tensor] | None:
        """Features (N, C, H, W); None of a state that is overwritten when it is read."""
        return None if self.spare else self.tensors

    def likewise(self, tensors: Sequence[Tensor]) -> Self:
        """As of graphs.Replayable, of features (N, C, H, W)."""
        names = [one.name for one in fields(self) if isinstance(getattr(self, one.name), Tensor)]
        parts: dict[str, Any] = dict(zip(names, tensors, strict=True))
        return replace(self, **parts)

    def kind(self) -> tuple[object, ...]:
        """As of graphs.Replayable."""
        held = tuple(isinstance(getattr(self, one.name), Tensor) for one in fields(self))
        return (type(self), self.layer, held)

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


@dataclass(frozen=True, slots=True, eq=False)
class StyledSteps:
    """Steps of codes (N, L, D): step j reads code j."""

    network: Any
    codes: Tensor
    context: Any
    places: Mapping[int, Change]
    each: bool = True

    @property
    def count(self) -> int:
        return self.codes.shape[1]

    def start(self) -> SynthesisState:
        """The state before the first layer."""
        return cast(SynthesisState, self.network.start(self.codes))

    def run(self, state: SynthesisState, stop: int) -> SynthesisState:
        """The state before layer `stop`."""
        for place in sorted(self.places):
            if state.layer <= place < stop - 1:
                state = self._run(state, place + 1)
        return self._run(state, stop)

    def image(self, state: SynthesisState) -> Tensor:
        """Images (N, C, H, W) float32 from any state."""
        last = max(self.places, default=-1) + 1
        now = self.run(state, last) if last > state.layer else state
        return cast(Tensor, self.network.finish(self._changed(now), self.codes, self.context))

    def early_heights(self) -> Mapping[int, int]:
        """The states that can be shown, and px of their pictures."""
        return self.network.early_heights() if isinstance(self.network, ShowsEarly) else {}

    def early(self, state: SynthesisState) -> Tensor:
        """Small images (N, C, h, w) of one of those states."""
        return cast(Tensor, self.network.early(self._changed(state), self.codes))

    def varying(self) -> Sequence[Tensor] | None:
        """Codes (N, L, D) and pictures of noise (H, W); None where layers look for the noise of a
        seed themselves."""
        context = self.context
        if context is None or isinstance(context, str):
            return [self.codes]
        if isinstance(context, Tensor):
            return [self.codes, context]
        if not isinstance(context, list):
            return None
        return [self.codes, *(one for one in context if one is not None)]

    def likewise(self, tensors: Sequence[Tensor]) -> "StyledSteps":
        """As of graphs.Replayable, of codes (N, L, D) and noise (H, W)."""
        (codes, *rest), context = tensors, self.context
        if isinstance(context, Tensor):
            [context] = rest
        elif isinstance(context, list):
            own = iter(rest)
            context = [None if one is None else next(own) for one in context]
        return replace(self, codes=codes, context=context)

    def kind(self) -> tuple[object, ...]:
        """As of graphs.Replayable."""
        context = self.context
        if isinstance(context, list):
            context = tuple(one is None for one in context)
        return (type(self), None if isinstance(context, Tensor) else context)

    def _run(self, state: SynthesisState, stop: int) -> SynthesisState:
        now = self._changed(state)
        return cast(SynthesisState, self.network.run(now, self.codes, stop, self.context))

    def _changed(self, state: SynthesisState) -> SynthesisState:
        """With the change of the activation that it ends with."""
        change = self.places.get(state.layer - 1)
        return state if change is None else replace(state, x=changed(cast(Tensor, state.x), change))


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
        with gradients(codes, state.x, *changes.values()):
            steps = self._cut(codes, noise, changes)
            if min(steps.places, default=state.layer) < state.layer - 1:
                what = f"the state goes on from layer {state.layer}, above what is changed"
                raise UsageError(what)
            return steps.image(state.repeated(len(codes)))

    def steps(
        self,
        codes: Tensor,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> StyledSteps | None:
        """The synthesis of codes (N, L, D), step by step; label and truncation are in the codes."""
        return self._cut(codes, noise, changes)

    def _cut(self, codes: Tensor, noise: Noise, changes: Changes) -> StyledSteps:
        places = dict(in_order(self.info, self.activation_names(), changes))
        return StyledSteps(self.network, self._fitting(codes), self._context(noise), places)

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
