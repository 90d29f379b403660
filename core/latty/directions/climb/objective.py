"""What a climb sees: ways from one latent, as codes, pictures and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latty.attributes import open_scorer, units_of
from latty.attributes.base import PROBABILITY
from latty.attributes.names import exact
from latty.directions.base import keep_layers
from latty.directions.climb import LookAt
from latty.errors import BadData
from latty.models.base import Generator, Labels
from latty.scene import Layers

Of = Literal["score", "logit"]
SURE = 1e-6  # probabilities nearer to 0 or 1 have no useful logit


@dataclass(frozen=True, slots=True, eq=False)
class ClimbObjective:
    """Looks at one latent (1, Z) or its codes (1, L, D) from coordinates (R,) of the way it went.

    basis     (R, D) latent units per coordinate; None = coordinates are latents
    refs      scorer and column of the attribute climbed first, then of those to keep
    of        "logit" climbs the logit of a probability
    pictures  whether the pictures themselves are looked at, too
    """

    generator: Generator
    start: Tensor
    space: Literal["z", "w"]
    layers: Layers
    basis: Tensor | None
    refs: Sequence[tuple[str, int]]
    of: Of = "score"
    pictures: bool = False
    label: Labels = None
    truncation: float = 1.0

    @property
    def origin(self) -> Tensor:
        """The coordinates (R,) of no way at all."""
        width = self.start.shape[-1] if self.basis is None else len(self.basis)
        return torch.zeros(width, device=self.start.device)

    def moved(self, way: Tensor) -> Tensor:
        """The latent (1, Z) or codes (1, L, D) after this way (R,), in every layer."""
        step = way if self.basis is None else way @ self.basis.to(way)
        return self.start + step

    def codes(self, way: Tensor) -> Tensor:
        """Codes (1, L, D) after this way, in the chosen layers."""
        moved = self.moved(way)
        if self.space == "w":
            return keep_layers(self.start, moved, self.layers)
        codes = self._mapped(moved)
        if len(self.layers.indices(codes.shape[1])) == codes.shape[1]:
            return codes
        return keep_layers(self._mapped(self.start), codes, self.layers)

    def _mapped(self, z: Tensor) -> Tensor:
        return self.generator.mapping(z, self.label, self.truncation)

    def __call__(self, way: Tensor) -> LookAt:
        codes = self.codes(way)
        scores, picture = self._scores(codes)
        values = [scores[scorer][0, column] for scorer, column in self.refs]
        climbed = values[0]
        if self.of == "logit":
            climbed = logit(climbed)
        kept = torch.stack(values[1:]) if len(values) > 1 else climbed.new_zeros(0)
        return LookAt(climbed, kept, picture)

    def _scores(self, codes: Tensor) -> tuple[Mapping[str, Tensor], Tensor | None]:
        """Scores (1, A) by scorer, and the picture where it was needed."""
        scorers = {scorer for scorer, _ in self.refs}
        known = {scorer: exact(scorer, self.generator) for scorer in sorted(scorers)}
        picture = None
        if self.pictures or not all(known.values()):
            psi = self.truncation if self.generator.info.num_classes else 1.0
            picture = self.generator.synthesis(codes, self.label, psi)
        found: dict[str, Tensor] = {}
        for scorer, generator in known.items():
            if generator is not None:
                found[scorer] = generator.factors(codes)
            else:
                assert picture is not None
                found[scorer] = open_scorer(scorer).score(picture)
        if picture is None or not self.pictures:
            return found, None
        return found, picture[:, :3]  # the colours: an opacity is no part of a likeness


def logit(probability: Tensor) -> Tensor:
    """log(p / (1 - p)) of probabilities (N,), finite."""
    return probability.clamp(SURE, 1 - SURE).logit()


def check_scorers(generator: Generator, refs: Sequence[tuple[str, int]], of: Of) -> None:
    """Raises BadData for a model or scorers without gradients, and for logits of what is no
    probability."""
    if lack := generator.info.lacks_gradients:
        raise BadData(lack, "import the PyTorch file")
    for scorer, _ in refs:
        if exact(scorer, generator) is None and not open_scorer(scorer).differentiable:
            raise BadData(
                f"scorer {scorer} has no gradient to climb",
                "take one that is differentiable (latty list scorers)",
            )
    scorer, column = refs[0]
    if of == "logit" and units_of(scorer, generator)[column] != PROBABILITY:
        raise BadData("only a probability has a logit", "leave it at: score")
