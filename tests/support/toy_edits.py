"""Scenes of the toy generator, and the codes that their edits make."""

from dataclasses import replace

import torch
from toy_generator import Toy

from latty.edits import codes
from latty.scene import Edit, Scene

PLAIN = Scene("toy", seed=3)


def of(scene: Scene, toy: Toy | None = None) -> torch.Tensor:
    """Codes (L, D)."""
    return codes([scene], toy or Toy())[0]


def edited(*edits: Edit, **changes: object) -> Scene:
    return replace(PLAIN, edits=edits, **changes)  # type: ignore[arg-type]
