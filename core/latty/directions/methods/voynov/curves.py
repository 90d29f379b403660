"""Sets of the kind "fc": curves, which a network bends, as directions."""

from collections.abc import Mapping

import torch
from torch import Tensor

from latty.directions import imported_deformators as imported
from latty.directions import sign as sign_arrays
from latty.directions.curved import CurvedDirection
from latty.directions.file import DirectionSet
from latty.directions.methods.voynov.deformators import CurveNetwork
from latty.errors import BadData

ROWS = (sign_arrays.INPUTS, sign_arrays.SIGNS)
turned = sign_arrays.turned


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> CurvedDirection:
    """Curve `index` of a set of the kind "fc"; arrays are the weights of its network.

    Raises BadData for arrays that are no such network, (n, K) and on.
    """
    if imported.is_theirs(tensors):
        return imported.direction(header, index, tensors)
    last, first = tensors.get("last.weight"), tensors.get("layers.0.weight")
    if last is None or first is None or last.ndim != 2 or first.ndim != 2:
        raise BadData("a set of curves needs the weights of its network")
    count, width, hidden = len(header.infos), len(last), len(first)
    if sign_arrays.INPUTS in tensors:  # some of the network's curves
        count = max(count, first.shape[1])
    if first.shape[1] != max(count, width):
        raise BadData(f"{first.shape[1]} inputs do not fit {count} curves in {width} numbers")
    curves = CurveNetwork(count, width, hidden)
    try:
        curves.load_state_dict(sign_arrays.without(tensors))
    except RuntimeError as error:
        raise BadData(f"the curves' network: {str(error).splitlines()[-1].strip()}") from None
    info, space = header.infos[index], header.latent_space("curves")
    curves.eval()
    which = sign_arrays.network_input(tensors, index, count)

    def shift(amounts: Tensor) -> Tensor:
        moved: Tensor = curves(amounts, torch.full((len(amounts),), which), amounts)
        return moved

    sign = sign_arrays.sign(tensors, index)
    return CurvedDirection(info.name, space, info.layers, shift, width, info.sigma, sign)


def explicit(
    header: DirectionSet, arrays: dict[str, Tensor]
) -> tuple[DirectionSet, dict[str, Tensor]]:
    """A set of curves with its signs (K,), and the inputs (K,) of the network that it holds."""
    count = len(header.infos)
    added = {sign_arrays.SIGNS: torch.ones(count)}
    added[sign_arrays.INPUTS] = torch.arange(count).float()
    return header, {**added, **arrays}
