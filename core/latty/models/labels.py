"""Classes, by index or name, and mixtures of them as the tensors that generators take."""

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Generator, Labels
from latty.models.classes import label_of
from latty.scene import Label, Mixture


def class_labels(label: Label, like: Tensor, generator: Generator) -> Labels:
    """One label for every row of `like` (N, ...): indices (N,) int64 of a class, weights (N, C) of
    a mixture, where the host can check them; None stays None. Raises BadData for what is no class
    or mixture of the model."""
    label = by_index(label, generator)
    if label is None:
        return None
    if isinstance(label, int):
        index = checked_class(label, generator)
        return torch.full((len(like),), index, dtype=torch.int64)
    return class_weights(label, generator).expand(len(like), -1)


def by_index(label: Label, generator: Generator) -> int | Mixture | None:
    """A text as the class or mixture that it means; anything else as it is. Raises BadData."""
    return label_of(label, generator) if isinstance(label, str) else label


def class_weights(label: int | Mixture, generator: Generator) -> Tensor:
    """Weights (C,) that sum to 1. Raises BadData for a class that the model lacks, and for weights
    that sum to 0."""
    parts = ((label, 1.0),) if isinstance(label, int) else label
    total = sum(weight for _, weight in parts)
    if abs(total) < 1e-6:
        raise BadData("the weights of the label mixture sum to 0", "give them positive weights")
    row = torch.zeros(class_count(generator))
    for index, weight in parts:
        row[checked_class(index, generator)] += weight / total
    return row


def class_count(generator: Generator) -> int:
    """How many classes the model has. Raises BadData where it has none."""
    info = generator.info
    if not info.num_classes:
        raise BadData(f"{info.name} knows no classes", "leave the label out")
    return info.num_classes


def checked_class(index: int, generator: Generator) -> int:
    """The index. Raises BadData where the model has no such class."""
    count = class_count(generator)
    if not 0 <= index < count:
        raise BadData(f"no class {index}", f"this model has classes 0 to {count - 1}")
    return index
