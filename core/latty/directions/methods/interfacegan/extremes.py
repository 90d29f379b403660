"""Which samples a boundary is fitted to: the two ends of an attribute's scores."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latty.errors import BadData


@dataclass(frozen=True, slots=True, eq=False)
class Extremes:
    """Samples by their places: which are fitted, which validate, and the others with a score.

    middle  of the score's range: beyond it a picture counts as positive
    high    whether each of all samples (n,) is positive
    """

    fitted: Tensor
    kept: Tensor
    rest: Tensor
    middle: float
    high: Tensor


def extremes(scores: Tensor, ratio: float, train: float, seed: int, name: str) -> Extremes:
    """Ranks the scores (n,), takes `ratio` of them (above 1: so many; 0: all, not ranked) from
    either end, and of both a random share `train` for fitting. Scores that are no number are left
    out. Raises BadData where nothing is left or nothing differs. The places are (N,)."""
    valid = scores.isfinite().nonzero()[:, 0]
    values = scores[valid].double()
    if len(valid) < 4:
        raise BadData(f"{name}: {len(valid)} samples have a score", "take more samples")
    middle = float((values.quantile(0.01) + values.quantile(0.99)) / 2)
    order = valid[values.argsort(stable=True)]
    if ratio == 0:
        low, high = valid[values <= middle], valid[values > middle]
    else:
        count = int(ratio if ratio > 1 else ratio * len(valid))
        count = max(2, min(count, len(valid) // 2))
        low, high = order[:count], order[-count:]
    if min(len(low), len(high)) < 2 or scores[low].max() >= scores[high].min():
        raise BadData(f"{name}: the scores are all alike", "it cannot be found in these pictures")
    random = np.random.RandomState(seed % 2**32)
    fitted, kept = [], []
    for side in (high, low):
        shuffled = side[torch.from_numpy(random.permutation(len(side)))]
        count = max(1, int(train * len(side)))
        fitted.append(shuffled[:count])
        kept.append(shuffled[count:])
    chosen = torch.zeros(len(scores), dtype=torch.bool)
    chosen[torch.cat([low, high])] = True
    rest = valid[~chosen[valid]]
    positive = scores > middle
    positive[high], positive[low] = True, False
    return Extremes(torch.cat(fitted), torch.cat(kept), rest, middle, positive)
