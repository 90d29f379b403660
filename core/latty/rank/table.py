"""The figures of curves: what each direction does to each attribute, and which does it best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latty.directions.traverse import Figures, figures
from latty.rank.baseline import best_of
from latty.rank.measuring import Curves

KEYS = ("corr", "corr_l1", "amplitude", "selectivity")  # by which directions are ranked


@dataclass(frozen=True, slots=True)
class RankRow:
    """What one direction does to one attribute. `corr_l1` is the share of its |corr| in those of
    all attributes, `selectivity` that of its amplitude."""

    direction: str
    attribute: str
    figures: Figures
    amplitude: float
    selectivity: float
    corr_l1: float = 0.0

    def size(self, key: str) -> float:
        """How much of a figure of KEYS it has, whichever way it goes."""
        return abs(self.figures.corr if key == "corr" else float(getattr(self, key)))


def rows(found: Curves) -> list[RankRow]:
    """The figures of every direction on every attribute, direction by direction."""
    result = list[RankRow]()
    for k, direction in enumerate(found.directions):
        scores = filled(found.scores[k])
        sizes = amplitudes(found.strengths[k], scores, found.spread)
        whole, own = float(sizes.abs().sum()) or 1.0, len(result)
        for a, attribute in enumerate(found.attributes):
            measured = both_ways(found.strengths[k], scores, a, found.middle, found.spread)
            size = float(sizes[a])
            result.append(RankRow(direction, attribute, measured, size, abs(size) / whole))
        corrs = sum(abs(row.figures.corr) for row in result[own:]) or 1.0
        result[own:] = [replace(row, corr_l1=abs(row.figures.corr) / corrs) for row in result[own:]]
    return result


def filled(scores: Tensor) -> Tensor:
    """Scores (N, S, A) of walks in which what cannot be said (NaN) is the mean of what can be said
    of the same walk, which makes it no change; 0 where that is nothing."""
    known = scores.isfinite()
    total = scores.where(known, 0.0).sum(1, keepdim=True)
    return scores.where(known, total / known.sum(1, keepdim=True).clamp_min(1))


def both_ways(
    strengths: Sequence[float], scores: Tensor, target: int, middle: Tensor, spread: Tensor
) -> Figures:
    """The figures of a walk with scores (N, S, A); one that lowers the attribute is measured from
    its other end: as monotone as its opposite, with corr and effect below 0."""
    measured = figures(strengths, scores, target, middle, spread)
    if measured.corr >= 0:
        return measured
    turned = figures([-s for s in reversed(strengths)], scores.flip(1), target, middle, spread)
    return replace(
        turned,
        corr=-turned.corr,
        effect=-turned.effect,
        moved=-turned.moved,
        low=-turned.high,
        high=-turned.low,
    )


def amplitudes(strengths: Sequence[float], scores: Tensor, spread: Tensor) -> Tensor:
    """(A,): mean over seeds of cov(strength, attribute) / std(strength), in spreads."""
    x = torch.tensor(strengths).double()
    x = (x - x.mean()) / (x - x.mean()).norm() / len(strengths) ** 0.5
    centred = (scores - scores.mean(1, keepdim=True)) / spread
    return torch.einsum("s,nsa->na", x, centred).mean(0)


def best(
    found: Sequence[RankRow], attribute: str, key: str = "corr", top: int = 3
) -> list[RankRow]:
    """The `top` directions for an attribute, by one of KEYS."""
    mine = [row for row in found if row.attribute == attribute]
    return sorted(mine, key=lambda row: row.size(key), reverse=True)[:top]


def expected(found: Curves) -> dict[str, dict[str, float]]:
    """Of each attribute what the best of as many random directions as there are own ones is
    expected to have, by each of KEYS; {} where none were walked."""
    if (random := found.baseline) is None:
        return {}
    measured, count = rows(random), len(found.directions)
    return {
        attribute: {
            key: best_of([row.size(key) for row in measured if row.attribute == attribute], count,
                         None if key == "amplitude" else 1.0)
            for key in KEYS
        }
        for attribute in found.attributes
    }  # fmt: skip
