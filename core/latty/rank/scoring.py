"""Scenes drawn and scored, as many at once as fit in memory."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from latty import edits
from latty.attributes import open_scorer, scores_of
from latty.attributes.names import exact
from latty.models.base import Generator
from latty.models.memory import at_once, in_batches, told
from latty.rank.plan import RankPlan, Wanted
from latty.render.pixels import Painter
from latty.report import Report, silent
from latty.scene import Scene

TOGETHER = 50  # pictures drawn and scored at once, at most


def scored(scenes: Sequence[Scene], painter: Painter, wanted: Wanted) -> Tensor:
    """Scores (N, A) of scenes of one model; exact factors where the model knows its own."""
    generator = painter.generator
    applied = edits.applied(scenes, generator, painter.foreign)
    label, drawn, columns = edits.labels(scenes, generator), None, {}
    for scorer in {scorer for scorer, _, _ in wanted}:
        if exact(scorer, generator) is not None and not applied.inside:
            columns[scorer] = scores_of(generator, applied.codes, scorer, label)[1]
            continue
        if drawn is None:
            drawn = painter.drawn(applied)
        columns[scorer] = open_scorer(scorer).score(drawn)
    return torch.stack([columns[scorer][:, index] for scorer, index, _ in wanted], 1).cpu()


@torch.no_grad()
def measured(
    plan: RankPlan, runs: Sequence[Sequence[Scene]], generator: Generator, report: Report = silent
) -> tuple[Tensor, int]:
    """Scores (N, A) float64 of the scenes of all runs, none of which is drawn together with those
    of another, and how many pictures fitted in memory at once."""
    painter, asked = Painter(generator, plan.foreign), plan.batch or at_once(generator, TOGETHER)
    fitting = asked
    parts, done, total = list[Tensor](), 0, sum(map(len, runs))
    report(0, total, "pictures")
    for run in runs:
        draw = partial(_part, run, painter, plan.wanted)
        for _, some, used in in_batches(draw, len(run), fitting):
            parts.append(some)
            fitting = used
            if (done := done + len(some)) < total:
                report(done, total, told("pictures", fitting, asked))
    return torch.cat(parts).double(), fitting


def _part(scenes: Sequence[Scene], painter: Painter, wanted: Wanted, part: slice) -> Tensor:
    return scored(scenes[part], painter, wanted)
