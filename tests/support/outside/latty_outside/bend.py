"""Bend: directions that curve, w + s * way + s^2 * bow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from latty.directions.base import Info
from latty.directions.file import DirectionSet
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import ALL, Layers

ROWS = ("way", "bow")


@dataclass(frozen=True)
class Curve:
    """One direction: way and bow (D,)."""

    name: str
    way: Tensor
    bow: Tensor
    layers: Layers = ALL
    space: str = "w"

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Codes (N, L, D) moved by strength (N,)."""
        s = strength.reshape(-1, 1, 1).to(latents)
        return latents + s * self.way.to(latents) + s * s * self.bow.to(latents)


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> Curve:
    """Direction `index` of arrays way (K, D) and bow (K, D)."""
    info = header.infos[index]
    return Curve(info.name, tensors["way"][index], tensors["bow"][index], info.layers)


def turned(arrays: dict[str, Tensor], index: int) -> None:
    """The other way round: minus the way (D,); the bow is even."""
    arrays["way"][index] *= -1


class Bend:
    """Random curves.

    bends   how many
    bow     how much they curve
    """

    form = "bend"

    def __init__(self, bends: int = 3, bow: float = 0.1) -> None:
        self.bends, self.bow = bends, bow

    def missing(self, generator: Generator) -> str:
        """Nothing."""
        return ""

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Draw them."""
        draw = torch.Generator().manual_seed(0)
        shape = (self.bends, generator.info.width)
        way, bow = torch.randn(shape, generator=draw), torch.randn(shape, generator=draw)
        self.extra_ = {"way": way, "bow": bow * self.bow}
        self.infos_ = tuple(Info(f"bend{i}", 1.0) for i in range(self.bends))
        self.space_, self.seeds_, self.complete_ = "w", "0", True
        return self


def quick(generator: Generator) -> dict[str, Any]:
    """Parameters of a fast fit."""
    return {"bends": 2}


METHOD = Bend
