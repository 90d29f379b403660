"""Random directions that a set is compared with: in its space, its layers, at its strengths.

The best of K directions is better than one by luck alone, so it never stands without the best of K
random ones, and the range in which that lies. Of R walked ones the mean best of K <= R is known
exactly (each K of them as likely); the range is that of the bootstrap, of all sets of K that are
drawn from the R with replacement (Efron 1979), in closed form. Beyond R both follow from the mean
and the spread of the R, as those of a normal distribution.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from hashlib import sha256
from math import ceil, comb, erf, sqrt
from pathlib import Path
from statistics import NormalDist, fmean, pstdev
from typing import Any, NamedTuple

from latty import locks
from latty.attributes import score_file
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.directions.registries import METHODS
from latty.errors import BadData
from latty.models.base import Generator, ModelInfo
from latty.report import Report, silent
from latty.scene import Label
from latty.version import __version__

LEAST, MOST = 8, 24  # random directions that are walked where nobody says how many
SETS = 20  # of as many random directions as there are own ones, where they cost little
CHEAP = 20_000  # scenes of which nothing is drawn: seconds
RANGE = 0.05, 0.95  # the quantiles between which the best of a random set lies
SEED = 170_000  # of their vectors
PATIENCE = 600  # seconds


class BestOfRandom(NamedTuple):
    """What the best of a set of random directions has: its mean, and the quantiles of RANGE."""

    expected: float
    low: float
    high: float


def usual(directions: int, scenes: int = 0) -> int:
    """How many random directions are walked beside so many, each a walk of so many scenes of which
    nothing is drawn; 0 = they are drawn."""
    least = min(max(directions, LEAST), MOST)
    return max(least, min(SETS * directions, CHEAP // scenes)) if scenes else least


def random_set(
    generator: Generator,
    space: str,
    like: Sequence[Info],
    count: int,
    label: Label,
    report: Report = silent,
) -> Path:
    """The file of `count` random directions, made where it is not there: unit vectors in `space`
    (of moves inside the network in the model's own), with their sigma measured, in the layers and
    the range of the directions that they are compared with, in turn; another process that makes the
    same is waited for, and the report told. Raises OutputError, Locked, WouldOverwrite,
    ConfigError."""
    info = generator.info
    where = [[str(one.layers), list(one.usable)] for one in like]
    said = [__version__, info.digest or info.name, space, where, count, label]
    key = sha256(json.dumps(said).encode()).hexdigest()[:20]
    path = score_file.cache("random") / f"{key}.safetensors"
    if path.is_file():
        return path

    def waiting(who: str) -> None:
        report(0, 0, f"waiting for random directions, made by {who or 'another process'}")

    with locks.writing(path, PATIENCE, waiting):
        if not path.is_file():  # nobody made it meanwhile
            _write(path, _fitted(generator, space, count, label), info, like)
    return path


def _write(path: Path, method: Any, model: ModelInfo, like: Sequence[Info]) -> None:
    infos = tuple(
        replace(one, usable=like[i % len(like)].usable, layers=like[i % len(like)].layers)
        for i, one in enumerate(method.infos_)
    )
    params = tuple((name, value) for name, value in asdict(method).items())
    header = DirectionSet("random", method.space_, infos, model.name, model.family, model.digest,
                          params, method.seeds_)  # fmt: skip
    write(path, header, {ARRAY: method.directions_})


def _fitted(generator: Generator, space: str, count: int, label: Label) -> Any:
    """The fitted method "random"."""
    make = METHODS.load("random").METHOD
    said = {"components": count, "label": label, "seed": SEED}
    try:
        return make(space=space if space in ("z", "w") else "auto", **said).fit(generator)
    except BadData:  # its layers read different codes: there is no one w
        return make(space="z", **said).fit(generator)


def best_of(values: Sequence[float], count: int, limit: float | None = 1.0) -> BestOfRandom:
    """What the best of `count` is expected to be, and its range, of draws that are as likely as
    these values; no more than `limit`.

    >>> best_of([0.0, 1.0], 1).expected, best_of([0.2, 0.4, 0.6], 2).expected
    (0.5, 0.5333333333333333)
    >>> best_of([0.1, 0.2, 0.3, 0.4], 2)[1:]
    (0.1, 0.4)
    """
    rising, found = sorted(values), len(values)
    if count <= found:
        ways = comb(found, count)
        shares = (comb(i, count - 1) / ways for i in range(found))
        mean = sum(value * share for value, share in zip(rising, shares, strict=True))
        # P(best <= the i-th of them) = (i / found)^count
        low, high = (rising[max(ceil(found * q ** (1 / count)), 1) - 1] for q in RANGE)
        return BestOfRandom(mean, min(low, mean), max(high, mean))
    middle, spread = fmean(values), pstdev(values)
    mean = max(middle + spread * _largest(count), rising[-1])
    low, high = (middle + spread * NormalDist().inv_cdf(q ** (1 / count)) for q in RANGE)
    said = mean, min(low, mean), max(high, mean)
    return BestOfRandom(*(one if limit is None else min(one, limit) for one in said))


@lru_cache(maxsize=64)
def _largest(count: int) -> float:
    """The expected largest of `count` standard normal numbers: the integral of 1 - F^n, less that
    of F^n below 0."""
    step, total = 0.01, 0.0
    for i in range(-800, 800):
        x = (i + 0.5) * step
        share = ((1 + erf(x / sqrt(2))) / 2) ** count
        total += (1 - share if x > 0 else -share) * step
    return total
