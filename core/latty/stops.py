"""The stops of a walk, and when it is at which: holds, eased legs, times of their own.

Times and lengths of time are shares of the whole walk, 0..1. Leg i leads from stop i to the next,
the last one of a circle back to the first.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from latty.easing import ease
from latty.easing import rule as easing
from latty.tables.rules import number, option


@dataclass(frozen=True, slots=True)
class Stop:
    """What is said of one stop.

    at          when it is reached; None = in between those that say so, and 0 or 1 at the ends
    hold        how long it stays there
    easing      how it goes on from there to the next
    truncation  psi there, from stop to stop along the legs; None = the scene's
    """

    at: float | None = option(None, number(0, 1), "When it is reached.")
    hold: float = option(0.0, number(0, 1), "How long it stays.")
    easing: str = option("linear", easing(), "How it goes on to the next.")
    truncation: float | None = option(None, number(-2, 2, wide=(-100, 100)), "Truncation there.")


PLAIN = Stop()


def schedule(
    stops: Sequence[Stop], circular: bool, lengths: Sequence[float] = ()
) -> list[tuple[float, float]]:
    """When each stop is reached and left; that of a circle is reached once more at the end.

    lengths  of the legs: between two stops that say when they are reached the legs share the time
             in proportion; () = evenly

    Raises ValueError where there is no time for a leg.
    """
    holds = [stop.hold for stop in stops] + [0.0] * circular
    known = {i: stop.at for i, stop in enumerate(stops) if stop.at is not None}
    known.setdefault(0, 0.0)
    known.setdefault(len(holds) - 1, 1.0 - holds[-1])
    lengths = lengths or [1.0] * (len(holds) - 1)
    order, arrive = sorted(known), [0.0] * len(holds)
    for first, last in pairwise(order):
        whole = sum(lengths[first:last])
        free = known[last] - known[first] - sum(holds[first:last])
        if free <= 0:
            raise ValueError(f"no time is left between stop {first + 1} and {last + 1}")
        arrive[first] = known[first]
        for i in range(first, last):
            share = lengths[i] / whole if whole else 1 / (last - first)
            arrive[i + 1] = arrive[i] + holds[i] + free * share
        arrive[last] = known[last]
    if arrive[-1] + holds[-1] > 1 + 1e-9:
        raise ValueError("the last stop is held beyond the end")
    return [(when, when + hold) for when, hold in zip(arrive, holds, strict=True)]


def leg_at(
    t: float, stops: Sequence[Stop], circular: bool, lengths: Sequence[float] = ()
) -> tuple[int, float]:
    """On which leg a walk is at t, and how far along it: 0..1, or beyond where its easing
    overshoots. Raises ValueError as `schedule` does."""
    times = schedule(stops, circular, lengths)
    last = len(times) - 2
    at = bisect_right(times, t, key=lambda one: one[0]) - 1
    if at < 0:
        return 0, 0.0
    if at > last:
        return last, 1.0
    left, reached = times[at][1], times[at + 1][0]
    return at, ease(stops[at].easing, (t - left) / (reached - left))


def circle(count: int, t: float, normal: bool = True) -> list[float]:
    """Shares of `count` latents on the closed band-limited curve through all of them.

    The Dirichlet kernel (periodic sinc) is 1 at its own seed and 0 at the others. Dividing by the
    root of the sum of squares keeps a blend of independent normal latents normal: its expected
    length does not change along the way.
    """
    shares = [_periodic_sinc(count, t % 1.0 - i / count) for i in range(count)]
    if not normal:  # codes are no normal latents: shares that add up to 1 stay among them
        return [share / sum(shares) for share in shares]
    length = math.sqrt(sum(share * share for share in shares))
    return [share / length for share in shares]


def _periodic_sinc(count: int, x: float) -> float:
    """Dirichlet kernel of period 1: sin(n pi x) / (n sin pi x), for even n with tan instead of sin
    (the highest frequency halved), which keeps it periodic."""
    below = math.sin(math.pi * x) if count % 2 else math.tan(math.pi * x)
    if abs(math.sin(math.pi * x)) < 1e-12:
        return 1.0
    return math.sin(count * math.pi * x) / (count * below)


def of_normals(count: int, blend: str, t: float) -> list[float]:
    """Shares of `count` independent normal pictures at a place on a walk through them: the sum of
    their squares is 1 but for "lerp", so that the variance stays what it is."""
    if blend == "circular":
        return circle(count, t)
    leg = max(0, min(int(t * (count - 1)), count - 2))
    part, shares = t * (count - 1) - leg, [0.0] * count
    turn = math.pi / 2 * part
    near, far = (math.cos(turn), math.sin(turn)) if blend == "slerp" else (1 - part, part)
    shares[leg], shares[leg + 1] = near, far
    return shares
