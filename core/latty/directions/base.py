"""What a direction is, and what a method that finds directions is.

A method is an entry of the registry methods/ with a class `METHOD` after scikit-learn's
conventions: parameters are fields of a dataclass, fit(generator, report) returns self, results end
in "_". A method whose directions are no vectors (paths, calibrated transforms) sets `form` to the
name of its entry, which then offers what `registries.DirectionForm` asks for.

Parameters are numbers, words, booleans, tuples of them or None, each with a comment behind it that
says what it is: `latty discover` and the studio make their forms of them without importing torch
(`latty.directions.parameters`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from latty.errors import BadData
from latty.report import Report, silent
from latty.scene import ALL, FP32, Layers
from latty.shard import Shard

if TYPE_CHECKING:  # headers are read without torch
    from torch import Tensor

    from latty.models.base import Generator, ModelInfo


class Direction(Protocol):
    """A way to move latents: a vector, a per-layer matrix, a path, a climb."""

    @property
    def name(self) -> str: ...

    @property
    def space(self) -> str:
        """ "z" moves latents (N, Z) before the mapping, "w" codes (N, L, D) after it,
        "activation:LAYER" what that layer gives, (N, C, H, W), inside the synthesis."""

    @property
    def layers(self) -> Layers:
        """Where it works best: used when an edit names no layers."""

    def move(self, latents: "Tensor", strength: "Tensor", generator: "Generator") -> "Tensor":
        """Latents moved by `strength` (N,) sigma, in every layer; the caller keeps the layers. A
        strength of 0 moves nothing."""


@runtime_checkable
class HasCoordinate(Protocol):
    """Knows where latents are along it, so that an edit can go to a place instead of by a way."""

    def coordinate(self, latents: "Tensor", generator: "Generator") -> "Tensor":
        """In sigma, from the origin: (N,) of latents (N, Z), (N, L) of codes (N, L, D).

        `move` takes a strength of this shape, too.
        """


@runtime_checkable
class HasNormal(Protocol):
    """Can be held still: to first order its attribute stays where moves are orthogonal to this."""

    @property
    def normal(self) -> "Tensor":
        """(D,), (L, D) or (Z,), any length but 0."""


@runtime_checkable
class Calibrated(Protocol):
    """Can be asked in a unit of its own: image widths, a scale factor, brightness."""

    @property
    def unit(self) -> str: ...

    def move_by(self, latents: "Tensor", amount: "Tensor", generator: "Generator") -> "Tensor":
        """Latents moved so that the picture changes by `amount` (N,) of the unit."""


@dataclass(frozen=True, slots=True)
class Info:
    """What a set's header says of one direction.

    sigma   one step of strength 1 in latent units: the spread of samples along the direction
    usable  strengths between which pictures stay pictures
    layers  where it works best
    scores  figures measured when it was found, for example (("corr", 0.97),)
    unit    what a strength in the direction's own unit counts; "" = it has none but sigma
    """

    name: str
    sigma: float
    usable: tuple[float, float] = (-3.0, 3.0)
    layers: Layers = ALL
    scores: tuple[tuple[str, float], ...] = ()
    unit: str = ""

    def table(self) -> dict[str, Any]:
        """As JSON."""
        told = {"name": self.name, "sigma": self.sigma, "usable": list(self.usable),
                "layers": str(self.layers), "scores": dict(self.scores)}  # fmt: skip
        return told | ({"unit": self.unit} if self.unit else {})


class Method(Protocol):
    """Finds directions of a generator.

    directions_  (K, D) one vector for all layers, or (K, L, D) one per layer; (K, Z) in "z";
                 (K, C * H * W) in "activation:LAYER"
    infos_       one per direction
    space_       "z", "w" or "activation:LAYER"
    seeds_       the seeds it sampled, as ranges: "0-19999"
    complete_    False after an interruption: what was fitted so far is there and can be used
    LATER        optional: parameters that came later, left out of a header where nobody says them
    BESIDE       optional: parameters that nothing which is found depends on; no header has them
    extra_       optional: more arrays for the file, by name ("normals" (K, D): see HasNormal)
    """

    def missing(self, generator: "Generator") -> str:
        """One line that says what this generator lacks for the method; "" = nothing."""

    def fit(
        self, generator: "Generator", report: "Report" = silent, work: Path | None = None
    ) -> "Method":
        """Raises BadData with `missing`'s line, Interrupted where nothing usable is there yet.

        With `work`, an existing folder of its own, progress is kept there: the same fit goes on
        where a killed one stopped, and gives the same result.
        """

    @property
    def infos_(self) -> Sequence[Info]: ...

    @property
    def space_(self) -> str: ...

    @property
    def seeds_(self) -> str: ...

    @property
    def complete_(self) -> bool: ...


def precision_for(method: Method, generator: "Generator") -> str:
    """The precision in which a method can use a model that is open: fp32 for what trains."""
    lacks, info = method.missing(generator), generator.info
    return FP32 if lacks and lacks == info.unfit_to_train else info.precision


@runtime_checkable
class HasShards(Protocol):
    """A method whose fit can be split: what it draws may be drawn by several processes before."""

    def shards(self, generator: "Generator", work: Path) -> "Sequence[Shard]":
        """The pieces whose files `fit` with the same `work` finds; it gives the same result
        without them. Raises what `fit` raises of parameters that fit nothing."""


def rounded(scores: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Scores as a header has them."""
    return tuple((name, round(figure, 4)) for name, figure in scores.items())


def check_width(direction: Direction, width: int, latents: "Tensor", info: "ModelInfo") -> None:
    """Raises BadData where latents (N, Z) or codes (N, L, D) have not the direction's width."""
    if latents.shape[-1] != width:
        raise BadData(
            f"{direction.name} moves {width} numbers in {direction.space}; "
            f"{info.name} has {latents.shape[-1]}",
            "it was made for another model",
        )


def layers_of(text: str, info: "ModelInfo") -> Layers:
    """The range that "4-8" names. Raises BadData for one that this model does not have."""
    try:
        layers = Layers.parse(text)
    except ValueError as error:
        raise BadData(f"layers: {error}") from None
    if not layers.indices(info.num_layers):
        what = f"no layers {text}"
        raise BadData(what, f"{info.name} has layers 0 to {info.num_layers - 1}")
    return layers


def keep_layers(codes: "Tensor", moved: "Tensor", layers: Layers) -> "Tensor":
    """`moved` in the given layers and `codes` in the others; both (N, L, D)."""
    chosen = layers.indices(codes.shape[1])
    if len(chosen) == codes.shape[1]:
        return moved
    mixed = codes.clone()
    mixed[:, chosen.start : chosen.stop] = moved[:, chosen.start : chosen.stop]
    return mixed
