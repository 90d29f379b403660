"""The figures of curves: what each direction does to each attribute, and which does it best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latty.directions.traverse import Figures, figures
from latty.rank.measuring import Curves


@dataclass(frozen=True, slots=True)
class RankRow:
    """What one direction does to one attribute."""

    direction: str
    attribute: str
    figures: Figures
    amplitude: float
    selectivity: float


def rows(found: Curves) -> list[RankRow]:
    """The figures of every direction on every attribute, direction by direction."""
    result = []
    for k, direction in enumerate(found.directions):
        scores = found.scores[k].nan_to_num()
        sizes = amplitudes(found.strengths[k], scores, found.spread)
        whole = float(sizes.abs().sum()) or 1.0
        for a, attribute in enumerate(found.attributes):
            measured = both_ways(found.strengths[k], scores, a, found.middle, found.spread)
            size = float(sizes[a])
            result.append(RankRow(direction, attribute, measured, size, abs(size) / whole))
    return result


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
    """The `top` directions for an attribute, by |corr|, |amplitude| or selectivity."""
    sizes = {
        "corr": lambda row: abs(row.figures.corr),
        "amplitude": lambda row: abs(row.amplitude),
        "selectivity": lambda row: row.selectivity,
    }
    mine = [row for row in found if row.attribute == attribute]
    return sorted(mine, key=sizes[key], reverse=True)[:top]
