"""Gradient ascent on a scorer: each latent climbs its own way up or down an attribute.

After Gottesman's controllable generation with a classifier's gradient. There is no vector: what is
kept are the attributes, their spread and the rules of the climb: a move of strength s
climbs until the score has changed by s standard deviations.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from latty.attributes import attribute, names_of
from latty.attributes.sampled import sampled_scores, shards
from latty.directions.base import Info, layers_of, rounded
from latty.directions.climb.objective import check_scorers, logit
from latty.directions.methods.ascent.direction import (
    BASIS,
    MIDDLE,
    PARAMS,
    ROWS,
    SPREAD,
    AscentDirection,
    climb_rules,
    direction,
    explicit,
    turned,
)
from latty.directions.scored import checked
from latty.directions.traverse import figures, scored, traverse
from latty.directions.whitened import whitened
from latty.errors import BadData, Interrupted
from latty.models.base import Generator, Label
from latty.report import Report, silent
from latty.shard import Shard

FINDS = "for each picture its own way up an attribute"
NEEDS = "a scorer"
ORDER = 50
COST = {"picture": ("samples",), "gradient": ("probes", "steps", 2)}
FORM = ("scorer", "names", "samples")  # of the parameters, what is asked first

WAYS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # strengths of the figures
LEAST = 1e-6  # spread below which an attribute cannot be climbed

__all__ = ["METHOD", "PARAMS", "ROWS", "Ascent", "direction", "explicit", "quick", "turned"]


@dataclass
class Ascent:
    """Climbs along the gradient of attributes."""

    names: tuple[str, ...] = ()  # attributes to climb, empty = all of the scorer
    scorer: str = "factors"  # judges pictures; "factors" are exact where the model knows its own
    of: Literal["score", "logit"] = "score"  # climb the score itself, or a probability's logit
    keep: tuple[str, ...] = ()  # attributes that stay while another is climbed
    identity: float = 0.0  # 0..1, how strongly the picture is held near where it was
    step: float = 0.3  # longest step, in standard deviations of the latents
    steps: int = 40  # cap on the steps of one climb
    distance: float = 6.0  # cap on the way of one climb, in standard deviations of the latents
    samples: int = 1000  # pictures that are scored for the spread of each attribute
    probes: int = 2  # seeds for the figures; 0 = no figures
    batch: int = 100  # pictures drawn at once
    space: Literal["auto", "z", "w"] = "auto"  # auto = where directions of this model act best
    layers: str = "all"  # code layers that move ("0-3"), in w
    label: Label = None  # the class or mixture to draw, where there are classes
    seed: int = 300_000  # first of the sampled seeds

    form: ClassVar[str] = "ascent"

    def missing(self, generator: Generator) -> str:
        """Gradients of pictures, and a scorer that can be differentiated."""
        return generator.info.unfit_to_train

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Score samples, then try each climb. Raises BadData, Missing."""
        known = names_of(self.scorer, generator)
        checked(self.names, known)
        if self.samples < 2:
            raise BadData(f"{self.samples} samples have no spread", "take 2 or more")
        wanted = [name for name in known if not self.names or name in self.names]
        kept = [attribute(ref, generator) for ref in self.keep]
        columns = [known.index(name) for name in wanted]
        check_scorers(generator, [(self.scorer, column) for column in columns] + kept, self.of)
        layers = layers_of(self.layers, generator.info)
        climb_rules(vars(self))
        space = generator.info.space if self.space == "auto" else self.space
        seeds = range(self.seed, self.seed + self.samples)
        scores = sampled_scores(
            generator, seeds, self.scorer, self.label, self.batch, report
        )[1].double()  # fmt: skip
        climbed = logit(scores) if self.of == "logit" else scores
        self.space_, self.complete_ = str(space), True
        self.seeds_ = f"{self.seed}-{self.seed + self.samples + self.probes - 1}"
        spread, middle = _spread(climbed)
        wanted = [name for name in wanted if float(spread[known.index(name)]) > LEAST]
        if not wanted:
            raise BadData("none of these attributes differs among samples", "take others")
        columns = [known.index(name) for name in wanted]
        self.extra_ = {SPREAD: spread[columns].float(), MIDDLE: middle[columns].float()}
        if space == "w":
            place = whitened(generator, "w", self.label, layers, self.seed)
            self.extra_[BASIS] = place.basis.cpu().half()  # five digits of a step's direction
        self.infos_ = self._infos(wanted, generator, known, _spread(scores), report)
        return self

    def shards(self, generator: Generator, work: Path) -> list[Shard]:
        """The scores of the samples."""
        seeds = range(self.seed, self.seed + self.samples)
        return shards(generator, seeds, self.scorer, self.label, self.batch)

    def _infos(
        self,
        wanted: list[str],
        generator: Generator,
        known: tuple[str, ...],
        spread: tuple[Tensor, Tensor],
        report: Report,
    ) -> tuple[Info, ...]:
        layers = layers_of(self.layers if self.space_ == "w" else "all", generator.info)
        infos = [Info(name, float(s), layers=layers)
                 for name, s in zip(wanted, self.extra_[SPREAD], strict=True)]  # fmt: skip
        if not self.probes:
            return tuple(infos)
        first = self.seed + self.samples
        z = generator.sample(range(first, first + self.probes))
        try:
            for i, name in enumerate(wanted):
                still = partial(_pulse, report, i, len(wanted))
                one = self._climb(infos[i], still)
                infos[i] = self._figures(one, z, known.index(name), spread, generator, infos[i])
                report(i + 1, len(wanted), "directions")
        except Interrupted:
            self.complete_ = False
        return tuple(infos)

    def _climb(self, info: Info, report: Report) -> AscentDirection:
        basis = self.extra_.get(BASIS)
        return AscentDirection(
            info.name,
            "w" if self.space_ == "w" else "z",
            info.layers,
            info.sigma,
            None if basis is None else basis.float(),
            self.scorer,
            self.keep,
            self.of,
            climb_rules(vars(self)),
            self.label,
            report,
        )

    def _figures(
        self,
        one: AscentDirection,
        z: Tensor,
        column: int,
        spread: tuple[Tensor, Tensor],
        generator: Generator,
        info: Info,
    ) -> Info:
        """What a move really does, from seeds that were not scored."""
        score = scored(generator, self.scorer, self.label)
        with torch.no_grad():
            table = traverse(one, z, WAYS, generator, score, label=self.label)
        found = figures(WAYS, torch.nan_to_num(table), column, spread[1], spread[0])
        return Info(info.name, info.sigma, info.usable, info.layers, rounded(found.scores()))


def _pulse(report: Report, done: int, total: int, *steps: object) -> None:
    """The steps of one climb, told as one of `total` directions that is not done yet."""
    report(done, total, "directions")


def _spread(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviation and median (A,) of scores (n, A) that are numbers."""
    columns = [column[column.isfinite()] for column in scores.unbind(1)]
    spread = [column.std() if len(column) > 1 else column.new_zeros(()) for column in columns]
    middle = [column.median() if len(column) else column.new_zeros(()) for column in columns]
    return torch.stack(spread), torch.stack(middle)


def quick(generator: Generator) -> dict[str, Any]:
    """Few samples of an attribute that every picture has."""
    params = {"scorer": "brightness", "names": ("luma",)}
    return {**params, "samples": 24, "probes": 1, "steps": 4}


METHOD = Ascent
