"""What lies about: work that something ended, halves, old jobs, caches; found, measured, removed.

Only what latty made and nobody is at: a folder is known by its mark or by where it is, and is
removed under its lock. No link is followed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from latty.cli.leftovers.models import models, sets_of
from latty.cli.leftovers.renders import DEPTH, of_jobs, renders
from latty.cli.leftovers.stores import (
    caches,
    downloads,
    halves,
    jobs,
    replaced,
    searches,
)
from latty.cli.leftovers.thing import Leftover, Unseen
from latty.text import bytes_words

__all__ = ["DEPTH", "Leftover", "downloads", "everything", "models", "sets_of", "sums"]

MONTH = 30 * 86_400.0  # seconds


def everything(
    out_dir: Path, unseen: Unseen, older: float = MONTH, more: Iterable[Path] = ()
) -> Iterator[Leftover]:
    """All that is found without being asked for by name: renders in the output folder, where jobs
    worked and in `more` folders, named by a person; jobs that are over for so many seconds. What
    cannot be looked at does not stop the rest: `unseen` is told."""
    yield from renders((out_dir, *of_jobs(unseen)), more, unseen)
    yield from searches(unseen)
    yield from halves(unseen)
    yield from jobs(older, unseen)
    yield from replaced(older, unseen)
    yield from caches(unseen)


def sums(out_dir: Path, unseen: Unseen) -> dict[str, str]:
    """How much there is of each kind, in words: "5 MB"; `unseen` is told what cannot be seen."""
    sizes: dict[str, int] = {}
    for one in everything(out_dir, unseen):
        sizes[one.kind] = sizes.get(one.kind, 0) + one.size
    return {kind: bytes_words(size) for kind, size in sizes.items()}
