"""Scores of every direction at every strength, and what is usual among samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from latty.attributes import score_file
from latty.files import write
from latty.locks import at_work
from latty.models.base import Generator
from latty.rank.plan import RankPlan
from latty.rank.scoring import measured
from latty.rank.shards import piece_of, shards, work_of
from latty.report import Report, silent
from latty.shard import Shard

MIDDLE = 0.01, 0.99  # quantiles between which the range of an attribute lies


@dataclass(frozen=True, slots=True)
class Curves:
    """Scores (K, N, S, A) of K directions from N seeds at S strengths, and the middle of the range
    and the spread (A,) of each attribute among samples."""

    directions: tuple[str, ...]
    attributes: tuple[str, ...]
    seeds: tuple[int, ...]
    strengths: tuple[tuple[float, ...], ...]
    scores: Tensor
    middle: Tensor
    spread: Tensor


@contextmanager
def ranking(
    plan: RankPlan,
    generator: Generator,
    report: Report,
    spread: Callable[[list[Shard]], None] | None = None,
) -> Iterator[Curves]:
    """The curves of a plan. What is measured is kept until the block is left without an error, so
    that a killed ranking goes on; `spread` has the shards measured by several processes.

    Raises Missing, BadData, OutputError, Locked where the same ranking is at work.
    """
    work = work_of(plan, generator)
    with at_work(work, "at this very ranking") as done:
        pieces = shards(plan, generator, work) if spread is not None else []
        if spread is not None and not all(piece.whole() for piece in pieces):
            spread(pieces)
        yield curves(plan, generator, report, work)
        done()


def curves(
    plan: RankPlan, generator: Generator, report: Report = silent, work: Path | None = None
) -> Curves:
    """Draw and score every scene of the plan, but for what lies in `work`, where all of it is
    kept. Raises Missing, BadData."""
    infos, walks = plan.chosen(), plan.walks()
    total, found = sum(map(len, walks)), list[Tensor]()
    for number, scenes in enumerate(walks):
        file = piece_of(work, number) if work else None
        kept = score_file.read(file, len(scenes), len(plan.wanted))
        if kept is None:
            tell = partial(_tell, report, sum(map(len, found)), total)
            kept = measured(plan, scenes, generator, tell)
            if file:
                write(file, [score_file.content(*kept)])
        found.append(kept[0])
        report(sum(map(len, found)), total, "pictures")
    still = found[0].nan_to_num()
    low, high = still.quantile(torch.tensor(MIDDLE).double(), 0)
    shape = len(plan.starts), len(plan.kept), len(plan.wanted)
    return Curves(
        tuple(info.name for info in infos),
        tuple(name for _, _, name in plan.wanted),
        plan.seeds,
        tuple(plan.strengths(info) for info in infos),
        torch.stack([scores.view(shape) for scores in found[1:]]),
        (low + high) / 2,
        still.std(0).clamp_min(1e-9),
    )


def _tell(report: Report, before: int, total: int, done: int, _: int, what: str) -> None:
    report(before + done, total, what)
