"""How long work speaks: `report(done, total, what)`, and how it hears that it should stop."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

WAYS = ("bar", "plain", "json", "none")  # how a verb says how far it is

FRAMES = "frames"  # the word for pictures that are drawn


class Expected(NamedTuple):
    """A part of work that is known before it begins.

    what    a word for all stages like it, from which one learns how long they take
    total   how many units it has
    weight  how large one of them is (pixels)
    """

    what: str
    total: int
    weight: float


class Report(Protocol):
    """Called by anything that takes longer than a second; raising from it cancels the work.

    done, total  counts of the same unit (frames, samples); total 0 = unknown
    what         a word for the unit or stage: "frames", "palette"
    """

    def __call__(self, done: int, total: int, what: str) -> None: ...


@runtime_checkable
class Planner(Protocol):
    """A Report that can use what is to come: its time left is that of all stages."""

    def expect(self, stages: Sequence[Expected]) -> None:
        """All stages, in their order, before the first one begins."""


def expect(report: Report, stages: Sequence[Expected]) -> None:
    """Tell a report all stages of the work, where it can use them."""
    if isinstance(report, Planner):
        report.expect(stages)


def silent(done: int, total: int, what: str) -> None:
    """The Report that says nothing."""
