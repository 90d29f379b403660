"""Warmth: red minus blue."""

from torch import Tensor

ATTRIBUTES = ("warmth",)
UNITS = ("-1..1",)
DIGEST = "warmth"  # words of its own, which mean nothing to latty
WEIGHTS = "WARMTH_V1"


class Warmth:
    """A score (N, 1)."""

    names = ATTRIBUTES
    units = UNITS
    digest = "warmth 1"
    differentiable = True

    def score(self, images: Tensor) -> Tensor:
        """Of images (N, C, H, W)."""
        return (images[:, 0] - images[:, -1]).mean((1, 2))[:, None] / 2


SCORER = Warmth
