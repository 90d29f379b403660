"""What exporters of direction sets share: vectors as they move, and what is not in a file."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, LINEAR, DirectionSet
from latty.errors import BadData
from latty.scene import ALL

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 6  # names in a line
HINT = "latty's own file holds it, and latty imports that"


def vectors(header: DirectionSet, arrays: "Mapping[str, Tensor]", what: str) -> "Tensor":
    """Vectors (K, D) or (K, L, D), each as long as one step of strength 1. Raises BadData for
    directions that are none, or move activations."""
    import torch

    if header.form != LINEAR:
        raise BadData(f"{what} is a vector, and these directions are curves ({header.form})", HINT)
    if header.space not in ("z", "w"):
        raise BadData(f"{what} moves z or w, and these move {header.space}", HINT)
    array = arrays[ARRAY].float()
    sigma = torch.tensor([info.sigma for info in header.infos])
    return array * sigma.view(-1, *[1] * (array.ndim - 1))


def left_out(header: DirectionSet, names: bool = False) -> tuple[str, ...]:
    """What vectors alone do not hold of a set, a line each.

    names   whether their names are lost as well
    """
    found = [f"names: {_some(header.names)}"] if names else []
    layers = [f"{info.name} {info.layers}" for info in header.infos if info.layers != ALL]
    found += [f"layers: {_some(layers)}"] if layers else []
    known = dict(header.params).get("class")
    found += [f"class: {known}"] if known is not None else []
    return tuple(f"not in the file: {line}" for line in found)


def _some(words: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
