"""Scores of every direction at every strength, drawn but for what is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from latty.errors import UsageError
from latty.locks import at_work
from latty.models.base import Generator
from latty.rank import score_store
from latty.rank.folders import kept_of, work_of
from latty.rank.plan import RankPlan
from latty.rank.score_store import JudgeKey, Scores, WalkScores, WalkShape
from latty.rank.shards import drawn, shards
from latty.rank.walk_curves import Curves, curves_of
from latty.report import Report, silent
from latty.shard import Shard


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

    Raises Missing, BadData, OutputError, UsageError where the plan wants no attribute, Locked where
    the same ranking is at work.
    """
    _asked(plan)
    work = work_of(plan, generator)
    with at_work(work, "at this very ranking") as done:

        def measure(keys: list[JudgeKey]) -> list[Scores]:
            every = tuple(column for key in keys for column in key.columns())
            whole = replace(plan, wanted=every)
            pieces = shards(whole, generator, work) if spread is not None else []
            if spread is not None and not all(piece.whole() for piece in pieces):
                spread(pieces)
            return [table.numpy() for table in drawn(whole, generator, report, work)]

        folder = kept_of(plan, generator)
        found = score_store.kept(folder, plan.wanted, generator, shape_of(plan), measure)
        yield of_plan(plan, found)
        done()


def curves(plan: RankPlan, generator: Generator, report: Report = silent) -> Curves:
    """Draw and score every scene of the plan. Raises Missing, BadData, UsageError where it wants no
    attribute."""
    _asked(plan)
    tables = [table.numpy() for table in drawn(plan, generator, report)]
    return of_plan(plan, score_store.stacked(tables, shape_of(plan)))


def _asked(plan: RankPlan) -> None:
    if not plan.wanted:
        raise UsageError("no attribute is named", "for example: smile,geometry/area")


def of_plan(plan: RankPlan, found: WalkScores) -> Curves:
    """The curves of a plan's scores."""
    infos, names = plan.chosen(), [name for _, _, name in plan.wanted]
    strengths = [plan.strengths(info) for info in infos]
    made = curves_of([info.name for info in infos], names, plan.starts, strengths, found)
    random = tuple(plan.strengths(info) for info in plan.baseline())
    return replace(made, random_strengths=random, units=tuple(info.unit for info in infos))
