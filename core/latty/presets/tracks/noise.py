"""Noise: numbers, latents and noise pictures that wander and come back.

A number wanders along a periodic cubic B-spline (C2: no jump in value, speed or acceleration)
through `detail` values that a hash gives: the same on every machine, by sums and products alone.
"""

from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

from latty.presets.moments import Moment, TimeLine, moment
from latty.presets.tracks.motion import Spelling
from latty.scene import PASSED, SEED, SEED_LIMIT, STRENGTH, Walk
from latty.tables.rules import Key, number, whole

DETAIL = 4
NEAR = 1e-6  # of a round: what rounding may add to a period that divides the film
MIXED = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 2**64 - 1


def hashed(seed: int, index: int) -> int:
    """A number of 64 bits (SplitMix64, Steele, Lea and Flood 2014)."""
    step, first, second, mask = MIXED
    x = (seed * 0x100000001B3 + (index + 1) * step) & mask
    x = ((x ^ x >> 30) * first) & mask
    x = ((x ^ x >> 27) * second) & mask
    return x ^ x >> 31


def phase(t: float, period: float) -> float:
    """Which share of a round of `period` has passed at t; the end of a round is its beginning."""
    rounds = 1 / period
    whole_rounds = round(rounds)
    if whole_rounds and abs(rounds - whole_rounds) < NEAR * rounds:
        rounds = whole_rounds
    return (t * rounds) % 1.0


@cache
def controls(seed: int, detail: int) -> tuple[float, ...]:
    """The control values of a curve whose mean is 0 and whose greatest distance from it is 1."""
    drawn = [hashed(seed, i) / 2**63 - 1 for i in range(detail)]
    mean = sum(drawn) / detail
    centred = [value - mean for value in drawn]
    far = max(abs(value) for i in range(detail) for value in _extremes(_cubic(centred, i)))
    return tuple(value / far for value in centred)


def curve(values: tuple[float, ...], place: float) -> float:
    """The B-spline of some control values at a share of its round."""
    along = place * len(values)
    index = int(along)
    a, b, c, d = _cubic(values, index % len(values))
    u = along - index
    return a + u * (b + u * (c + u * d))


def _cubic(values: Any, index: int) -> tuple[float, float, float, float]:
    """The coefficients of one piece, of 1, u, u^2 and u^3."""
    count = len(values)
    p, q, r, s = (values[(index + i) % count] for i in (-1, 0, 1, 2))
    return (p + 4 * q + r) / 6, (r - p) / 2, (p - 2 * q + r) / 2, (s - p + 3 * (q - r)) / 6


def _extremes(piece: tuple[float, float, float, float]) -> list[float]:
    """Its values at its beginning and wherever it turns."""
    a, b, c, d = piece
    inside = c * c - 3 * b * d
    turns = []
    if d and inside >= 0:
        turns = [(-c - sqrt(inside)) / (3 * d), (-c + sqrt(inside)) / (3 * d)]
    elif c:
        turns = [-b / (2 * c)]
    return [a + u * (b + u * (c + u * d)) for u in (0.0, *(u for u in turns if 0 < u < 1))]


@dataclass(frozen=True, slots=True)
class Noise:
    """A number that wanders at most `amplitude` from `around`, and is back after `period`, a share
    of the film."""

    noise: int
    amplitude: float
    period: float = 1.0
    around: float = 0.0
    detail: int = DETAIL

    def at(self, t: float) -> float:
        """The value at t."""
        values = controls(self.noise, self.detail)
        return self.around + self.amplitude * curve(values, phase(t, self.period))

    def reach(self) -> tuple[float, float]:
        """As far as it goes to either side."""
        return self.around - abs(self.amplitude), self.around + abs(self.amplitude)

    def table(self, line: TimeLine) -> dict[str, Any]:
        """Its keys, without those that are as usual."""
        said = {"noise": self.noise, "amplitude": self.amplitude, **_period(self.period, line)}
        said |= {"around": self.around} if self.around else {}
        return said | ({"detail": self.detail} if self.detail != DETAIL else {})


def _period(period: float, line: TimeLine) -> dict[str, Any]:
    return {} if period == 1 else {"period": line.written(period, "length")}


@dataclass(frozen=True, slots=True)
class Wander:
    """The place on a closed walk through latents, or through noise pictures, that nobody named:
    `detail` of them, drawn by a seed. `around` (None: noise pictures) it stays near a latent.
    """

    noise: int
    amplitude: float = 1.0
    period: float = 1.0
    around: int | str | None = None
    detail: int = DETAIL

    def at(self, t: float) -> float:
        """The share of its round."""
        return phase(t, self.period)

    def reach(self) -> tuple[float, float]:
        """Any place."""
        return 0.0, 1.0

    def table(self, line: TimeLine) -> dict[str, Any]:
        """Its keys, without those that are as usual."""
        said: dict[str, Any] = {"noise": self.noise}
        said |= {} if self.around is None else {"amplitude": self.amplitude}
        said |= _period(self.period, line)
        said |= {} if self.around is None else {"around": self.around}
        return said | ({"detail": self.detail} if self.detail != DETAIL else {})

    @property
    def walk(self) -> Walk:
        """The walk along which it goes."""
        seeds = tuple(hashed(self.noise, i) % SEED_LIMIT for i in range(self.detail))
        return Walk(seeds, "circular", around=self.around, amplitude=self.amplitude)


NOISE = Key(SEED, "Which noise: another number, another one.", required=True)
PERIOD = Key(
    moment("length", beyond=True),
    "After how many seconds it is back, or as in '2s', '8b', '50%'; absent: the whole film.",
    default=Moment(1.0, "100%"),
)
ROUND = {"period": PERIOD, "detail": Key(whole(2, 1000), "How many turns a period has.", DETAIL)}
SPELLINGS = (
    Spelling(
        "{ noise = ..., amplitude = ..., period = ... }",
        "noise",
        {
            "noise": NOISE,
            "amplitude": Key(STRENGTH, "How far it goes to either side.", required=True),
            "around": Key(STRENGTH, "The value in the middle.", 0.0),
            **ROUND,
        },
        Noise,
    ),
)
LATENT = {
    "noise": NOISE,
    "amplitude": Key(number(0, 100), "How far from the latent, in its own length.", required=True),
    "around": Key(PASSED, "The seed, or stored latent, that it stays near.", 0),
    **ROUND,
}
PICTURES = {"noise": NOISE, **ROUND}
