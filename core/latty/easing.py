"""Easings: curves from (0, 0) to (1, 1), by the names that animators know.

The families are Robert Penner's (2001): `in-` slow at the beginning, `out-` at the end, `in-out-`
at both; "cubic-bezier(x1, y1, x2, y2)", "steps(n)" and "ease" are those of CSS (css-easing-1).
"""

import re
from collections.abc import Callable
from functools import cache
from math import cos, exp, floor, pi, sin, sqrt

from latty.errors import did_you_mean
from latty.tables.rules import Rule, checked, text
from latty.tables.words import shown

Curve = Callable[[float], float]

NUMBER = r"\s*(-?\d{1,3}(?:\.\d{1,9})?)\s*"
BEZIER = rf"cubic-bezier\({NUMBER},{NUMBER},{NUMBER},{NUMBER}\)"
STEPS = r"steps\(\s*([1-9]\d{0,3})\s*\)"
SAMPLES = 512  # at which the reach of a curve is measured


def _linear(t: float) -> float:
    return t


def _smooth(t: float) -> float:
    return t * t * (3 - 2 * t)


def _sine(t: float) -> float:
    return 0.5 + 0.5 * sin(pi * (t - 0.5))  # the shifted sine is exact at 0.5; (1 - cos)/2 is not


def _cubic(t: float) -> float:
    return 4 * t**3 if t < 0.5 else 1 - 4 * (1 - t) ** 3


def _power(exponent: int) -> Curve:
    return lambda t: t**exponent


def _in_sine(t: float) -> float:
    return 1 - cos(pi * t / 2)


def _in_expo(t: float) -> float:
    return (2 ** (10 * t) - 1) / 1023  # Penner's jumps by a thousandth at 0


def _in_circ(t: float) -> float:
    return 1 - sqrt(1 - t * t)


def _in_back(far: float) -> Curve:
    """Goes back by a tenth first where `far` is 1.70158."""
    return lambda t: t * t * ((far + 1) * t - far)


def _in_elastic(period: float) -> Curve:
    phase = 10 + period / 4
    return lambda t: -(2 ** (10 * t - 10)) * sin((10 * t - phase) * 2 * pi / period) if t else 0.0


def _in_bounce(t: float) -> float:
    left = (1 - t) * 2.75
    arcs = ((1.0, 0.0, 0.0), (2.0, 1.5, 0.75), (2.5, 2.25, 0.9375), (2.75, 2.625, 0.984375))
    top, base = next((top, base) for end, top, base in arcs if left <= end)
    return 1 - ((left - top) ** 2 + base)


def _spring(t: float) -> float:
    """A damped oscillation about 1, two swings long."""
    swing = 4 * pi
    return (1 - exp(-6 * t) * (cos(swing * t) + 6 / swing * sin(swing * t))) / (1 - exp(-6))


def _hold(t: float) -> float:
    return 1.0 if t >= 1 else 0.0


def _step(t: float) -> float:
    return 1.0 if t >= 0.5 else 0.0


def _out(curve: Curve) -> Curve:
    return lambda t: 1 - curve(1 - t)


def _in_out(curve: Curve) -> Curve:
    return lambda t: curve(2 * t) / 2 if t < 0.5 else 1 - curve(2 - 2 * t) / 2


def _family(name: str, curve: Curve, both: Curve | None = None) -> dict[str, Curve]:
    """Its three curves; `both` is the half of the third where that is another one."""
    return {
        f"in-{name}": curve,
        f"out-{name}": _out(curve),
        f"in-out-{name}": _in_out(both or curve),
    }


def bezier(x1: float, y1: float, x2: float, y2: float) -> Curve:
    """The cubic Bézier curve from (0, 0) by (x1, y1) and (x2, y2) to (1, 1), y as a function of x:
    x1 and x2 lie in 0..1, so that x rises along the curve, and bisection finds the place."""

    def along(place: float, first: float, second: float) -> float:
        rest = 1 - place
        return 3 * rest * rest * place * first + 3 * rest * place * place * second + place**3

    def curve(t: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if along(middle, x1, x2) < t else (low, middle)
        return along((low + high) / 2, y1, y2)

    return curve


EASINGS: dict[str, Curve] = {
    "linear": _linear,
    "smooth": _smooth,
    "sine": _sine,
    "cubic": _cubic,
    "hold": _hold,
    "step": _step,
    "spring": _spring,
    **_family("sine", _in_sine),
    **_family("quad", _power(2)),
    **_family("cubic", _power(3)),
    **_family("quart", _power(4)),
    **_family("quint", _power(5)),
    **_family("expo", _in_expo),
    **_family("circ", _in_circ),
    **_family("back", _in_back(1.70158), _in_back(1.70158 * 1.525)),
    **_family("elastic", _in_elastic(3), _in_elastic(4.5)),
    **_family("bounce", _in_bounce),
    "ease": bezier(0.25, 0.1, 0.25, 1),
    "ease-in": bezier(0.42, 0, 1, 1),
    "ease-out": bezier(0, 0, 0.58, 1),
    "ease-in-out": bezier(0.42, 0, 0.58, 1),
}


@cache
def curve_of(name: str) -> Curve:
    """The curve of a name, "steps(4)" or "cubic-bezier(x1, y1, x2, y2)". Raises ValueError."""
    if name in EASINGS:
        return EASINGS[name]
    if found := re.fullmatch(STEPS, name, re.ASCII):
        count = int(found[1])
        return lambda t: floor(count * t) / count
    if found := re.fullmatch(BEZIER, name, re.ASCII):
        x1, y1, x2, y2 = map(float, found.groups())
        if not (0 <= x1 <= 1 and 0 <= x2 <= 1):
            raise ValueError(f"x1 and x2 of '{shown(name)}' lie from 0 to 1")
        return bezier(x1, y1, x2, y2)
    near = did_you_mean(name, EASINGS)
    near = near if near.startswith("did") else (
        "write for example 'smooth', 'in-out-sine', 'hold', 'steps(4)', "
        "'cubic-bezier(0.3, 0, 0.2, 1)'"
    )  # fmt: skip
    raise ValueError(f"'{shown(name)}' is no easing, {near}")


def ease(name: str, t: float) -> float:
    """Easing `name` at t; what lies outside 0..1 counts as the nearer end. Raises ValueError."""
    if t <= 0 or t >= 1:
        return 1.0 if t >= 1 else 0.0
    return curve_of(name)(t)


@cache
def reach(name: str) -> tuple[float, float]:
    """The least and the greatest value of an easing: (0, 1) but for those that overshoot. Raises
    ValueError."""
    values = [ease(name, i / SAMPLES) for i in range(SAMPLES + 1)]
    return min(values), max(values)


def rule() -> Rule:
    """The name of an easing, in a file."""

    def known(name: str) -> str:
        curve_of(name)
        return name

    read = checked(text(100), known, always=True)
    forms = [{"enum": [*EASINGS]}, {"type": "string", "pattern": r"^(steps|cubic-bezier)\(.*\)$"}]
    return Rule(read.read, read.fits, {"anyOf": forms})
