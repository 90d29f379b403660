"""The figures of curves: what each direction does to each attribute, and which does it best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latty.directions.figures import Figures, figures_of_each
from latty.rank.baseline import BestOfRandom, best_of
from latty.rank.score_store import Scores
from latty.rank.walk_curves import Curves

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


@dataclass(frozen=True, slots=True)
class Measured:
    """Curves with all that is measured of them: the `rows`, and what `expected` of random ones."""

    curves: Curves
    rows: Sequence[RankRow]
    random: Mapping[str, Mapping[str, BestOfRandom]]

    @classmethod
    def of(cls, found: Curves) -> "Measured":
        """All of it."""
        return cls(found, rows(found), expected(found))


def rows(found: Curves) -> list[RankRow]:
    """The figures of every direction on every attribute, direction by direction."""
    result = list[RankRow]()
    for k, direction in enumerate(found.directions):
        scores = filled(found.scores[k])
        sizes = amplitudes(found.strengths[k], scores, found.spread)
        whole, own = float(np.abs(sizes).sum()) or 1.0, len(result)
        measured = both_ways(found.strengths[k], scores, found.middle, found.spread)
        for attribute, one, size in zip(found.attributes, measured, sizes.tolist(), strict=True):
            result.append(RankRow(direction, attribute, one, size, abs(size) / whole))
        corrs = sum(abs(row.figures.corr) for row in result[own:]) or 1.0
        result[own:] = [replace(row, corr_l1=abs(row.figures.corr) / corrs) for row in result[own:]]
    return result


def filled(scores: Scores) -> Scores:
    """Scores (N, S, A) of walks in which what cannot be said (NaN) is the mean of what can be said
    of the same walk, which makes it no change; 0 where that is nothing."""
    known = np.isfinite(scores)
    total = np.where(known, scores, 0.0).sum(1, keepdims=True)
    return np.where(known, scores, total / np.maximum(known.sum(1, keepdims=True), 1))


def both_ways(
    strengths: Sequence[float], scores: Scores, middle: Scores, spread: Scores
) -> list[Figures]:
    """The figures of a walk with scores (N, S, A) for each attribute; one that it lowers is
    measured from its other end: as monotone as its opposite, with corr and effect below 0."""
    measured = figures_of_each(strengths, scores, middle, spread, range(scores.shape[2]))
    falling = [a for a, one in enumerate(measured) if one.corr < 0]
    back = [-s for s in reversed(strengths)]
    turned = figures_of_each(back, scores[:, ::-1], middle, spread, falling) if falling else ()
    for a, one in zip(falling, turned, strict=True):
        measured[a] = replace(
            one,
            corr=-one.corr,
            effect=-one.effect,
            moved=-one.moved,
            low=-one.high,
            high=-one.low,
        )
    return measured


def amplitudes(strengths: Sequence[float], scores: Scores, spread: Scores) -> Scores:
    """(A,): mean over seeds of cov(strength, attribute) / std(strength), in spreads."""
    x = np.array(strengths, float)
    x = (x - x.mean()) / np.linalg.norm(x - x.mean()) / len(strengths) ** 0.5
    centred = (scores - scores.mean(1, keepdims=True)) / spread
    result: Scores = np.einsum("s,nsa->na", x, centred).mean(0)
    return result


def best(
    found: Sequence[RankRow], attribute: str, key: str = "corr", top: int = 3
) -> list[RankRow]:
    """The `top` directions for an attribute, by one of KEYS."""
    mine = [row for row in found if row.attribute == attribute]
    return sorted(mine, key=lambda row: row.size(key), reverse=True)[:top]


def expected(found: Curves) -> dict[str, dict[str, BestOfRandom]]:
    """Of each attribute what the best of as many random directions as there are own ones has, by
    each of KEYS; {} where none were walked."""
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
