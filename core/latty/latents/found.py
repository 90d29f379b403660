"""What latents are, what a file says of them without its numbers, and which model takes them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from latty.errors import BadData, Missing, did_you_mean

if TYPE_CHECKING:  # what a file holds is said without torch
    from torch import Tensor

SPACES = ("z", "w")
POOL_FILE = "latents.safetensors"  # what the latents of a pool are called in its folder
SCORES = "scores"  # a parameter: what a scorer said of each latent

Space = Literal["z", "w"]
Value = str | int | float | bool | None | tuple["Value", ...]
Params = tuple[tuple[str, Value], ...]


class Model(Protocol):
    """What must be known of a model to start at a latent: a ModelInfo has all of it."""

    @property
    def name(self) -> str: ...
    @property
    def z_dim(self) -> int: ...
    @property
    def num_layers(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def family(self) -> str: ...
    @property
    def digest(self) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """Latents and where they come from.

    array         (N, Z) in z; (N, D) or (N, L, D) in w; float32
    model, family, model_digest   what they were made for; no digest = any model of the family
    names         one per latent, or none at all
    notes         what else there is to know, a line each
    params        what its file knew, by name: "class" and "truncation" are how to draw them,
                  "scores" a number for each, of "attribute" in "unit"
    """

    space: Space
    array: "Tensor"
    model: str = ""
    family: str = ""
    model_digest: str = ""
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    params: Params = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says of its latents, read without torch and numpy.

    key     the array's name in the file
    space   "z", "w", or "" where only a model's shapes can tell
    shape   (N, Z), (N, D) or (N, L, D)
    arrays  of a pool: "z", "w", "wp", as far as it has them; () of any other file
    files   of a pool: what its pictures are called, "{seed:06d}.png"
    """

    path: Path
    key: str
    space: str
    shape: tuple[int, ...]
    model: str = ""
    family: str = ""
    model_digest: str = ""
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    params: Params = ()
    arrays: tuple[str, ...] = ()
    files: str = ""

    @property
    def title(self) -> str:
        """What they are called, for people: as the folder of a pool, or as their file."""
        return self.path.absolute().parent.name if self.path.name == POOL_FILE else self.path.stem

    @property
    def label(self) -> int | str | None:
        """The class to draw them with: its index or name; None where the file names none."""
        known = dict(self.params).get("class")
        return known if isinstance(known, int | str) and known != "" else None

    @property
    def truncation(self) -> float | None:
        """The truncation to draw them with; None where the file names none."""
        known = dict(self.params).get("truncation")
        good = isinstance(known, int | float) and not isinstance(known, bool)
        return float(known) if good and isinstance(known, int | float) else None

    @property
    def scores(self) -> tuple[float, ...]:
        """The score of each latent, none where the file does not say them all."""
        known = dict(self.params).get(SCORES)
        if not isinstance(known, tuple) or len(known) != self.shape[0]:
            return ()
        numbers = tuple(float(one) for one in known if isinstance(one, int | float))
        return numbers if len(numbers) == len(known) else ()

    def index(self, which: str) -> int:
        """The place of "3", "-1" or a name. Raises Missing."""
        count = self.shape[0]
        if which in self.names:
            return self.names.index(which)
        if not re.fullmatch(r"-?\d{1,9}", which, re.ASCII):
            hint = did_you_mean(which, self.names) or f"it holds {count}: write #0 to #{count - 1}"
            raise Missing(f"no latent '{which}' in {self.path.name}", hint)
        if not -count <= int(which) < count:
            hint = f"it holds {count}: 0 to {count - 1}" if count > 1 else "it holds one: 0"
            raise Missing(f"no latent {which} in {self.path.name}", hint)
        return int(which) % count

    def space_in(self, model: Model) -> Space:
        """The space in which these latents are latents of a model. Raises BadData."""
        shape = self.shape[1:]
        full = (model.num_layers, model.width)
        fitting: dict[str, list[tuple[int, ...]]] = {
            "z": [(model.z_dim,)],
            "w": [full[1:], full, (1, model.width)],
        }
        for space in [self.space] if self.space else SPACES:
            if shape in fitting[space]:
                return cast(Space, space)
        there = f"{self.path.name} holds latents {shown(self.shape)}"
        there += f" in {self.space}" if self.space else ""
        wanted = f"z (N, {model.z_dim}), w (N, {model.width}) or w {shown(('N', *full))}"
        raise BadData(f"{there}; {model.name} starts at {wanted}", "it was made for another model")


def shown(shape: Iterable[object]) -> str:
    return f"({', '.join(map(str, shape))})"
