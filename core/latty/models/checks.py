"""What callers hand to a generator, checked in the same words for every family."""

import math
from collections.abc import Container, Sequence
from operator import itemgetter

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.errors import BadData, UsageError, whole_list
from latty.models.activations import Change, Changes
from latty.models.base import Labels, ModelInfo


def layer_index(info: ModelInfo, names: Sequence[str], name: str) -> int:
    """The place of layer `name` among `names`. Raises UsageError, which lists them all."""
    if name not in names:
        raise UsageError(f"{info.name} has no layer '{name}'", whole_list(name, names))
    return list(names).index(name)


def refuse_gradients(info: ModelInfo, *inputs: Tensor | None) -> None:
    """Raises BadData where `inputs`, (N, L, D) or any others, ask a model without gradients for
    some."""
    asked = any(one is not None and one.requires_grad for one in inputs)
    if asked and info.lacks_gradients and torch.is_grad_enabled():
        raise BadData(info.lacks_gradients, "import the PyTorch file, or do what needs none")


def in_order(info: ModelInfo, names: Sequence[str], changes: Changes) -> list[tuple[int, Change]]:
    """Changes with the places of their layers among `names`, lowest first. Raises UsageError for an
    unknown layer."""
    places = [(layer_index(info, names, name), change) for name, change in changes.items()]
    return sorted(places, key=itemgetter(0))


def fitting_lod(lod: float, blocks: int, outputs: Container[int]) -> float:
    """How far a network of `blocks` resolutions has grown: 0 = all of it, 1 = one resolution less,
    0.5 = between; `outputs`: the resolutions that give pictures. Raises BadData where the one
    needed gives none."""
    if not (math.isfinite(lod) and 0 <= lod <= blocks - 1):
        raise BadData(f"'lod' is {lod}; it must lie between 0 and {blocks - 1}")
    for block in {blocks - 1 - math.floor(lod), blocks - 1 - math.ceil(lod)}:
        if block not in outputs:
            raise BadData(f"lod {lod} needs the picture of {4 << block} px, which is missing")
    return lod


def fitting_codes(info: ModelInfo, codes: Tensor, device: torch.device) -> Tensor:
    """Codes (N, L, D) in float32 on `device`. Raises UsageError for another shape."""
    wanted = (info.num_layers, info.width)
    if tuple(codes.shape[1:]) != wanted:
        raise UsageError(f"codes are (N, {wanted[0]}, {wanted[1]}), not {tuple(codes.shape)}")
    return codes.to(device, torch.float32)


def truncated(
    codes: Tensor, mean: Tensor | None, truncation: Tensor | float, cutoff: int | None
) -> Tensor:
    """Codes (N, L, D) moved toward the mean code, (D,) or (N, 1, D), None = zero, in the layers
    below `cutoff`; `truncation` is one number or (N,)."""
    if isinstance(truncation, Tensor):
        truncation = truncation.to(codes).reshape(-1, 1, 1)
    moved = codes * truncation if mean is None else mean + truncation * (codes - mean)
    return moved if cutoff is None else torch.cat([moved[:, :cutoff], codes[:, cutoff:]], 1)


def fitting_label(info: ModelInfo, label: Labels, n: int, device: torch.device) -> Labels:
    """None, class indices (N,) or weights (N, classes), on `device`. Raises UsageError for a
    label that the model does not have."""
    if label is None:
        return None
    classes, shape = info.num_classes, tuple(label.shape)
    if not classes:
        raise UsageError(f"{info.name} has no classes", "leave the label out")
    if shape not in ((n,), (n, classes)):
        raise UsageError(f"a label is ({n},) or ({n}, {classes}), not {shape}")
    if n and label.dim() == 1 and not 0 <= int(label.min()) <= int(label.max()) < classes:
        raise UsageError(f"{info.name} has classes 0 to {classes - 1}")
    return label.to(device)


def label_weights(info: ModelInfo, label: Labels, n: int, device: torch.device) -> Tensor | None:
    """The label as weights (N, classes) float32; None stays None. Raises UsageError for
    a label that the model does not have."""
    label = fitting_label(info, label, n, device)
    if label is None or label.dim() == 2:
        return None if label is None else label.float()
    return F.one_hot(label.long(), info.num_classes).float()
