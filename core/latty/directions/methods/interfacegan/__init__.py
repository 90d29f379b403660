"""InterFaceGAN: the normal of a linear boundary between two kinds of pictures is a direction.

Shen et al. 2020, "Interpreting the Latent Space of GANs for Semantic Face Editing"
(arXiv:1907.10786). Samples are ranked by an attribute; a linear support vector machine separates
the highest from the lowest share; its normal moves the attribute (section 2.2), and projected off
the normals of others it leaves those alone (section 3.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from latty.directions.linear import LinearDirection
from latty.directions.methods.interfacegan.extremes import Extremes, extremes
from latty.directions.methods.interfacegan.mixed import Mixed
from latty.directions.methods.interfacegan.survey import survey
from latty.directions.methods.interfacegan.svm import Boundary, boundary
from latty.directions.orthogonal import orthogonal
from latty.directions.sampling import StoppableReport, blocks
from latty.directions.scored import ScoredMethod, checked, range_of
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import ALL

FINDS = "the way from pictures without an attribute to those with it"
NEEDS = "a scorer"
ORDER = 40
COST = {"picture": ("samples",)}
FORM = ("scorer", "names", "samples")  # of the parameters, what is asked first

LEAST = 200  # samples with a score
SHORT = 1.0  # seconds for what is left after an interruption
EVERY = "all"  # as a condition: every other attribute


@dataclass(frozen=True, slots=True, eq=False)
class _Separated:
    """The boundary of an attribute, who it was fitted to, and its share of right guesses among
    those kept for validation."""

    boundary: Boundary
    sides: Extremes
    validation: float


@dataclass(kw_only=True)
class InterFaceGAN(ScoredMethod):
    """Normals of linear boundaries between high and low scores of each attribute."""

    ratio: float = 0.02  # share of the samples taken from each end of the scores; above 1 their
    # number, 0 = all, split at the middle of the scores
    train: float = 0.7  # share of the chosen samples that is fitted; the others validate
    cost: float = 1.0  # C of the support vector machine
    invalid: float | None = None  # a score that says there is none; what is no number never counts
    conditions: tuple[str, ...] = ()  # attributes to leave alone: normals are projected off theirs;
    # "all" = all others
    space: Literal["auto", "z", "w", "w+"] = "auto"  # type: ignore[assignment]
    # auto = where the family's directions act best; w+ = one vector per layer, from pictures
    # whose layers mix two latents

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Sample, separate, project, measure. Raises BadData for parameters that do not fit.

        Scores are kept by `sampled_scores` (in `work` for w+), so a second fit goes on where the
        first one stopped. After an interruption there are the boundaries found by then, in all
        layers, not measured.
        """
        known = self.known(generator)
        wanted, held = self._asked(known)
        self._fitted = self.settled(generator)
        self.space_: str = "w" if self._fitted == "w+" else self._fitted
        self._width = generator.info.width
        progress = StoppableReport(report)
        scores = self._scores(generator, progress, work)
        self.seeds_ = self.sampled(len(scores))
        order = list(dict.fromkeys(held + wanted))
        boundaries = self._boundaries(generator, known, scores, order, progress)
        if not (vectors := self._vectors(known, wanted, held, boundaries)):
            raise BadData("no attribute differs among the samples", "take more, or another scorer")
        seen = survey(
            partial(self._rows, generator),
            scores[:, list(vectors)],
            torch.stack([vector.flatten() for vector in vectors.values()]),
            [boundaries[index].boundary for index in vectors],
            progress,
        )
        walks = {
            index: [LinearDirection(known[index], self.space_, ALL, vector.float(), sigma)]
            for (index, vector), sigma in zip(vectors.items(), seen.deviations, strict=True)
        }
        found = self.judged(generator, walks, range_of(scores), progress)
        self.complete_ = progress.complete
        guesses = zip(vectors, seen.guesses.T, strict=True)
        facts = {index: self._facts(boundaries[index], guessed) for index, guessed in guesses}
        normals = zip(vectors, map(self._shaped, seen.normals), strict=True)
        self.keep(found, facts, dict(normals))
        return self

    @property
    def drawn(self) -> range:
        """No seeds for w+, whose pictures mix two each: they stay with one process."""
        return range(0) if self.space == "w+" else super().drawn

    def settled(self, generator: Generator) -> str:
        """The space to fit in, "w+" among them. Raises BadData."""
        return "w+" if self.space == "w+" and not self.latents else super().settled(generator)

    # --- samples ------------------------------------------------------------------------------

    def _asked(self, known: Sequence[str]) -> tuple[list[int], list[int]]:
        """Attributes wanted and attributes held, by index."""
        if self.samples < LEAST:
            raise BadData(f"{self.samples} samples are too few", f"take at least {LEAST}")
        if self.ratio < 0 or not 0 < self.train <= 1:
            raise BadData("ratio must be 0 or above, train in 0..1", "for example 0.02 and 0.7")
        held = known if EVERY in self.conditions else checked(self.conditions, known)
        wanted = checked(self.names, known) or known
        return sorted(map(known.index, wanted)), [known.index(name) for name in held]

    def _mixed(self, generator: Generator) -> Mixed:
        return Mixed(generator, self.label, self.seed, self.samples)

    def _scores(self, generator: Generator, progress: StoppableReport, work: Path | None) -> Tensor:
        if self._fitted == "w+" and not self.latents:
            scores = self._mixed(generator).scores(self.scorer, self.batch, LEAST, progress, work)
        else:
            scores = self.scores_so_far(generator, LEAST, progress)
        if self.invalid is None:
            return scores
        return torch.where(scores == self.invalid, torch.nan, scores)

    def _rows(self, generator: Generator, places: Sequence[int]) -> Tensor:
        """Latents (n, D), or (n, L * D) for w+, of samples by their places."""
        parts = []
        for part in blocks(range(len(places))):
            some = [places[i] for i in part]
            if self._fitted == "w+" and not self.latents:
                parts.append(self._mixed(generator).codes(some).cpu().float().flatten(1))
            else:
                parts.append(self.at(generator, some, self._fitted))
        return torch.cat(parts)

    def _shaped(self, vector: Tensor) -> Tensor:
        """As directions are: (D,), or (L, D) for w+."""
        return vector.view(-1, self._width) if self._fitted == "w+" else vector

    # --- boundaries ---------------------------------------------------------------------------

    def _boundaries(
        self,
        generator: Generator,
        known: Sequence[str],
        scores: Tensor,
        order: Sequence[int],
        progress: StoppableReport,
    ) -> dict[int, _Separated]:
        """The boundary of each attribute in `order`; one that nothing can be said of is left out,
        unless it was asked for by name."""
        found: dict[int, _Separated] = {}
        for done, index in enumerate(order):
            name = known[index]
            try:
                chosen = extremes(scores[:, index], self.ratio, self.train, self.seed, name)
                places = torch.cat([chosen.fitted, chosen.kept])
                x, fitted = self._rows(generator, places.tolist()), len(chosen.fitted)
                high = chosen.high[places]
                line = boundary(x[:fitted], high[:fitted], self.cost)
            except BadData:
                if name in self.names or name in self.conditions:
                    raise
                continue
            right = (x[fitted:] @ line.normal + line.intercept > 0) == high[fitted:]
            share = float(right.double().mean()) if len(right) else 0.0
            found[index] = _Separated(line, chosen, share)
            progress.update(done + 1, len(order), "boundaries")
            if progress.overdue(SHORT):
                break
        return found

    def _vectors(
        self,
        known: Sequence[str],
        wanted: Sequence[int],
        held: Sequence[int],
        found: Mapping[int, _Separated],
    ) -> dict[int, Tensor]:
        """Each wanted normal projected off those that are held, of unit length.

        Normals of w+ are projected as wholes, not layer by layer.
        """
        vectors = {}
        for index in wanted:
            others = [found[i].boundary.normal for i in held if i != index and i in found]
            if index in found and sum(i in found for i in held) == len(held):
                normal = found[index].boundary.normal.double()
                unit = orthogonal(normal, others, known[index]) if others else normal
                vectors[index] = self._shaped(unit)
        return vectors

    def _facts(self, found: _Separated, guessed: Tensor) -> dict[str, float]:
        """Right guesses among those kept for validation and among the rest (n,); the intercept."""
        rest = found.sides.rest[found.sides.rest < len(guessed)]
        right = guessed[rest] == found.sides.high[rest]
        return {
            "validation": found.validation,
            "rest": float(right.double().mean()) if len(rest) else 0.0,
            "intercept": found.boundary.intercept,
        }


def quick(generator: Generator) -> dict[str, Any]:
    """Few samples of an attribute that every picture has."""
    params = {"scorer": "brightness", "names": ("luma",), "layers": "all"}
    return {**params, "samples": 400, "ratio": 0.5, "probes": 1}


METHOD = InterFaceGAN
