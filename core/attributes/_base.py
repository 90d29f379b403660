"""What a scorer is: something that says what a picture is like, in numbers.

A scorer is one file in this folder with a class `SCORER` that takes no arguments.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Scorer(Protocol):
    """Scores pictures on named attributes."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def score(self, images: Tensor) -> Tensor:
        """Scores (N, A) of images (N, C, H, W) in -1..1 of any size; differentiable in images."""
        ...
