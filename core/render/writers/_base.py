"""What a writer is: one function in one file.

    write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None

It writes all frames of `film` to `path`, a temporary name that the caller renames when the whole
file is there, with the recipe `comment` (ASCII, see core.render.provenance) inside. It may iterate
the film more than once, holds no more than a few frames, and gives the same bytes every time: no
time stamps, no random numbers, and thread counts that do not depend on the machine.
`report(done, total, what)` is called once per frame and cancels by raising. OSError goes through.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Film(Protocol):
    """The frames of one output in play order: iterable again and again, each (H, W, 3) uint8."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        ...

    @property
    def loops(self) -> bool:
        """Whether playing starts again at the end."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Pixels]: ...


def starts(count: int, fps: Fraction, ticks: int) -> list[int]:
    """When each of `count` frames starts, and when the last one ends, in 1/`ticks` seconds.

    Rounding is spread over the film, so that a long one does not run fast or slow.

    >>> starts(4, Fraction(30), 100)
    [0, 3, 7, 10, 13]
    """
    return [int(i * ticks / fps + Fraction(1, 2)) for i in range(count + 1)]
