"""What a scorer is: something that says what a picture is like, in numbers.

A scorer is one file in scorers/ with a class `SCORER` that takes no arguments, and a tuple of
texts `ATTRIBUTES`, written out, so that names are known without importing anything. Classifiers
that people bring or train are no files here but a TOML and weights in the store (`card`).
"""

from typing import Protocol, runtime_checkable

from torch import Tensor

PROBABILITY = "probability"  # the unit of a score that is one


@runtime_checkable
class Scorer(Protocol):
    """Scores pictures on named attributes.

    names           of the attributes
    units           what each counts: "probability", "logit", "image widths", ...; "" = its own
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

    def score(self, images: Tensor) -> Tensor:
        """Scores (N, A) of images (N, C, H, W) in -1..1 of any size; NaN = cannot be said."""
