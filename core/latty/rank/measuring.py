"""Scores of every direction at every strength, and what is usual among samples."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latty.locks import at_work
from latty.models.base import Generator
from latty.rank import score_store
from latty.rank.folders import kept_of, work_of
from latty.rank.plan import RankPlan, Start
from latty.rank.score_store import JudgeKey, WalkScores, WalkShape
from latty.rank.shards import drawn, shards
from latty.report import Report, silent
from latty.shard import Shard

MIDDLE = 0.01, 0.99  # quantiles between which the range of an attribute lies


@dataclass(frozen=True, slots=True)
class Curves:
    """Scores (K, N, S, A) of K directions from N starts at S strengths, and the middle of the range
    and the spread (A,) of each attribute among samples; scores (R, N, S, A) of the random
    directions that they are compared with, and what the directions' own unit is called."""

    directions: tuple[str, ...]
    attributes: tuple[str, ...]
    seeds: tuple[Start, ...]
    strengths: tuple[tuple[float, ...], ...]
    scores: Tensor
    middle: Tensor
    spread: Tensor
    random: Tensor | None = None
    random_strengths: tuple[tuple[float, ...], ...] = ()
    units: tuple[str, ...] = ()

    @property
    def baseline(self) -> "Curves | None":
        """The random directions alone; None where there are none."""
        if self.random is None or not len(self.random):
            return None
        names = tuple(f"random {i}" for i in range(len(self.random)))
        return replace(self, directions=names, strengths=self.random_strengths, scores=self.random,
                       random=None, random_strengths=(), units=())  # fmt: skip


def shape_of(plan: RankPlan) -> WalkShape:
    """How many a plan has of all."""
    return WalkShape(len(plan.chosen()), len(plan.baseline()), len(plan.starts), len(plan.kept),
                     plan.samples)  # fmt: skip


@contextmanager
def ranking(
    plan: RankPlan,
    generator: Generator,
    report: Report,
    spread: Callable[[list[Shard]], None] | None = None,
) -> Iterator[Curves]:
    """The curves of a plan. Scores are kept in the cache, for each scorer with all its attributes:
    what was asked for before is not drawn again. What is measured is kept until the block is left
    without an error, so that a killed ranking goes on; `spread` has the shards measured by several
    processes.

    Raises Missing, BadData, OutputError, Locked where the same ranking is at work.
    """
    work = work_of(plan, generator)
    with at_work(work, "at this very ranking") as done:

        def measure(keys: list[JudgeKey]) -> list[Tensor]:
            every = tuple(column for key in keys for column in key.columns())
            whole = replace(plan, wanted=every)
            pieces = shards(whole, generator, work) if spread is not None else []
            if spread is not None and not all(piece.whole() for piece in pieces):
                spread(pieces)
            return drawn(whole, generator, report, work)

        folder = kept_of(plan, generator)
        found = score_store.kept(folder, plan.wanted, generator, shape_of(plan), measure)
        yield of_plan(plan, found)
        done()


def curves(plan: RankPlan, generator: Generator, report: Report = silent) -> Curves:
    """Draw and score every scene of the plan. Raises Missing, BadData."""
    return of_plan(plan, score_store.stacked(drawn(plan, generator, report), shape_of(plan)))


def of_plan(plan: RankPlan, found: WalkScores) -> Curves:
    """The curves of a plan's scores."""
    infos, names = plan.chosen(), [name for _, _, name in plan.wanted]
    strengths = [plan.strengths(info) for info in infos]
    made = curves_of([info.name for info in infos], names, plan.starts, strengths, found)
    random = tuple(plan.strengths(info) for info in plan.baseline())
    return replace(made, random_strengths=random, units=tuple(info.unit for info in infos))


def curves_of(
    directions: Sequence[str],
    attributes: Sequence[str],
    starts: Sequence[Start],
    strengths: Sequence[Sequence[float]],
    found: WalkScores,
) -> Curves:
    """Scores as curves, with what is usual among the samples."""
    middle, spread = _usual(found.samples)
    return Curves(
        tuple(directions),
        tuple(attributes),
        tuple(starts),
        tuple(map(tuple, strengths)),
        found.scores.double(),
        middle,
        spread,
        found.random.double(),
    )


def _usual(samples: Tensor) -> tuple[Tensor, Tensor]:
    """The middle of the range and the standard deviation (A,) of samples (S, A), of those of which
    something can be said; 0 and 1e-9 where that is of fewer than two."""
    middle, spread = list[Tensor](), list[Tensor]()
    for column in samples.double().T:
        known = column[column.isfinite()]
        if len(known) < 2:
            known = column.new_zeros(2)
        middle.append(known.quantile(torch.tensor(MIDDLE).double()).mean())
        spread.append(known.std().clamp_min(1e-9))
    return torch.stack(middle), torch.stack(spread)
