"""Arrays by which a changed set says what cannot be said in its own: see `_manage`.

A climb and a curve of a network have no vector to be turned around, and no row to be taken out:

    signs    (K,) 1, or -1 where a direction goes the other way round
    inputs   (K,) which input of the network is the direction's
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

SIGNS, INPUTS = "signs", "inputs"
ATTRIBUTES = "attributes"  # a parameter: what each climbs, where it has another name


def sign(tensors: "Mapping[str, Tensor]", index: int) -> float:
    """1 or -1. Raises BadData."""
    return -1.0 if _at(tensors, SIGNS, index, 1.0) < 0 else 1.0


def network_input(tensors: "Mapping[str, Tensor]", index: int, count: int) -> int:
    """Which of a network's `count` inputs direction `index` is. Raises BadData."""
    found = round(_at(tensors, INPUTS, index, float(index)))
    if not 0 <= found < count:
        raise BadData(f"direction {index} is input {found} of a network that has {count}")
    return found


def without(tensors: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The arrays of the form alone."""
    return {name: array for name, array in tensors.items() if name not in (SIGNS, INPUTS)}


def _at(tensors: "Mapping[str, Tensor]", name: str, index: int, usual: float) -> float:
    array = tensors.get(name)
    if array is None:
        return usual
    if array.ndim != 1 or index >= len(array):
        raise BadData(f"the array '{name}' has the shape {tuple(array.shape)}", "write it again")
    return float(array[index])
