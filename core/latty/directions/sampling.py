"""The latents that seeds stand for, in the space a method works in, block by block."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from latty.attributes import names_of
from latty.attributes.sampled import sampled_scores, shards
from latty.directions.traverse import class_labels
from latty.errors import BadData, Interrupted
from latty.models.base import Generator
from latty.report import Report
from latty.shard import Shard

BLOCK = 500  # latents at once
CHUNK = 2000  # seeds scored at once: what an interruption can cost is less than this
SHARED = "its layers read different codes, so there is no one w"


def space_of(generator: Generator, space: str) -> Literal["z", "w"]:
    """ "auto" is where the family's directions act best. Raises BadData for "w" where every layer
    reads a part of z of its own."""
    if space == "auto":
        space = generator.info.space
    if space == "z":
        return "z"
    codes = generator.mapping(generator.sample([0]))
    if not torch.equal(codes, codes[:, :1].expand_as(codes)):
        raise BadData(f"{generator.info.name}: {SHARED}", "take --space z")
    return "w"


def latents(
    generator: Generator, seeds: range | list[int], space: str, label: int | None
) -> Tensor:
    """z (N, Z), or the codes that every layer reads (N, D) for "w"; float32 on the CPU."""
    z = generator.sample(seeds)
    if space == "z":
        return z.detach().cpu().float()
    codes = generator.mapping(z, class_labels(label, z))
    return codes[:, 0].detach().cpu().float()


def blocks(seeds: range, step: int = BLOCK) -> Iterator[range]:
    """The range in pieces of `step`."""
    for start in range(seeds.start, seeds.stop, step):
        yield range(start, min(start + step, seeds.stop))


class StoppableReport:
    """A Report that remembers an interruption, and is silent from then on."""

    def __init__(self, report: Report) -> None:
        self.report, self.complete, self.stopped = report, True, 0.0

    def stop(self) -> None:
        """No report from now on."""
        self.complete, self.stopped = False, time.monotonic()

    def overdue(self, seconds: float) -> bool:
        """Whether an interruption is longer ago than this."""
        return not self.complete and time.monotonic() - self.stopped > seconds

    def __call__(self, done: int, total: int, what: str) -> None:
        self.report(done, total, what)

    def update(self, done: int, total: int, what: str) -> bool:
        """Report, and whether there was no interruption yet."""
        if self.complete:
            try:
                self.report(done, total, what)
            except Interrupted:
                self.stop()
        return self.complete


def deviations(
    generator: Generator,
    vectors: Tensor,
    space: str,
    seeds: range,
    label: int | None,
    progress: StoppableReport,
) -> list[float]:
    """Standard deviation of samples along each of `vectors` (K, D) of unit length; an interruption
    leaves it to the samples seen by then."""
    count, total, square = 0, torch.zeros(len(vectors)).double(), torch.zeros(len(vectors)).double()
    for block in blocks(seeds):
        along = latents(generator, block, space, label).double() @ vectors.double().T
        count += len(along)
        total += along.sum(0)
        square += along.square().sum(0)
        if not progress.update(count, len(seeds), "samples"):
            break
    variance = square / count - (total / count).square()
    found: list[float] = variance.clamp_min(1e-12).sqrt().tolist()
    return found


def checked(names: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    """`names`; raises BadData for one that is not among the known attributes."""
    for name in names:
        if name not in known:
            raise BadData(f"no attribute '{name}'", f"there is: {', '.join(known)}")
    return names


def scores_so_far(
    generator: Generator,
    seeds: range,
    scorer: str,
    label: int | None,
    batch: int,
    least: int,
    progress: StoppableReport,
) -> Tensor:
    """Scores (n, A) of the first n seeds: of all of them, or of those that an interruption left
    time for. Raises Interrupted where they are fewer than
    `least`."""
    found: list[Tensor] = [torch.zeros(0, len(names_of(scorer, generator)))]
    for chunk in blocks(seeds, CHUNK):
        before = chunk.start - seeds.start

        def part(done: int, total: int, what: str, before: int = before) -> None:
            progress(before + done, len(seeds), what)

        try:
            found.append(sampled_scores(generator, chunk, scorer, label, batch, part)[1])
        except Interrupted:
            progress.stop()
            if sum(map(len, found)) < least:
                raise
            break
    return torch.cat(found)


@dataclass(kw_only=True)
class ScoredMethod:
    """The parameters of a method that fits to scores of sampled pictures; `scores_so_far` of the
    samples can be drawn before, piece by piece."""

    samples: int = 20_000  # latents that are scored
    batch: int = 100  # pictures drawn at once
    scorer: str = "factors"  # judges pictures of generators that do not know their own factors
    names: tuple[str, ...] = ()  # attributes to keep, empty = all
    layers: Literal["best", "all"] = "best"  # where directions act: in their best layers, or in all
    minimum: float = 0.0  # a direction whose attribute follows with a lower correlation is dropped
    space: Literal["auto", "z", "w"] = "auto"  # auto = where the family's directions act best
    label: int | None = None  # the class to draw, where there are classes
    seed: int = 100_000  # first of the sampled seeds
    probes: int = 8  # held-out seeds for choices; the final figures take twice as many
    span: float = 3.0  # strengths -span..span are measured

    def missing(self, generator: Generator) -> str:
        """Nothing: every generator's pictures can be scored."""
        return ""

    def shards(self, generator: Generator, work: Path) -> list[Shard]:
        """The scores of the samples."""
        seeds = range(self.seed, self.seed + self.samples)
        return [
            shard
            for chunk in blocks(seeds, CHUNK)
            for shard in shards(generator, chunk, self.scorer, self.label, self.batch)
        ]


def normal_scores(scores: Tensor) -> Tensor:
    """Scores (n, K) as the quantiles of a normal that their ranks are, whatever their scale and
    however it bends; what is no number stays so."""
    levels = torch.full_like(scores, torch.nan)
    for column, level in zip(scores.T, levels.T, strict=True):
        valid = column.isfinite()
        ranks = column[valid].argsort(stable=True).argsort()
        level[valid] = torch.special.ndtri((ranks.double() + 0.5) / len(ranks)).to(level)
    return levels
