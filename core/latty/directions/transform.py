"""What a transform is: a change of a picture by an amount t, with the part of it that is known.

A transform is one file in this folder with an object `TRANSFORM`. t = 0 changes nothing. Applying
t and then u must be one transform of the same kind: by t + u, or, where `factor` says so, by the
product of the factors 1 + t and 1 + u.
"""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Transform(Protocol):
    """Changes pictures by an amount.

    unit    what t counts: "image widths"
    limits  the least and the largest t that make sense
    factor  1 + t is a factor: its logarithm adds up, not t itself
    """

    @property
    def unit(self) -> str: ...

    @property
    def limits(self) -> tuple[float, float]: ...

    @property
    def factor(self) -> bool: ...

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) in -1..1 changed by t (N,), and where that is known: a mask
        (N, 1, H, W) of 0 and 1. Differentiable in the images."""


def additive(transform: Transform, t: Tensor) -> Tensor:
    """t (N,) on the scale on which amounts add up."""
    return t.clamp_min(-0.999).log1p() if transform.factor else t


def amount(transform: Transform, value: Tensor) -> Tensor:
    """The inverse of `additive`, (N,)."""
    return value.expm1() if transform.factor else value
