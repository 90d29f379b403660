"""A direction whose effect on the picture was measured: so many image widths for so many sigma."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latty.directions import linear
from latty.directions.base import check_width
from latty.directions.file import ARRAY, NORMALS, DirectionSet
from latty.directions.methods.plumerault.monotone import Curve
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import Layers

KNOTS, VALUES, FACTOR = "knots", "values", "factor"  # arrays of the file beside the vectors
ROWS = (ARRAY, NORMALS, KNOTS, VALUES, FACTOR)


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedDirection:
    """latents + strength * sigma * vector, with a curve that says what the picture does.

    vector (D,)  of unit length
    reader (D,)  reader . latent is the place along the direction; reader . vector = 1
    sigma        spread of samples along it, in latent units
    curve        from the place, in sigma, to the amount of the transform; amounts add up on it
    factor       the curve holds the logarithm of 1 + amount
    """

    name: str
    space: Literal["z", "w"]
    layers: Layers
    vector: Tensor
    reader: Tensor
    sigma: float
    curve: Curve
    unit: str
    factor: bool

    @property
    def normal(self) -> Tensor:
        """The reader (D,): moves orthogonal to it leave the place where it is."""
        return self.reader

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents (N, Z) or (N, L, D) moved by strength (N,) or (N, L) sigma."""
        check_width(self, len(self.vector), latents, generator.info)
        strength = strength.to(latents)
        strength = strength.view(*strength.shape, *[1] * (latents.ndim - strength.ndim))
        return latents + self.sigma * strength * self.vector.to(latents)

    def coordinate(self, latents: Tensor, generator: Generator) -> Tensor:
        """In sigma, from the origin: (N,) of latents (N, Z), (N, L) of codes (N, L, D)."""
        check_width(self, len(self.vector), latents, generator.info)
        return latents @ self.reader.to(latents) / self.sigma

    def place(self, latents: Tensor, generator: Generator) -> Tensor:
        """One coordinate (N,) of each latent: of codes the mean over the direction's layers."""
        found = self.coordinate(latents, generator)
        if found.ndim == 1:
            return found
        chosen = self.layers.indices(found.shape[1])
        return found[:, chosen.start : chosen.stop].mean(1)

    def move_by(self, latents: Tensor, amount: Tensor, generator: Generator) -> Tensor:
        """Latents moved so that the picture changes by `amount` (N,) of the unit.

        Codes (N, L, D) go the same way in every layer, from the mean place of the layers where the
        direction works. Where the curve levels off before that amount the way ends there.
        """
        place = self.place(latents, generator)
        amount = amount.to(place).expand(len(place))
        added = amount.clamp_min(-0.999).log1p() if self.factor else amount
        return self.move(latents, self.curve.moved(place, added) - place, generator)

    def change(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """The amount (N,) by which the picture should change for a move by `strength` (N,)."""
        place = self.place(latents, generator)
        added = self.curve(place + strength.to(place)) - self.curve(place)
        return torch.expm1(added) if self.factor else added


def direction(
    header: DirectionSet, index: int, tensors: Mapping[str, Tensor]
) -> CalibratedDirection:
    """Direction `index` of a set of this form. Raises BadData where an array is missing or odd.
    Arrays: vectors (K, D), curves (K, M)."""
    info, count = header.infos[index], len(header.infos)
    for key in ROWS:
        wanted = 1 if key == FACTOR else 2
        if key not in tensors or tensors[key].ndim != wanted or len(tensors[key]) != count:
            raise BadData(f"{info.name}: the array '{key}' is missing or has a wrong shape")
    vector, reader, knots, values, factor = (tensors[key][index] for key in ROWS)
    if vector.shape != reader.shape or knots.shape != values.shape or len(knots) < 2:
        raise BadData(f"{info.name}: its arrays do not fit together", "find the directions again")
    if not (knots.diff() > 0).all() or not (values.diff() >= 0).all():
        raise BadData(f"{info.name}: its curve falls", "find the directions again")
    space, curve = header.latent_space("calibrated moves"), Curve(knots.double(), values.double())
    return CalibratedDirection(
        info.name, space, info.layers, vector, reader, info.sigma, curve, info.unit, bool(factor)
    )


def turned(arrays: dict[str, Tensor], index: int) -> None:
    """Minus the vectors (D,); the amount at place p of the curve is then minus that at -p."""
    linear.turned(arrays, index)
    for name in (KNOTS, VALUES):
        arrays[name][index] = -arrays[name][index].flip(0)
