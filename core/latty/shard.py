"""A piece of long work that any process can do: the seeds 500 to 999, one direction of a set.

Whoever needs the pieces looks for their files first, and does itself what is not there: so work
that was split over processes, that was interrupted, and that was never split is one path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Shard:
    """One piece.

    function   importable; function(generator, *arguments) gives the content of the file
    arguments  plain values
    file       where the content goes, written by the process that hands the shards out
    whole      whether that file is there and can be used
    """

    function: Callable[..., bytes]
    arguments: tuple[Any, ...]
    file: Path
    whole: Callable[[], bool]
