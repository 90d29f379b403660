"""The small network that learns attributes: its layers, its loss, and what is measured on it."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latty.attributes.card import CardLayer, Group
from latty.attributes.cnn import Flat

SMALLEST_SIDE = 8  # px of the last maps: they are read by position, not averaged
WARM = 0.1  # share of the steps in which the rate rises
Figures = dict[str, dict[str, float]]  # attribute -> what was measured


def stack(
    size: int, channels: int, width: int, outputs: int
) -> tuple[nn.Sequential, tuple[CardLayer, ...]]:
    """A network for pictures (N, channels, size, size), and the same as a card's layers.

    Tensors are named by their place; `width` is that of the first layer.
    """
    modules: list[nn.Module] = []
    layers: list[CardLayer] = []

    def add(module: nn.Module, layer: CardLayer) -> None:
        modules.append(module)
        layers.append(layer)

    def conv(inputs: int, width: int, stride: int, kernel: int = 3) -> None:
        place, padding = str(len(modules)), kernel // 2
        module = nn.Conv2d(inputs, width, kernel, stride, padding, bias=False)
        jump = stride if stride > 1 else 0
        add(module, CardLayer("conv", place, stride=jump, padding=padding, bias=False))
        add(nn.BatchNorm2d(width), CardLayer("batch_norm", str(len(modules))))
        add(nn.ReLU(), CardLayer("relu"))

    side, first = size, width
    conv(channels, width, 1)
    while side > SMALLEST_SIDE:
        wider = min(2 * width, 4 * first)
        conv(width, wider, 2)
        conv(wider, wider, 1)
        side, width = (side + 1) // 2, wider
    narrow = max(8, 3 * first // 2)
    conv(width, narrow, 1, 1)
    hidden = 8 * first
    add(Flat(narrow * side * side, hidden), CardLayer("linear", str(len(modules))))
    add(nn.ReLU(), CardLayer("relu"))
    add(Flat(hidden, outputs), CardLayer("linear", str(len(modules))))
    return nn.Sequential(*modules), tuple(layers)


def loss_of(numbers: Tensor, targets: Tensor, groups: tuple[Group, ...]) -> Tensor:
    """Mean over attributes of numbers (N, A) and targets (N, A), NaN = no label: cross entropy for
    classes and yes or no, half the squared error for measures (in their standard deviations)."""
    terms = []
    for group, ours, theirs in _known(numbers, targets, groups):
        if group.activation == "softmax":
            term = F.cross_entropy(ours, theirs, reduction="sum")
        elif group.activation == "sigmoid":
            term = F.binary_cross_entropy_with_logits(ours, theirs, reduction="sum")
        else:
            term = (ours - theirs).square().sum() / 2
        terms.append(term / max(1, len(ours)))
    return torch.stack(terms).mean()


def _known(
    numbers: Tensor, targets: Tensor, groups: tuple[Group, ...]
) -> Iterator[tuple[Group, Tensor, Tensor]]:
    """The columns (n, a) of each group, of the pictures whose label is known."""
    sizes = [len(group.names) for group in groups]
    parts = torch.split(numbers, sizes, 1), torch.split(targets, sizes, 1)
    for group, ours, theirs in zip(groups, *parts, strict=True):
        known = ~theirs.isnan().any(1)
        yield group, ours[known], theirs[known]


def rate(t: float) -> float:
    """Share of the learning rate at t in 0..1 of the training: a rise, then half a cosine."""
    if t < WARM:
        return (t + 0.01) / (WARM + 0.01)
    return (1 + math.cos(math.pi * (t - WARM) / (1 - WARM))) / 2


def scale(targets: Tensor, groups: tuple[Group, ...]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (A,) of measured attributes; 0 and 1 for yes or no."""
    middle, spread, at = torch.zeros(targets.shape[1]), torch.ones(targets.shape[1]), 0
    for group in groups:
        if group.activation == "none":
            known = targets[:, at][~targets[:, at].isnan()].double()
            if len(known) > 1 and known.std() > 0:
                middle[at], spread[at] = known.mean(), known.std()
        at += len(group.names)
    return middle, spread


def figures(numbers: Tensor, targets: Tensor, groups: tuple[Group, ...]) -> Figures:
    """Of numbers (N, A) and targets (N, A): accuracy and F1, or R2; {} where no label is known."""
    found: Figures = {}
    for group, ours, theirs in _known(numbers, targets, groups):
        classes, wanted = group.activation == "softmax", theirs > 0.5
        chosen = F.one_hot(ours.argmax(1), len(group.names)) > 0 if classes else ours > 0
        right = (chosen == wanted).all(1).float().mean()
        for i, name in enumerate(group.names):
            if not len(ours):
                found[name] = {}
            elif group.activation == "none":
                found[name] = {"r2": _r2(ours[:, i], theirs[:, i])}
            else:
                found[name] = {
                    "accuracy": round(float(right), 4),
                    "f1": _f1(chosen[:, i], wanted[:, i]),
                }
    return found


def _r2(ours: Tensor, theirs: Tensor) -> float:
    left = (ours - theirs).double().square().mean()
    spread = theirs.double().var(correction=0).clamp_min(1e-12)
    return round(1 - float(left / spread), 4)


def _f1(ours: Tensor, theirs: Tensor) -> float:
    """2 TP / (2 TP + FP + FN); 1 where there was nothing to find and nothing was found."""
    hits = int((ours & theirs).sum())
    wrong = int((ours != theirs).sum())
    return round(2 * hits / (2 * hits + wrong), 4) if hits + wrong else 1.0
