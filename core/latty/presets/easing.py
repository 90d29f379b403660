"""The four easings: monotone curves from (0, 0) to (1, 1) through (0.5, 0.5), no overshoot."""

from collections.abc import Callable
from math import pi, sin
from typing import Literal

Easing = Literal["linear", "smooth", "sine", "cubic"]


def _linear(t: float) -> float:
    return t


def _smooth(t: float) -> float:
    return t * t * (3 - 2 * t)


def _sine(t: float) -> float:
    return 0.5 + 0.5 * sin(pi * (t - 0.5))  # the shifted sine is exact at 0.5; (1 - cos)/2 is not


def _cubic(t: float) -> float:
    return 4 * t**3 if t < 0.5 else 1 - 4 * (1 - t) ** 3


EASINGS: dict[str, Callable[[float], float]] = {
    "linear": _linear,
    "smooth": _smooth,
    "sine": _sine,
    "cubic": _cubic,
}


def ease(name: str, t: float) -> float:
    """Easing `name` at t; what lies outside 0..1 counts as the nearer end."""
    return EASINGS[name](min(max(t, 0.0), 1.0))
