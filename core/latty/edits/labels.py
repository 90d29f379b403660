"""Class labels of scenes as the tensors generators take."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from latty.directions.remembered import remembered
from latty.errors import BadData
from latty.models.base import Generator, Labels
from latty.models.labels import by_index, checked_class, class_count, class_weights
from latty.scene import Scene


def labels(scenes: Sequence[Scene], generator: Generator) -> Labels:
    """What mapping and synthesis take for these scenes: None, class indices (N,) where every scene
    names one class, else weights (N, C) whose rows sum to 1, where the host can check them. A scene
    without one has that of `with_labels`. Raises BadData, Missing."""
    scenes = with_labels(scenes, generator)
    found = [by_index(scene.label, generator) for scene in scenes]
    known = [label for label in found if label is not None]
    if not known:
        return None
    class_count(generator)
    if len(known) < len(found):
        raise BadData("some of these scenes name a class and some do not", "label all or none")
    if all(isinstance(label, int) for label in known):
        indices = [checked_class(label, generator) for label in known if isinstance(label, int)]
        return torch.tensor(indices)
    return torch.stack([class_weights(label, generator) for label in known])


def with_labels(scenes: Sequence[Scene], generator: Generator) -> list[Scene]:
    """The scenes, each with the class that its latents or the sets of its edits remember where it
    names none and the model has classes. Raises Missing, BadData."""
    if not generator.info.num_classes:
        return [*scenes]
    return [scene if scene.label is not None else replace(scene, label=remembered(scene)[0])
            for scene in scenes]  # fmt: skip
