"""Processor time of variants that take turns, and the part of it spent in the program itself.

The rest is the operating system's: mostly pages of fresh memory. How dear those are depends on the
machine, so a ratio that owes much to them should say so.
"""

import resource
import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor


class Cost(NamedTuple):
    """Medians in seconds: `total` of the process, `user` outside the operating system."""

    total: float
    user: float
    result: Tensor


def costs(variants: Mapping[str, Callable[[], Tensor]], rounds: int) -> dict[str, Cost]:
    """Every round runs all variants in turn, in this thread."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    results: dict[str, Tensor] = {}
    for _ in range(rounds):
        for name, work in variants.items():
            before = resource.getrusage(resource.RUSAGE_SELF)
            results[name] = work()
            after = resource.getrusage(resource.RUSAGE_SELF)
            user = after.ru_utime - before.ru_utime
            spent[name].append((user + after.ru_stime - before.ru_stime, user))
    return {
        name: Cost(
            *(statistics.median(column) for column in zip(*spent[name], strict=True)), result
        )
        for name, result in results.items()
    }


def user_ratio(ours: Cost, theirs: Cost) -> str:
    """For a note: how many times faster without the operating system's part."""
    return f"{theirs.user / max(ours.user, 1e-9):.1f}x in user time"
