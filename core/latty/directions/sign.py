"""Arrays that say which of a network's directions a set holds, and which way round.

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


def sign(tensors: "Mapping[str, Tensor]", index: int) -> float:
    """1 or -1, from the signs (K,). Raises BadData."""
    return -1.0 if _at(tensors, SIGNS, index, 1.0) < 0 else 1.0


def network_input(tensors: "Mapping[str, Tensor]", index: int, count: int) -> int:
    """Which of a network's `count` inputs direction `index` is, by the inputs (K,).
    Raises BadData."""
    found = round(_at(tensors, INPUTS, index, float(index)))
    if not 0 <= found < count:
        raise BadData(f"direction {index} is input {found} of a network that has {count}")
    return found


def without(tensors: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The network's own arrays: all but the signs (K,) and inputs (K,)."""
    return {name: array for name, array in tensors.items() if name not in (SIGNS, INPUTS)}


def turned(arrays: "dict[str, Tensor]", index: int) -> None:
    """Turn direction `index` around, in the signs (K,)."""
    arrays[SIGNS][index] *= -1


def _at(tensors: "Mapping[str, Tensor]", name: str, index: int, usual: float) -> float:
    if (array := tensors.get(name)) is None:
        return usual
    if array.ndim != 1 or index >= len(array):
        raise BadData(f"the array '{name}' has the shape {tuple(array.shape)}", "write it again")
    return float(array[index])
