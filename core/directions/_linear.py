"""Directions that are vectors: latents move in a straight line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from core.directions._file import ARRAY, DirectionSet
from core.errors import BadData
from core.scene import Layers

if TYPE_CHECKING:
    from torch import Tensor

    from core.models._base import Generator, ModelInfo


@dataclass(frozen=True, slots=True, eq=False)
class LinearDirection:
    """latents + strength * sigma * vector; vector (D,) for all layers or (L, D) one per layer."""

    name: str
    space: Literal["z", "w"]
    layers: Layers
    vector: "Tensor"
    sigma: float

    def move(self, latents: "Tensor", strength: "Tensor", generator: "Generator") -> "Tensor":
        """Latents (N, Z) or (N, L, D) moved by strength (N,) sigma."""
        step = self.sigma * strength.to(latents).view(-1, *[1] * (latents.ndim - 1))
        return latents + step * self.vector.to(latents)


def direction(header: DirectionSet, index: int, tensors: "Mapping[str, Tensor]") -> LinearDirection:
    """Direction `index` of a set of the form "linear". Raises BadData for activation spaces."""
    if header.space not in ("z", "w"):
        raise BadData(
            f"a direction in {header.space} cannot move latents",
            "only directions in z and w can be applied so far",
        )
    info = header.infos[index]
    space = cast(Literal["z", "w"], header.space)
    return LinearDirection(info.name, space, info.layers, tensors[ARRAY][index], info.sigma)


def check_shape(direction: LinearDirection, info: "ModelInfo", ref: str) -> None:
    """Raises BadData where the vector is no vector of this model's latents."""
    shape = tuple(direction.vector.shape)
    if direction.space == "z":
        fits, wants = shape == (info.z_dim,), f"({info.z_dim},)"
    else:
        full = (info.num_layers, info.width)
        fits, wants = shape in (full, full[1:]), f"({info.width},) or {full}"
    if not fits:
        raise BadData(
            f"{ref} has shape {shape}; {info.name} moves by {wants} in {direction.space}",
            "it was made for another model",
        )
