"""Class labels of scenes as the tensors generators take."""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty import latents
from latty.errors import BadData
from latty.models.base import Generator, Labels
from latty.models.classes import label_of
from latty.scene import Label, Scene


def labels(scenes: Sequence[Scene], generator: Generator) -> Labels:
    """What mapping and synthesis take for these scenes: None, class indices (N,) where every scene
    names one class, else weights (N, classes) whose rows sum to 1. A scene without one that starts
    at latents has theirs. Raises BadData, Missing."""
    found = [_index(_label(scene, generator), generator) for scene in scenes]
    if all(label is None for label in found):
        return None
    count = _classes(generator)
    if any(label is None for label in found):
        raise BadData("some of these scenes name a class and some do not", "label all or none")
    if all(isinstance(label, int) for label in found):
        indices = [_checked(label, count) for label in found if isinstance(label, int)]
        return torch.tensor(indices, device=generator.device)
    return torch.stack([_weights(label, count) for label in found]).to(generator.device)


def _label(scene: Scene, generator: Generator) -> Label:
    """The scene's own, or else the class that its stored latents remember."""
    if scene.label is not None or scene.latent is None or not generator.info.num_classes:
        return scene.label
    return latents.look(scene.latent).label


def _classes(generator: Generator) -> int:
    info = generator.info
    if not info.num_classes:
        raise BadData(f"{info.name} knows no classes", "leave the label out")
    return info.num_classes


def _index(label: Label, generator: Generator) -> Label:
    """A text as the class or mixture that it means; anything else as it is. Raises BadData."""
    return label_of(label, generator) if isinstance(label, str) else label


def _checked(index: int, count: int) -> int:
    if not 0 <= index < count:
        raise BadData(f"no class {index}", f"this model has classes 0 to {count - 1}")
    return index


def _weights(label: Label, count: int) -> Tensor:
    """One row of weights (classes,) that sums to 1."""
    parts = ((label, 1.0),) if isinstance(label, int) else label or ()
    assert not isinstance(parts, str)  # names are indices by now
    total = sum(weight for _, weight in parts)
    if abs(total) < 1e-6:
        raise BadData("the weights of the label mixture sum to 0", "give them positive weights")
    row = torch.zeros(count)
    for index, weight in parts:
        row[_checked(index, count)] += weight / total
    return row
