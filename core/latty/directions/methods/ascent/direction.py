"""A direction that is a climb: each latent follows the gradient of a score on its own way."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from latty.attributes import attribute
from latty.directions.climb import ClimbRules, climb
from latty.directions.climb.objective import ClimbObjective, Of, check_scorers
from latty.directions.traverse import class_labels
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import Layers


@runtime_checkable
class HasRows(Protocol):
    """A generator that draws each latent of a batch with a label of its own."""

    def row(self, index: int) -> Generator:
        """The one that draws latent `index` alone."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AscentDirection:
    """Climbs an attribute by a number of its standard deviations, each latent by itself.

    sigma   one standard deviation of what is climbed
    basis   (R, D) latent units per coordinate of the climb; None = coordinates are latents
    label   the class to draw where the generator is not told
    report  hears of every step
    attribute, sign   what is climbed where the name is another one; -1 = down instead of up
    """

    name: str
    space: Literal["z", "w"]
    layers: Layers
    sigma: float
    basis: Tensor | None
    scorer: str
    keep: tuple[str, ...]
    of: Of
    rules: ClimbRules
    label: int | None = None
    report: Report = silent
    attribute: str = ""
    sign: float = 1.0

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents (N, Z) or codes (N, L, D) after climbs by strength (N,); where an attribute
        cannot rise that far, as far as it goes. Raises BadData for latents of another width."""
        if self.basis is not None and self.basis.shape[1] != latents.shape[-1]:
            raise BadData(
                f"{self.name} moves latents of {self.basis.shape[1]} numbers, these have"
                f" {latents.shape[-1]}",
                "it was made for another model",
            )
        refs = self._refs(generator)
        rows = []
        for i, one in enumerate(strength.tolist()):
            own = generator.row(i) if isinstance(generator, HasRows) else generator
            rows.append(self._climbed(latents[i : i + 1], one, refs, own))
        return torch.cat(rows)

    def _refs(self, generator: Generator) -> list[tuple[str, int]]:
        climbed = self.attribute or self.name
        refs = [attribute(f"{self.scorer}/{climbed}", generator)]
        refs += [attribute(ref, generator) for ref in self.keep if ref != climbed]
        check_scorers(generator, refs, self.of)
        return refs

    def _climbed(
        self, latent: Tensor, strength: float, refs: list[tuple[str, int]], generator: Generator
    ) -> Tensor:
        if strength == 0:
            return latent
        objective = ClimbObjective(
            generator,
            latent.detach(),
            self.space,
            self.layers,
            self.basis,
            refs,
            self.of,
            self.rules.identity > 0,
            class_labels(self.label, latent),
        )
        with torch.no_grad():
            start = float(objective(objective.origin).score)
        if not math.isfinite(start):  # nothing to climb: the picture shows none of it
            return latent
        goal = start + self.sign * strength * self.sigma
        walked = climb(objective, objective.origin, goal, self.rules, self.report)
        return objective.moved(walked.ways[-1])
