"""The output formats: what a writer is, and the registry of them.

A writer is a module in render/writers/ with one function:

    write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None

It writes all frames of `film` to `path`, a temporary name that the caller renames when the whole
file is there, with the recipe `comment` (ASCII, see latty.render.provenance) inside. It may iterate
the film more than once, holds no more than a few frames, and gives the same bytes every time: no
time stamps, no random numbers, and thread counts that do not depend on the machine.
`report(done, total, what)` is called once per frame and cancels by raising. OSError goes through.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from latty.plugins import Registry
from latty.presets.values import Output
from latty.report import Report

if TYPE_CHECKING:  # `latty check` reads what formats there are, and must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
else:
    Pixels = Any


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


class Writer(Protocol):
    """A module in render/writers/."""

    def write(self, film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
        """All frames of `film` as the file `path`, with the recipe `comment` inside."""
        ...


WRITERS = Registry[Writer]("latty.render.writers", needs=("write",))
FOLDER = "frames"


def writer_of(output: Output) -> tuple[str, Any]:
    """Name and module of the writer that an output's suffix chooses. Raises Missing."""
    name = FOLDER if output.path.endswith("/") else Path(output.path).suffix.lower()[1:]
    return name, WRITERS.load(name)


def starts(count: int, fps: Fraction, ticks: int) -> list[int]:
    """When each of `count` frames starts, and when the last one ends, in 1/`ticks` seconds.

    Rounding is spread over the film, so that a long one does not run fast or slow.

    >>> starts(4, Fraction(30), 100)
    [0, 3, 7, 10, 13]
    """
    return [int(i * ticks / fps + Fraction(1, 2)) for i in range(count + 1)]
