"""What a scorer is: something that says what a picture is like, in numbers.

A scorer is one file in scorers/ with a class `SCORER` that takes no arguments, and a tuple of
texts `ATTRIBUTES`, written out, so that names are known without importing anything, and `UNITS`,
which says what each counts. Classifiers that people bring or train are no files here but a TOML and
weights in the store (`card`).
"""

import re
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # units are read without it
    from torch import Tensor

PROBABILITY = "probability"  # the unit of a score that is one
LOGIT = "logit"  # the unit of log(p / (1 - p)) of a probability p
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$", re.ASCII)


def range_of(unit: str) -> tuple[float, float] | None:
    """The least and the largest score in a unit; None where there is none or nothing is known.

    >>> range_of("image widths, -0.5..0.5"), range_of("probability"), range_of("logit")
    ((-0.5, 0.5), (0.0, 1.0), None)
    """
    if unit == PROBABILITY:
        return 0.0, 1.0
    found = _RANGE.search(unit)
    return (float(found[1]), float(found[2])) if found else None


@runtime_checkable
class Scorer(Protocol):
    """Scores pictures on named attributes.

    names           of the attributes
    units           what each counts, and its range where it has one: "probability", "logit",
                    "-1..1", "image widths, -0.5..0.5", ...; "" = its own
    digest          identity of everything that the scores depend on; equal digest, equal scores
    differentiable  whether gradients reach the pictures
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def units(self) -> tuple[str, ...]: ...

    @property
    def digest(self) -> str: ...

    @property
    def differentiable(self) -> bool: ...

    def score(self, images: "Tensor") -> "Tensor":
        """Scores (N, A) of images (N, C, H, W) in -1..1 of any size; NaN = cannot be said."""
