"""The registries of models: families (architectures) and layouts (their files in the wild)."""

from typing import TYPE_CHECKING, Protocol

from latty.plugins import Registry

if TYPE_CHECKING:
    import torch

    from latty.models.base import Generator, Meta, Shapes, Tensors
    from latty.models.parts import Converted, Part


class Family(Protocol):
    """A generator architecture: a module in families/."""

    def recognise(self, shapes: "Shapes", meta: "Meta") -> bool:
        """Whether these tensors, by names and shapes, are in the family's own layout."""
        ...

    def build(self, tensors: "Tensors", meta: "Meta", device: "torch.device") -> "Generator":
        """The generator of these tensors. Raises BadData."""
        ...


class Layout(Protocol):
    """One way in which others store a family: a module in layouts/."""

    def recognise(self, part: "Part") -> bool:
        """Whether the part of a checkpoint is in this layout."""
        ...

    def convert(self, part: "Part") -> "Converted":
        """The part in the layout of its family. Raises BadData."""
        ...


FAMILIES = Registry[Family]("latty.models.families", needs=("recognise", "build"))
LAYOUTS = Registry[Layout]("latty.models.layouts", needs=("recognise", "convert"))
