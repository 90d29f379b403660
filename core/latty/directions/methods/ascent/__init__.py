"""Gradient ascent on a scorer: each latent climbs its own way up or down an attribute.

After Gottesman's controllable generation with a classifier's gradient. There is no vector: what is
kept are the attributes, their spread and the rules of the climb (`directions.climb`); a move of
strength s climbs until the score has changed by s standard deviations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import torch
from torch import Tensor

from latty.attributes import attribute, names_of, scores_of
from latty.attributes.sampled import sampled_scores, shards
from latty.directions import sign as directions_sign
from latty.directions.base import Info
from latty.directions.climb import ClimbRules
from latty.directions.climb.objective import check_scorers, logit
from latty.directions.file import DirectionSet
from latty.directions.methods.ascent.direction import AscentDirection
from latty.directions.traverse import class_labels, figures, traverse
from latty.directions.whitened import layers_of, whitened
from latty.errors import BadData, Interrupted
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import Layers
from latty.shard import Shard

SPREAD, MIDDLE, BASIS = "spread", "middle", "basis"  # arrays of the file
WAYS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # strengths of the figures
ATTRIBUTES = "attributes"  # a parameter: what each climbs, where it has another name
ROWS, PARAMS = (SPREAD, MIDDLE, directions_sign.SIGNS), (ATTRIBUTES,)
turned = directions_sign.turned
LEAST = 1e-6  # spread below which an attribute cannot be climbed


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
    label: int | None = None  # the class to draw, where there are classes
    seed: int = 300_000  # first of the sampled seeds

    form: ClassVar[str] = "ascent"

    def missing(self, generator: Generator) -> str:
        """A scorer that can be differentiated is all it takes."""
        return ""

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Score samples, then try each climb. Raises BadData, Missing."""
        known = names_of(self.scorer, generator)
        for name in self.names:
            if name not in known:
                raise BadData(f"no attribute '{name}'", f"there is: {', '.join(known)}")
        if self.samples < 2:
            raise BadData(f"{self.samples} samples have no spread", "take 2 or more")
        wanted = [name for name in known if not self.names or name in self.names]
        kept = [attribute(ref, generator) for ref in self.keep]
        columns = [known.index(name) for name in wanted]
        check_scorers(generator, [(self.scorer, column) for column in columns] + kept, self.of)
        layers = layers_of(self.layers, generator)
        settings(dict(vars(self)))
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
        layers = Layers.parse(self.layers) if self.space_ == "w" else Layers()
        infos = [Info(name, float(s), layers=layers)
                 for name, s in zip(wanted, self.extra_[SPREAD], strict=True)]  # fmt: skip
        if not self.probes:
            return tuple(infos)
        params = tuple((key, value) for key, value in vars(self).items() if not key.endswith("_"))
        header = DirectionSet("ascent", self.space_, tuple(infos), "", params=params)
        arrays = {key: value.float() for key, value in self.extra_.items()}
        first = self.seed + self.samples
        z = generator.sample(range(first, first + self.probes))
        try:
            for i, name in enumerate(wanted):
                one = direction(header, i, arrays)
                still = partial(_pulse, report, i, len(wanted))
                one = replace(one, label=self.label, report=still)
                infos[i] = self._figures(one, z, known.index(name), spread, generator, infos[i])
                report(i + 1, len(wanted), "directions")
        except Interrupted:
            self.complete_ = False
        return tuple(infos)

    def _figures(
        self,
        one: "AscentDirection",
        z: Tensor,
        column: int,
        spread: tuple[Tensor, Tensor],
        generator: Generator,
        info: Info,
    ) -> Info:
        """What a move really does, from seeds that were not scored."""

        def score(codes: Tensor) -> Tensor:
            return scores_of(generator, codes, self.scorer, class_labels(self.label, codes))[1]

        with torch.no_grad():
            table = traverse(one, z, WAYS, generator, score, label=self.label)
        found = figures(WAYS, torch.nan_to_num(table), column, spread[1], spread[0])
        figure = {"corr": found.corr, "monotone": found.monotone, "leakage": found.leakage}
        figure |= {"drift": found.drift, "effect": found.effect, "effect_sd": found.moved}
        rounded = tuple((key, round(value, 4)) for key, value in figure.items())
        return Info(info.name, info.sigma, info.usable, info.layers, rounded)


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> AscentDirection:
    """Direction `index` of a set of this form. Raises BadData for parameters that cannot be.
    Arrays: spread (K,), basis (R, D)."""
    info, params = header.infos[index], dict(header.params)
    if header.space not in ("z", "w"):
        raise BadData(f"{info.name}: a climb in {header.space}", "climbs go in z or w")
    basis = tensors.get(BASIS)
    if (basis is None or basis.ndim != 2) and header.space == "w":
        raise BadData(f"{info.name}: the array '{BASIS}' is missing", "find the directions again")
    scorer, keep = params.get("scorer"), params.get("keep", ())
    if not isinstance(scorer, str) or not isinstance(keep, tuple):
        raise BadData(f"{info.name}: 'scorer' or 'keep' is missing", "find the directions again")
    rules, climbed = settings(params), params.get(ATTRIBUTES)
    known = isinstance(climbed, tuple) and len(climbed) == len(header.infos)
    return AscentDirection(
        info.name,
        cast(Literal["z", "w"], header.space),
        info.layers,
        info.sigma,
        basis,
        scorer,
        tuple(str(ref) for ref in keep),
        "logit" if params.get("of") == "logit" else "score",
        rules,
        attribute=str(climbed[index]) if known and isinstance(climbed, tuple) else "",
        sign=directions_sign.sign(tensors, index),
    )


def settings(params: Mapping[str, object]) -> ClimbRules:
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


def _pulse(report: Report, done: int, total: int, *steps: object) -> None:
    """The steps of one climb, told as one of `total` directions that is not done yet."""
    report(done, total, "directions")


def _spread(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviation and median (A,) of scores (n, A) that are numbers."""
    columns = [column[column.isfinite()] for column in scores.unbind(1)]
    spread = [column.std() if len(column) > 1 else column.new_zeros(()) for column in columns]
    middle = [column.median() if len(column) else column.new_zeros(()) for column in columns]
    return torch.stack(spread), torch.stack(middle)


def explicit(
    header: DirectionSet, arrays: dict[str, Tensor]
) -> tuple[DirectionSet, dict[str, Tensor]]:
    """A set with its signs (K,) that says what each climbs, whatever it is called."""
    params = dict(header.params)
    params.setdefault(ATTRIBUTES, header.names)
    arrays = {directions_sign.SIGNS: torch.ones(len(header.infos)), **arrays}
    return replace(header, params=tuple(params.items())), arrays


def quick(generator: Generator) -> dict[str, Any]:
    """Few samples of an attribute that every picture has."""
    params = {"scorer": "brightness", "names": ("luma",)}
    return {**params, "samples": 24, "probes": 1, "steps": 4}


METHOD = Ascent
