"""A generator without a mapping: its codes are the latent itself, whole or cut into layers.

Three layouts of the codes (N, L, D) of a latent z (N, Z): one layer (DCGAN, SNGAN), one chunk of z
per layer (hierarchical BigGAN), one copy of z per layer (BigGAN-deep, where each consumer of z may
then be given another).  N batch, C classes; the mean code is zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.activations import UNCHANGED, Change, Changes, changed, gradients
from latty.models.base import Labels, ModelInfo, drawn_rows, sample_normal
from latty.models.checks import fitting_codes, in_order, label_weights, layer_index, truncated
from latty.models.layers import BatchNorm
from latty.models.state_dict import moved
from latty.models.steps import ShowsEarly
from latty.scene import Noise

LIMIT = 2.0  # standard deviations at which BigGAN's latents are cut (Brock et al. 2019, section 3)


class StagedNetwork(Protocol):
    """A network as named stages; the last one gives the picture. Where there is a code for each of
    the others, each reads its own and no other."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def conditions(self, codes: Tensor, label: Tensor | None) -> Sequence[Tensor]:
        """What each code layer's consumers read, of codes (N, L, D), class weights (N, C)."""
        ...

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after stage `index` of those before it; stage 0 is given
        conditions[0]."""
        ...

    def layer_weights(self) -> list[Tensor]:
        """The matrix (outputs, D) through which each layer reads its code."""
        ...


class Conditions(list[Tensor]):
    """What the layers of one run read; `kept`: features that a later stage reads, too, by stage."""

    def __init__(self, given: Sequence[Tensor]) -> None:
        super().__init__(given)
        self.kept: dict[int, Tensor] = {}


@dataclass(frozen=True, eq=False)
class Narrow:
    """A StagedNetwork that computes in `dtype` what comes before the picture: `inner`, which is
    `network` in that. The picture, and norms with their statistics, are float32."""

    network: StagedNetwork
    inner: StagedNetwork
    dtype: torch.dtype

    @property
    def names(self) -> tuple[str, ...]:
        return self.network.names

    def conditions(self, codes: Tensor, label: Tensor | None) -> Sequence[Tensor]:
        """As the network's, of codes (N, L, D), class weights (N, C)."""
        label = None if label is None else label.to(self.dtype)
        return self.inner.conditions(codes.to(self.dtype), label)

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after stage `index`, in `dtype` below the picture."""
        if index == len(self.names) - 1:
            return self.network.stage(index, x.float(), conditions, truncation)
        return self.inner.stage(index, x, conditions, truncation)

    def layer_weights(self) -> list[Tensor]:
        """The matrix (outputs, D) through which each layer reads its code, float32."""
        return self.network.layer_weights()

    def with_noise(self, noise: Noise) -> "Narrow":
        """The same weights with the noise of a scene, where the network has any."""
        if isinstance(self.inner, NoisyNetwork):
            return replace(self, inner=self.inner.with_noise(noise))
        return self


def narrowed(network: StagedNetwork, dtype: torch.dtype | None) -> StagedNetwork:
    """A network of frozen dataclasses that computes in `dtype`, None = float32, from codes
    (N, L, D) to pictures (N, C, H, W)."""
    if dtype is None or dtype == torch.float32:
        return network
    device = network.layer_weights()[0].device
    return Narrow(network, moved(network, device, dtype, (BatchNorm,)), dtype)


@dataclass(frozen=True, slots=True)
class StageState:
    """A network before stage `layer`: features x (N, C, H, W), and those that a later stage reads,
    too. Nothing in it is ever overwritten."""

    layer: int
    x: Tensor
    kept: Mapping[int, Tensor]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds, features (N, C, H, W) first."""
        return self.x, *self.kept.values()

    def varying(self) -> Sequence[Tensor] | None:
        """Features (N, C, H, W), as of graphs.Replayable."""
        return self.tensors

    def likewise(self, tensors: Sequence[Tensor]) -> "StageState":
        """As of graphs.Replayable, of features (N, C, H, W)."""
        x, *kept = tensors
        return StageState(self.layer, x, dict(zip(self.kept, kept, strict=True)))

    def kind(self) -> tuple[object, ...]:
        """As of graphs.Replayable."""
        return (type(self), self.layer, *self.kept)

    def spared(self) -> "StageState":
        """The same: no stage overwrites what it is given."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class StagedSteps:
    """Steps of codes (N, L, D): one for each stage."""

    network: StagedNetwork
    codes: Tensor
    conditions: Sequence[Tensor]
    truncation: float
    places: Mapping[int, Change]

    @property
    def count(self) -> int:
        return len(self.network.names)

    @property
    def each(self) -> bool:
        return self.codes.shape[1] == self.count - 1

    def start(self) -> StageState:
        """The state before the first stage."""
        return StageState(0, self.conditions[0], {})

    def run(self, state: StageState, stop: int) -> StageState:
        """The state before stage `stop`."""
        x, conditions = self._changed(state), self.conditions
        if isinstance(conditions, Conditions):
            conditions.kept = dict(state.kept)
        for i in range(state.layer, stop):
            x = self.network.stage(i, x, conditions, self.truncation)
            if i in self.places and i < stop - 1:
                x = changed(x, self.places[i])
        return StageState(stop, x, dict(getattr(conditions, "kept", {})))

    def image(self, state: StageState) -> Tensor:
        """Images (N, C, H, W) float32 from any state."""
        return self.run(state, self.count).x

    def early_heights(self) -> Mapping[int, int]:
        """The states that can be shown, and px of their pictures."""
        return self.network.early_heights() if isinstance(self.network, ShowsEarly) else {}

    def early(self, state: StageState) -> Tensor:
        """Small images (N, C, h, w) of one of those states."""
        now = StageState(state.layer, self._changed(state), state.kept)
        return cast(ShowsEarly, self.network).early(now, self.codes)

    def varying(self) -> Sequence[Tensor] | None:
        """Conditions (N, ...); None of a network that is made for the noise of one scene."""
        inner = self.network.inner if isinstance(self.network, Narrow) else self.network
        return None if isinstance(inner, NoisyNetwork) else self.conditions

    def likewise(self, tensors: Sequence[Tensor]) -> "StagedSteps":
        """As of graphs.Replayable, of conditions (N, ...)."""
        kind = Conditions if isinstance(self.conditions, Conditions) else list
        return replace(self, conditions=kind(tensors))

    def kind(self) -> tuple[object, ...]:
        """As of graphs.Replayable."""
        return (type(self), len(self.conditions), self.truncation)

    def _changed(self, state: StageState) -> Tensor:
        """The features with the change of the stage that they are of."""
        change = self.places.get(state.layer - 1)
        return state.x if change is None else changed(state.x, change)


@runtime_checkable
class NoisyNetwork(Protocol):
    """A StagedNetwork that adds noise to its features."""

    def with_noise(self, noise: Noise) -> StagedNetwork:
        """The same weights with the noise of a scene."""
        ...


def sample_uniform(seeds: Sequence[int], z_dim: int) -> Tensor:
    """Latents (N, Z) float32 uniform in [-1, 1), row i drawn by RandomState(seeds[i]).uniform."""
    return (drawn_rows(seeds, z_dim, "random_sample", np.float64) * 2 - 1).float()


def sample_truncated(seeds: Sequence[int], z_dim: int) -> Tensor:
    """Latents (N, Z) float32 of a normal cut at +-2: what GANSpace and Hugging Face's BigGAN draw.

    Row i is scipy.stats.truncnorm(-2, 2).rvs(Z, random_state=RandomState(seeds[i])), which sends
    uniform numbers u through the quantile function: Phi^-1(Phi(-2) + u (Phi(2) - Phi(-2))).
    """
    rows = drawn_rows(seeds, z_dim, "random_sample", np.float64)
    low, high = torch.special.ndtr(torch.tensor([-LIMIT, LIMIT], dtype=torch.float64))
    latents: Tensor = torch.special.ndtri(low + rows * (high - low))
    return latents.float()


DRAWS = {"normal": sample_normal, "uniform": sample_uniform, "truncated": sample_truncated}


@dataclass(frozen=True, eq=False)
class LatentCodes:
    """Latents, codes and labels of a generator whose codes are its latent, around any network.

    `draw` is a key of DRAWS. A label of None means class `unlabelled_class`, or none. `truncation`
    multiplies the latent in `mapping`.
    """

    network: Any
    info: ModelInfo
    device: torch.device
    draw: str = "normal"
    unlabelled_class: int | None = 0

    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in order; empty where nobody said them."""
        return self.info.class_names

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return DRAWS[self.draw](seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z), times `truncation` below `cutoff`. Raises UsageError
        for another shape, or a label that the model does not have."""
        if z.dim() != 2 or z.shape[1] != self.info.z_dim:
            raise UsageError(f"latents are (N, {self.info.z_dim}), not {tuple(z.shape)}")
        self._weights(label, z.shape[0])
        z, layers, width = z.to(self.device, torch.float32), self.info.num_layers, self.info.width
        cut = self.info.z_dim == layers * width
        codes = z.reshape(-1, layers, width) if cut else z[:, None].expand(-1, layers, -1)
        return codes if truncation == 1 else self.truncate(codes, truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code, zero, below `cutoff`."""
        return truncated(codes.to(self.device), None, truncation, cutoff)

    def _codes(self, codes: Tensor) -> Tensor:
        return fitting_codes(self.info, codes, self.device)

    def _weights(self, label: Labels, n: int) -> Tensor | None:
        """Class weights (N, C), or None for a model without classes; no label is class 0."""
        if self.info.num_classes and label is None and self.unlabelled_class is not None:
            label = torch.full((n,), self.unlabelled_class)
        return label_weights(self.info, label, n, self.device)


