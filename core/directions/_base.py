"""What a direction is, and what a method that finds directions is.

A method is one file in this folder with a frozen-parameter class `METHOD` in scikit-learn's
manners: parameters in __init__, fit(generator, report) -> self, results end in "_". A method whose
directions are no vectors (paths, calibrated transforms) sets `form` to its own file name and adds

    direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> Direction

to that file; `core.directions.find` calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from core.scene import ALL, Layers

if TYPE_CHECKING:  # headers are read without torch
    from torch import Tensor

    from core.models._base import Generator
    from core.report import Report


class Direction(Protocol):
    """A way to move latents: a vector, a per-layer matrix, a path, a climb."""

    @property
    def name(self) -> str: ...

    @property
    def space(self) -> Literal["z", "w"]:
        """ "z" moves latents (N, Z) before the mapping, "w" moves codes (N, L, D)."""
        ...

    @property
    def layers(self) -> Layers:
        """Where it works best: used when an edit names no layers."""
        ...

    def move(self, latents: "Tensor", strength: "Tensor", generator: "Generator") -> "Tensor":
        """Latents moved by `strength` (N,) sigma, in every layer; the caller keeps the layers."""
        ...


@dataclass(frozen=True, slots=True)
class Info:
    """What a set's header says of one direction.

    sigma   one step of strength 1 in latent units: the spread of samples along the direction
    usable  strengths between which pictures stay pictures
    layers  where it works best
    scores  figures measured when it was found, for example (("corr", 0.97),)
    """

    name: str
    sigma: float
    usable: tuple[float, float] = (-3.0, 3.0)
    layers: Layers = ALL
    scores: tuple[tuple[str, float], ...] = ()


class Method(Protocol):
    """Finds directions of a generator.

    directions_  (K, D) one vector for all layers, or (K, L, D) one per layer; (K, Z) in "z"
    infos_       one per direction
    space_       "z", "w" or "activation:LAYER"
    seeds_       the seeds it sampled, as ranges: "0-19999"
    """

    def fit(self, generator: "Generator", report: "Report") -> "Method": ...

    @property
    def directions_(self) -> "Tensor": ...

    @property
    def infos_(self) -> Sequence[Info]: ...

    @property
    def space_(self) -> str: ...

    @property
    def seeds_(self) -> str: ...


def keep_layers(codes: "Tensor", moved: "Tensor", layers: Layers) -> "Tensor":
    """`moved` in the given layers and `codes` in the others; both (N, L, D)."""
    chosen = layers.indices(codes.shape[1])
    if len(chosen) == codes.shape[1]:
        return moved
    mixed = codes.clone()
    mixed[:, chosen.start : chosen.stop] = moved[:, chosen.start : chosen.stop]
    return mixed
