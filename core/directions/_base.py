"""What a direction is, and what a method that finds directions is.

A method is one file in this folder with a frozen-parameter class `METHOD` in scikit-learn's
manners: parameters in __init__, fit(generator, report) -> self, results end in "_".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from core.models._base import Generator
from core.report import Report
from core.scene import Layers


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

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents moved by `strength` (N,) sigma, in every layer; the caller keeps the layers."""
        ...


@dataclass(frozen=True, slots=True)
class Info:
    """What a set's header says of one direction.

    sigma   one step of strength 1 in latent units: the spread of samples along the direction
    usable  strengths between which pictures stay pictures
    layers  where it works best
    scores  figures measured when it was found, for example {"corr": 0.97}
    """

    name: str
    sigma: float
    usable: tuple[float, float]
    layers: Layers
    scores: tuple[tuple[str, float], ...] = ()


class Method(Protocol):
    """Finds directions of a generator. Results: `directions_` (K, D) or (K, L, D), `infos_`."""

    def fit(self, generator: Generator, report: Report) -> "Method": ...

    @property
    def directions_(self) -> Tensor: ...

    @property
    def infos_(self) -> Sequence[Info]: ...
