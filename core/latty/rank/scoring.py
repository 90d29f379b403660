"""Scenes drawn and scored, as many at once as fit in memory."""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty import edits
from latty.attributes import open_scorer, scores_of
from latty.attributes.names import exact
from latty.models.base import Generator
from latty.models.memory import in_batches, told
from latty.rank.plan import RankPlan, Wanted
from latty.render.pixels import Painter
from latty.report import Report, silent
from latty.scene import Scene


def scored(
    scenes: Sequence[Scene], generator: Generator, wanted: Wanted, foreign: bool = False
) -> Tensor:
    """Scores (N, A) of scenes of one model; exact factors where the model knows its own."""
    applied = edits.applied(scenes, generator, foreign)
    label, drawn, columns = edits.labels(scenes, generator), None, {}
    for scorer in {scorer for scorer, _, _ in wanted}:
        if exact(scorer, generator) is not None and not applied.inside:
            columns[scorer] = scores_of(generator, applied.codes, scorer, label)[1]
            continue
        if drawn is None:
            drawn = Painter(generator, foreign).drawn(applied)
        columns[scorer] = open_scorer(scorer).score(drawn)
    return torch.stack([columns[scorer][:, index] for scorer, index, _ in wanted], 1).cpu()


@torch.no_grad()
def measured(
    plan: RankPlan, scenes: Sequence[Scene], generator: Generator, report: Report = silent
) -> tuple[Tensor, int]:
    """Scores (N, A) float64, and how many pictures fitted in memory at once."""

    def draw(part: slice) -> Tensor:
        return scored(scenes[part], generator, plan.wanted, plan.foreign)

    parts, used = [], plan.batch
    report(0, len(scenes), "pictures")
    for part, some, used in in_batches(draw, len(scenes), plan.batch):
        parts.append(some)
        if part.stop < len(scenes):
            report(part.stop, len(scenes), told("pictures", used, plan.batch))
    return torch.cat(parts).double(), used
