"""A direction that is a climb: each latent follows the gradient of a score on its own way."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from latty.attributes import attribute
from latty.directions import sign as sign_arrays
from latty.directions.base import check_width
from latty.directions.climb import ClimbRules, climb
from latty.directions.climb.objective import ClimbObjective, Of, check_scorers
from latty.directions.file import DirectionSet
from latty.errors import BadData
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.report import Report, silent
from latty.scene import Label, Layers

SPREAD, MIDDLE, BASIS = "spread", "middle", "basis"  # arrays of the file
ATTRIBUTES = "attributes"  # a parameter: what each climbs, where it has another name
ROWS, PARAMS = (SPREAD, MIDDLE, sign_arrays.SIGNS), (ATTRIBUTES,)
turned = sign_arrays.turned


@runtime_checkable
class HasRows(Protocol):
    """A generator that draws each latent of a batch with a label of its own."""

    def row(self, index: int) -> Generator:
        """The one that draws latent `index` alone."""


@dataclass(frozen=True, slots=True, eq=False)
class AscentDirection:
    """Climbs an attribute by a number of its standard deviations, each latent by itself.

    sigma   one standard deviation of what is climbed
    basis   (R, D) latent units per coordinate of the climb; None = coordinates are latents
    label   the class or mixture to draw where the generator is not told
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
    label: Label = None
    report: Report = silent
    attribute: str = ""
    sign: float = 1.0

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents (N, Z) or codes (N, L, D) after climbs by strength (N,); where an attribute
        cannot rise that far, as far as it goes. Raises BadData for latents of another width."""
        if self.basis is not None:
            check_width(self, self.basis.shape[1], latents, generator.info)
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
            class_labels(self.label, latent, generator),
        )
        with torch.no_grad():
            start = float(objective(objective.origin).score)
        if not math.isfinite(start):  # nothing to climb: the picture shows none of it
            return latent
        goal = start + self.sign * strength * self.sigma
        walked = climb(objective, objective.origin, goal, self.rules, self.report)
        return objective.moved(walked.ways[-1])


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> AscentDirection:
    """Direction `index` of a set of this form. Raises BadData for parameters that cannot be.
    Arrays: spread (K,), basis (R, D)."""
    info, params = header.infos[index], dict(header.params)
    space, basis = header.latent_space("climbs"), tensors.get(BASIS)
    if (basis is None or basis.ndim != 2) and space == "w":
        raise BadData(f"{info.name}: the array '{BASIS}' is missing", "find the directions again")
    scorer, keep = params.get("scorer"), params.get("keep", ())
    if not isinstance(scorer, str) or not isinstance(keep, tuple):
        raise BadData(f"{info.name}: 'scorer' or 'keep' is missing", "find the directions again")
    rules, climbed = climb_rules(params), params.get(ATTRIBUTES)
    known = isinstance(climbed, tuple) and len(climbed) == len(header.infos)
    return AscentDirection(
        info.name,
        space,
        info.layers,
        info.sigma,
        basis,
        scorer,
        tuple(str(ref) for ref in keep),
        "logit" if params.get("of") == "logit" else "score",
        rules,
        attribute=str(climbed[index]) if known and isinstance(climbed, tuple) else "",
        sign=sign_arrays.sign(tensors, index),
    )


def climb_rules(params: Mapping[str, object]) -> ClimbRules:
    """The rules of a climb among a method's parameters. Raises BadData for numbers beyond sense."""
    limits = {"step": 10.0, "steps": 10_000.0, "distance": 100.0, "identity": 1.0}
    found: dict[str, float] = {}
    for key, most in limits.items():
        value = params.get(key)
        least = 0 if key == "identity" else 1e-6
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadData(f"'{key}' of the climb is no number")
        if not least <= value <= most:
            raise BadData(f"'{key}' of the climb is {value:g}", f"it goes up to {most:g}")
        found[key] = float(value)
    return ClimbRules(found["step"], int(found["steps"]), found["distance"], found["identity"])


def explicit(
    header: DirectionSet, arrays: dict[str, Tensor]
) -> tuple[DirectionSet, dict[str, Tensor]]:
    """A set with its signs (K,) that says what each climbs, whatever it is called."""
    params = dict(header.params)
    params.setdefault(ATTRIBUTES, header.names)
    arrays = {sign_arrays.SIGNS: torch.ones(len(header.infos)), **arrays}
    return replace(header, params=tuple(params.items())), arrays
