"""What a walk along a direction does to attributes, in figures; of scores, without torch."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

STILL = 0.1  # an attribute that changes by less than this share of its spread did not move
FLAT = 0.02  # a step down by less than this share of the spread still counts as monotone
MOST = 0.75  # of the seeds


@dataclass(frozen=True, slots=True)
class Figures:
    """What one direction does to its attribute and to the others over a traverse.

    corr      mean over seeds of the correlation of strength and attribute (0 where it is still)
    monotone  share of steps in which the attribute does not fall
    leakage   mean over seeds and other attributes of |correlation| (0 where they are still)
    drift     root mean square change of the other attributes, in their standard deviations
    effect    mean change of the attribute from one end to the other, in its own unit
    moved     the same in its standard deviations
    crossed   share of seeds whose attribute starts below and ends above the middle of its range
    low high  strengths between which the attribute rises for most seeds; beyond them latents are
              rarer than any sample and pictures may break
    """

    corr: float
    monotone: float
    leakage: float
    drift: float
    effect: float
    moved: float
    crossed: float
    low: float
    high: float

    def scores(self) -> dict[str, float]:
        """As a header names them."""
        names = ("corr", "monotone", "leakage", "drift", "effect")
        return {name: getattr(self, name) for name in names} | {"effect_sd": self.moved}

    @property
    def quality(self) -> float:
        """How surely the attribute follows, less how much the rest comes along."""
        return self.corr - self.drift / max(abs(self.moved), 1e-6)


def figures_of_each(
    strengths: Sequence[float],
    scores: Numbers,
    middle: Numbers,
    spread: Numbers,
    targets: Sequence[int],
) -> list[Figures]:
    """The figures of some attributes of scores (N, S, A) of a walk, given the middle of the range
    and the standard deviation (A,) of each attribute among samples; what they share is computed
    once."""
    spread = np.maximum(spread.astype(float), 1e-9)
    scores = (scores.astype(float) - middle.astype(float)) / spread
    x = np.array(strengths, float)
    x = (x - x.mean()) / np.linalg.norm(x - x.mean())
    centred = scores - scores.mean(1, keepdims=True)
    span = scores.max(1) - scores.min(1)  # (N, A)
    corr = np.einsum("s,nsa->na", x, centred) / np.maximum(np.linalg.norm(centred, axis=1), 1e-9)
    corr = np.where(span > STILL, corr, 0.0)
    rises = scores[:, 1:] - scores[:, :-1] > -FLAT  # (N, S - 1, A)
    change = scores[:, -1] - scores[:, 0]
    crossed = (scores[:, 0] < 0) & (scores[:, -1] > 0)

    def of(target: int) -> Figures:
        low, high = _rising(strengths, rises[:, :, target])
        others = [a for a in range(scores.shape[2]) if a != target]
        moved = float(change[:, target].mean())
        return Figures(
            corr=float(corr[:, target].mean()),
            monotone=float(rises[:, :, target].mean()),
            leakage=float(np.abs(corr[:, others]).mean()) if others else 0.0,
            drift=float(np.sqrt(np.square(change[:, others]).mean())) if others else 0.0,
            effect=moved * float(spread[target]),
            moved=moved,
            crossed=float(crossed[:, target].mean()),
            low=low,
            high=high,
        )

    return [of(target) for target in targets]


def _rising(strengths: Sequence[float], rises: Numbers) -> tuple[float, float]:
    """The widest range around the middle in which no step, which `rises` (N, S - 1) or not, falls
    for a quarter of the seeds; a step each way at least."""
    good = (rises.mean(0) > MOST).tolist()
    start = (len(strengths) - 1) // 2
    stop = len(strengths) // 2
    start, stop = max(start - 1, 0), min(stop + 1, len(strengths) - 1)
    while start > 0 and good[start - 1]:
        start -= 1
    while stop < len(strengths) - 1 and good[stop]:
        stop += 1
    return strengths[start], strengths[stop]


def mean_figures(several: Sequence[Figures]) -> Figures:
    """Each figure averaged, for example over two truncations."""
    rows = [astuple(figure) for figure in several]
    return Figures(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))
