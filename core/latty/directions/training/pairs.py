"""What warped and voynov train on: latents drawn by number, shifts, and pictures of both.

Everything random of pair n or iteration i follows from (seed, n) or (seed, i) alone, so a training
that was killed goes on exactly where it was.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latty.directions.base import keep_layers, layers_of
from latty.directions.likeness import smaller
from latty.directions.training.parameters import SAMPLES, Distribution, TrainingParameters
from latty.errors import BadData
from latty.models.base import AnySize, Generator
from latty.models.labels import checked_class, class_count, class_labels
from latty.scene import SEED_LIMIT

PART = 256


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean (d,) and covariance (d, d) of latents, and their unit: the root mean square of the
    standard deviations of the coordinates. In "z" the unit is 1, as in the papers."""

    mean: Tensor
    covariance: Tensor
    unit: float


@dataclass(frozen=True, slots=True)
class DrawnLatents:
    """What is shifted, latents (N, d): z, or the code of the chosen layers; the labels; and in "w"
    all codes (N, L, D)."""

    latents: Tensor
    label: Tensor | None
    codes: Tensor


class Pairs:
    """Draws pictures of one generator and the same pictures with a shifted latent."""

    def __init__(self, generator: Generator, params: TrainingParameters) -> None:
        self.params, self.size = params, params.size
        info = generator.info
        self.space = info.space if params.space == "auto" else params.space
        if isinstance(generator, AnySize) and info.height > params.size:
            generator = generator.at_size(params.size)
        self.generator = generator
        self.device = generator.device
        self.layers = layers_of(params.layers, info)
        self.chosen = self.layers.indices(info.num_layers)
        if self.space == "z" and len(self.chosen) < info.num_layers:
            raise BadData("layers can be chosen in w only", 'set space to "w" or layers to "all"')
        self.classes = self._classes(info.num_classes)
        if self.space == "w":
            self._check_codes()

    def _classes(self, count: int) -> tuple[int, ...]:
        """The classes to choose among; () where one label is drawn, or there are none."""
        if self.params.label is not None:
            class_count(self.generator)
            return ()
        wanted = self.params.classes
        return tuple(checked_class(one, self.generator) for one in wanted) or tuple(range(count))

    def _check_codes(self) -> None:
        codes = self.draw(range(2)).codes[:, self.chosen]
        if not torch.equal(codes, codes[:, :1].expand_as(codes)):
            raise BadData(
                f"{self.generator.info.name} has no w: every layer reads another code",
                'set space to "z", or layers to one of them',
            )

    # --- drawing ------------------------------------------------------------------------------

    def dice(self, purpose: int, number: int) -> np.random.RandomState:
        """A stream of its own for every number and purpose; numpy keeps it frozen."""
        return np.random.RandomState([self.params.seed % SEED_LIMIT, purpose, number])

    def latents_z(self, numbers: range) -> Tensor:
        """Latents z (N, Z); number n is the seed `seed` + n."""
        seed = self.params.seed
        z = self.generator.sample(range(seed + numbers.start, seed + numbers.stop))
        if (bound := self.params.truncation) is None:
            return z
        inside = torch.stack([self._inside(n, z.shape[1], bound) for n in numbers]).to(z)
        return torch.where(z.abs() > bound, inside, z)

    def _inside(self, number: int, width: int, bound: float) -> Tensor:
        """Normal numbers within +-bound, by the inverse of their distribution."""
        half = 0.5 * torch.erf(torch.tensor(bound / 2**0.5).double())
        share = torch.from_numpy(self.dice(1, number).uniform(-1, 1, width)) * half
        return (torch.erfinv(2 * share) * 2**0.5).clamp(-bound, bound)

    def labels(self, numbers: range) -> Tensor | None:
        """For each number a class (N,), or weights (N, C) of a mixture; None without classes."""
        if not self.classes:
            return class_labels(self.params.label, torch.empty(len(numbers)), self.generator)
        picks = [self.classes[self.dice(2, n).randint(len(self.classes))] for n in numbers]
        return torch.tensor(picks)

    def draw(self, numbers: range) -> DrawnLatents:
        """Latents and labels of these numbers."""
        z, label = self.latents_z(numbers), self.labels(numbers)
        if self.space == "z":
            return DrawnLatents(z, label, z)
        with torch.no_grad():
            codes = self.generator.mapping(z, label)
        return DrawnLatents(codes[:, self.chosen.start], label, codes)

    def shifts(
        self, iteration: int, batch: int, count: int, ends: tuple[float, float], kind: Distribution
    ) -> tuple[Tensor, Tensor]:
        """Which of `count` directions, (N,), and how far, (N,): uniform over +-[low, high], or
        normal with deviation `high` and kept from falling below `low`."""
        dice, (low, high) = self.dice(3, iteration), ends
        index = torch.from_numpy(dice.randint(count, size=batch))
        sign = torch.from_numpy(dice.randint(2, size=batch) * 2.0 - 1)
        if kind == "uniform":
            size = torch.from_numpy(dice.uniform(low, high, batch))
        else:
            size = torch.from_numpy(np.abs(dice.randn(batch)) * high).clamp_min(low)
        return index.to(self.device), (sign * size).float().to(self.device)

    # --- pictures -----------------------------------------------------------------------------

    def pictures(self, drawn: DrawnLatents, shift: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W), at `size`, of what was drawn, after a shift (N, d) of its latents
        in the chosen layers; gradients reach the shift."""
        if self.space == "z":
            z = drawn.latents if shift is None else drawn.latents + shift
            codes = self.generator.mapping(z, drawn.label)
        else:
            codes = drawn.codes
            if shift is not None:
                codes = keep_layers(codes, codes + shift[:, None], self.layers)
        return smaller(self.generator.synthesis(codes, drawn.label), self.size)

    # --- spread -------------------------------------------------------------------------------

    def spread(self) -> Spread:
        """Of the first latents."""
        parts = [self.draw(range(n, n + PART)).latents for n in range(0, SAMPLES, PART)]
        x = torch.cat(parts).double().cpu()
        covariance = torch.cov(x.T)
        if self.space == "z":
            return Spread(torch.zeros(x.shape[1]), covariance.float(), 1.0)
        unit = float(covariance.diagonal().mean().sqrt())
        return Spread(x.mean(0).float(), covariance.float(), unit)
