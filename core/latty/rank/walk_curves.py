"""Scores of walks as curves, with what is usual among samples; torch is not needed for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latty.rank.plan import Start
from latty.rank.score_store import Scores, WalkScores

MIDDLE = 0.01, 0.99  # quantiles between which the range of an attribute lies


@dataclass(frozen=True, slots=True)
class Curves:
    """Scores (K, N, S, A) of K directions from N starts at S strengths, and the middle of the range
    and the spread (A,) of each attribute among samples; scores (R, N, S, A) of the random
    directions that they are compared with, and what the directions' own unit is called. Scores,
    middle and spread are numpy arrays of float64; scores are NaN where nothing can be said."""

    directions: tuple[str, ...]
    attributes: tuple[str, ...]
    seeds: tuple[Start, ...]
    strengths: tuple[tuple[float, ...], ...]
    scores: Scores
    middle: Scores
    spread: Scores
    random: Scores | None = None
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
        found.scores.astype(float),
        middle,
        spread,
        found.random.astype(float),
    )


def _usual(samples: Scores) -> tuple[Scores, Scores]:
    """The middle of the range and the standard deviation (A,) of samples (S, A), of those of which
    something can be said; 0 and 1e-9 where that is of fewer than two."""
    middle, spread = list[float](), list[float]()
    for column in samples.astype(float).T:
        known = column[np.isfinite(column)]
        if len(known) < 2:
            known = np.zeros(2)
        middle.append(float(np.quantile(known, MIDDLE).mean()))
        spread.append(max(float(known.std(ddof=1)), 1e-9))
    return np.array(middle), np.array(spread)
