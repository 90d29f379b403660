"""Methods that fit to scores of sampled pictures, or of latents that somebody else scored: what
tlgan and interfacegan share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from latty.attributes import names_of
from latty.attributes.sampled import sampled_scores, shards
from latty.directions.figures import Figures
from latty.directions.linear import LinearDirection
from latty.directions.sampling import StoppableReport, blocks, gathered, latents, space_of
from latty.directions.scored.given import Given, given
from latty.directions.scored.judging import Judge, info_of
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import Label
from latty.shard import Shard

CHUNK = 2000  # seeds scored at once: what an interruption can cost is less than this


def range_of(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Middle of the range and standard deviation of each attribute (A,), of scores (n, A) some of
    which may be no number."""
    middles, spreads = [], []
    for column in scores.double().T:
        values = column[column.isfinite()]
        values = values if len(values) > 1 else torch.zeros(2).double()
        middles.append((values.quantile(0.01) + values.quantile(0.99)) / 2)
        spreads.append(values.std(correction=0))
    return torch.stack(middles), torch.stack(spreads)


def checked(names: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    """`names`; raises BadData for one that is not among the known attributes."""
    for name in names:
        if name not in known:
            raise BadData(f"no attribute '{name}'", f"there is: {', '.join(known)}")
    return names


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredDirection:
    """A direction of the attribute of this number, and its figures if there was time to measure."""

    direction: LinearDirection
    index: int
    figures: Figures | None

    @property
    def corr(self) -> float:
        """How surely the attribute follows; 0 where that was not measured."""
        return self.figures.corr if self.figures else 0.0


@dataclass(kw_only=True)
class ScoredMethod:
    """The parameters of a method that fits to scores of sampled pictures.

    Scores are kept on disk (`sampled_scores`): they can be drawn before, piece by piece, and a
    second fit goes on where the first one stopped.

    Of stored latents with scores of their own (given.py) nothing is drawn. What these scores say
    of a picture nobody here knows, so that nothing is measured by walks either: directions are as
    the fit gives them, in all layers.

    dropped_  name and correlation of what was found but does not follow its attribute
    """

    samples: int = 20_000  # latents that are scored
    batch: int = 100  # pictures drawn at once
    scorer: str = "factors"  # judges pictures of generators that do not know their own factors
    names: tuple[str, ...] = ()  # attributes to keep, empty = all
    layers: Literal["best", "all"] = "best"  # where directions act: in their best layers, or in all
    minimum: float = 0.0  # a direction whose attribute follows with a lower correlation is dropped
    space: Literal["auto", "z", "w"] = "auto"  # auto = where the family's directions act best
    label: Label = None  # the class or mixture to draw, where there are classes
    seed: int = 100_000  # first of the sampled seeds
    probes: int = 8  # held-out seeds for choices; the final figures take twice as many
    span: float = 3.0  # strengths -span..span are measured
    LATER: ClassVar[tuple[str, ...]] = ("latents", "scores")
    latents: str = ""  # fit to stored latents, NAME or FOLDER or NAME#0-999, and to their scores
    scores: str = ""  # a file of the scores of these latents; none = those imported for them

    def missing(self, generator: Generator) -> str:
        """Nothing: every generator's pictures can be scored."""
        return ""

    def known(self, generator: Generator) -> tuple[str, ...]:
        """The attributes that can be scored, or that are. Raises Missing, BadData."""
        self._given = self._taken(generator)
        return self._given.scores.names if self._given else names_of(self.scorer, generator)

    def _taken(self, generator: Generator) -> Given | None:
        """What is fitted to in the place of samples. Raises Missing, BadData."""
        if self.scores and not self.latents:
            raise BadData("--scores are those of stored latents", "--latents says which")
        if not self.latents:
            return None
        for name in ("samples", "scorer"):
            if getattr(self, name) != getattr(ScoredMethod, name):
                hint = "POOL#0-999 takes some of them" if name == "samples" else "leave it out"
                raise BadData(f"--{name} means nothing for latents that are scored", hint)
        found = given(self.latents, self.scores, generator)
        self.label = found.drawn_of(self.label, generator)  # which the set remembers
        return found

    def settled(self, generator: Generator) -> str:
        """The space to fit in. Raises BadData."""
        if self._given:
            return self._given.space(self.space, generator)
        return space_of(generator, self.space)

    def at(self, generator: Generator, places: Sequence[int], space: str) -> Tensor:
        """Latents (n, D) of samples by their places, float32 on the CPU."""
        if self._given:
            return self._given.rows(places, space, generator, self.label)
        return latents(generator, [self.seed + place for place in places], space, self.label)

    def sampled(self, count: int) -> str:
        """What the first `count` samples were, for the header of the set."""
        if self._given:
            return self._given.words
        return f"{self.seed}-{self.seed + count - 1}"

    @property
    def drawn(self) -> range:
        """The seeds that are scored."""
        return range(self.seed, self.seed + (0 if self.latents else self.samples))

    def shards(self, generator: Generator, work: Path) -> list[Shard]:
        """The scores of the samples."""
        return [
            shard
            for chunk in blocks(self.drawn, CHUNK)
            for shard in shards(generator, chunk, self.scorer, self.label, self.batch)
        ]

    def scores_so_far(self, generator: Generator, least: int, progress: StoppableReport) -> Tensor:
        """Scores (n, A) of the first n seeds: of all of them, or of those that an interruption left
        time for; of given latents all. Raises Interrupted where they are fewer than `least`."""
        if self._given:
            return self._given.scores.array

        def tell(before: int, done: int, total: int, what: str) -> None:
            progress(before + done, self.samples, what)

        parts = (
            sampled_scores(generator, chunk, self.scorer, self.label, self.batch,
                           partial(tell, chunk.start - self.seed))[1]
            for chunk in blocks(self.drawn, CHUNK)
        )  # fmt: skip
        return gathered(parts, least, progress)

    def judged(
        self,
        generator: Generator,
        candidates: Mapping[int, Sequence[LinearDirection]],
        ranges: tuple[Tensor, Tensor],
        progress: StoppableReport,
    ) -> list[MeasuredDirection]:
        """The best of the candidates of each attribute, in its best layers if it is to have some;
        the first as it is, without figures, after an interruption. `ranges` are the middle and the
        spread (A,) of the attributes."""
        if self._given:
            return [MeasuredDirection(walks[0], i, None) for i, walks in candidates.items()]
        after = self.seed + self.samples
        judge = Judge(generator, self.scorer, self.batch, self.label, *ranges, after,
                      self.probes, self.span)  # fmt: skip
        found: list[MeasuredDirection] = []
        for done, (index, walks) in enumerate(candidates.items()):
            narrow = self.layers == "best" and walks[0].space == "w"
            if progress.complete:
                best, figures = judge.measured(walks, index, narrow)
                found.append(MeasuredDirection(best, index, figures))
                progress.update(done + 1, len(candidates), "directions")
            else:
                found.append(MeasuredDirection(walks[0], index, None))
        return found

    def keep(
        self,
        found: Sequence[MeasuredDirection],
        facts: Mapping[int, Mapping[str, float]],
        normals: Mapping[int, Tensor],
    ) -> None:
        """The results: directions that follow their attribute, with `facts` and normals (D,) or
        (L, D) by attribute. Raises BadData where there are none."""
        kept = [one for one in found if one.figures is None or one.corr >= self.minimum]
        self.dropped_ = tuple((one.direction.name, one.corr) for one in found if one not in kept)
        if not kept:
            weak = ", ".join(f"{name} {corr:.2f}" for name, corr in self.dropped_)
            what = f"no attribute follows its direction (correlations: {weak})"
            hint = "draw more samples, take another scorer or other names, or lower minimum"
            raise BadData(what if weak else "no attribute differs among the samples", hint)
        self.infos_ = tuple(info_of(one.direction, one.figures, facts[one.index]) for one in kept)
        self.directions_ = torch.stack([one.direction.vector for one in kept])
        held = torch.stack([normals[one.index] for one in kept])
        self.extra_ = {"normals": held.float().contiguous()}