@dataclass(frozen=True, eq=False)
class Latent(LatentCodes):
    """A Generator with layer weights, activations and class names around any StagedNetwork.

    `truncation` chooses the statistics of batch norm in `synthesis`, too, where a family keeps
    several.
    """

    network: StagedNetwork

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32 of codes (N, L, D); few of these networks add noise."""
        return self._run(codes, label, truncation, len(self.network.names) - 1, UNCHANGED, noise)

    def layer_weights(self) -> list[Tensor]:
        """One matrix (outputs, D) per code layer, as its consumers apply it."""
        return self.network.layer_weights()

    def activation_names(self) -> list[str]:
        """Every stage but the last, which is the picture."""
        return list(self.network.names[:-1])

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after stage `name`; nothing above it is computed."""
        stage = layer_index(self.info, self.activation_names(), name)
        return self._run(codes, label, truncation, stage, UNCHANGED, noise)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some stages changed."""
        last = len(self.network.names) - 1
        return self._run(codes, label, truncation, last, changes, noise)

    def _run(
        self,
        codes: Tensor,
        label: Labels,
        truncation: float,
        stop: int,
        changes: Changes,
        noise: Noise,
    ) -> Tensor:
        """Features after stage `stop`, those of some stages changed."""
        weights = self._weights(label, codes.shape[0])
        with gradients(codes, weights, *changes.values()):
            steps = self._cut(codes, weights, truncation, noise, changes)
            return steps.run(steps.start(), stop + 1).x

    def steps(
        self,
        codes: Tensor,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> StagedSteps | None:
        """The synthesis of codes (N, L, D), stage by stage."""
        weights = self._weights(label, codes.shape[0])
        return self._cut(codes, weights, truncation, noise, changes)

    def _cut(
        self,
        codes: Tensor,
        weights: Tensor | None,
        truncation: float,
        noise: Noise,
        changes: Changes,
    ) -> StagedSteps:
        places = dict(in_order(self.info, self.activation_names(), changes))
        network, codes = self.network, self._codes(codes)
        network = network.with_noise(noise) if isinstance(network, NoisyNetwork) else network
        conditions = network.conditions(codes, weights)
        return StagedSteps(network, codes, conditions, truncation, places)
