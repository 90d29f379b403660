"""How alike directions are: cosines between the vectors of sets.

    cos(a, b) = sum_l a_l . b_l / (|a| |b|),    |a|^2 = sum_l |a_l|^2

l runs over the code layers that are compared; a direction with one vector for all layers has it in
each of them. Letters: J and K directions of two sets, L layers, D latent width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, DirectionSet, read
from latty.errors import BadData
from latty.scene import ALL, Layers

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Cosines:
    """Of every direction of one set with every one of another.

    rows, columns   names of the directions
    table           (J, K) float64; NaN where one of the two is 0 in these layers
    layers          that were compared: "all", "4-8", "3"
    chance          standard deviation of the cosines of two directions drawn at random: 1 / sqrt of
                    how many numbers they have; 0 = not known: one set is the same in all layers
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    table: "Tensor"
    layers: str
    chance: float


def compared(
    first: Path, second: Path, layers: Layers = ALL, each: bool = False, foreign: bool = False
) -> list[Cosines]:
    """The cosines of two sets, or of one with itself: in these layers together, or with `each` in
    each of them by itself.

    Raises BadData for sets of different models (but with `foreign`), spaces or sizes, for
    directions that are no vectors, and for layers that they do not have.
    """
    (one, mine), (two, theirs) = _vectors(first), _vectors(second)
    _refuse_others((first.stem, one), (second.stem, two), foreign)
    counts = {mine.shape[1], theirs.shape[1]}
    if mine.shape[2] != theirs.shape[2] or len(counts - {1}) > 1:
        what = f"vectors in {first.stem} are {_size(mine)}, in {second.stem} {_size(theirs)}"
        raise BadData(what, "they move different latents")
    asked = each or layers != ALL
    if asked and one.space != "w":
        raise BadData(f"directions in {one.space} have no layers", "leave --layers out")
    count = max(counts)
    if asked and count == 1:
        raise BadData("these directions are the same in all layers", "leave --layers out")
    chosen = layers.indices(count)
    if not chosen:
        raise BadData(f"no layers {layers}", f"these directions have layers 0 to {count - 1}")
    parts = [range(at, at + 1) for at in chosen] if each else [chosen]
    chance = mine.shape == theirs.shape
    mine, theirs = (array.expand(-1, count, -1) for array in (mine, theirs))
    return [
        Cosines(
            one.names,
            two.names,
            _cosines(mine[:, part.start : part.stop], theirs[:, part.start : part.stop]),
            str(part.start) if each else str(layers),
            (len(part) * mine.shape[2]) ** -0.5 if chance else 0.0,
        )
        for part in parts
    ]


def _vectors(path: Path) -> "tuple[DirectionSet, Tensor]":
    """The header, and the vectors (K, L, D) float64, L = 1 where they are the same in all layers.
    Raises Missing, BadData."""
    header, arrays = read(path)
    if ARRAY not in arrays or arrays[ARRAY].ndim not in (2, 3):
        what = f"the directions of {path.stem} are no vectors: their way depends on where they are"
        raise BadData(what, f"they are of the form '{header.form}'")
    array = arrays[ARRAY].double()
    return header, array if array.ndim == 3 else array[:, None]


def _cosines(mine: "Tensor", theirs: "Tensor") -> "Tensor":
    """(J, K) of vectors (J, l, D) and (K, l, D)."""
    one, two = (array.flatten(1) for array in (mine, theirs))
    one, two = (array / array.norm(dim=1, keepdim=True) for array in (one, two))  # 0 / 0 is NaN
    found: Tensor = (one @ two.T).clamp(-1, 1)
    return found


def _refuse_others(
    first: tuple[str, DirectionSet], second: tuple[str, DirectionSet], foreign: bool
) -> None:
    """Raises BadData for sets of different spaces or models."""
    (one, mine), (two, theirs) = first, second
    if mine.space != theirs.space:
        what = f"{one} lies in {mine.space}, {two} in {theirs.space}"
        raise BadData(what, "directions of one space can be compared")
    same = mine.model_digest == theirs.model_digest
    if not (mine.model_digest and theirs.model_digest):  # formats that name a family at most
        same = mine.family == theirs.family or "" in (mine.family, theirs.family)
    if not same and not foreign:
        what = f"{one} was made for {_made_for(mine)}, {two} for {_made_for(theirs)}"
        raise BadData(what, "--foreign compares them all the same where the shapes fit")


def _made_for(header: DirectionSet) -> str:
    known = ", ".join(word for word in (header.family, header.model_digest[:12]) if word)
    return f"{header.model or 'some model'} ({known})"


def _size(vectors: "Tensor") -> str:
    return "x".join(map(str, vectors.shape[1:] if vectors.shape[1] > 1 else vectors.shape[2:]))
