"""How long work speaks: `report(done, total, what)`, and how it hears that it should stop."""

from typing import Protocol


class Report(Protocol):
    """Called by anything that takes longer than a second; raising from it cancels the work.

    done, total  counts of the same unit (frames, samples); total 0 = unknown
    what         a word for the unit or stage: "frames", "palette"
    """

    def __call__(self, done: int, total: int, what: str) -> None: ...


def silent(done: int, total: int, what: str) -> None:
    """The Report that says nothing."""
