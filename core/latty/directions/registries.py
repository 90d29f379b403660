"""The registries of directions: methods, importers of others' files, transforms of pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from latty.plugins import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from latty.directions.base import Direction
    from latty.directions.file import DirectionSet
    from latty.directions.importing.base import Imported
    from latty.directions.importing.source import Source


class MethodEntry(Protocol):
    """A module in methods/: the class, and how a stored direction of its own form is opened."""

    METHOD: type[Any]

    def direction(
        self, header: "DirectionSet", index: int, tensors: "Mapping[str, Tensor]"
    ) -> "Direction":
        """Direction `index` of a set whose header names this module as its form; methods whose
        directions are vectors have none of it."""
        ...


class Importer(Protocol):
    """A module in importers/; it needs neither torch nor numpy to answer."""

    def recognise(self, source: "Source") -> int:
        """How sure it is that the source is its: NO, MAYBE, LIKELY or CERTAIN."""
        ...

    def convert(self, source: "Source") -> "Imported":
        """What the source is; numbers are read when its `load` is called. Raises BadData."""
        ...


METHODS = Registry[MethodEntry]("latty.directions.methods", needs=("METHOD",))
IMPORTERS = Registry[Importer]("latty.directions.importers", needs=("recognise", "convert"))
TRANSFORMS = Registry["Transform"](
    "latty.directions.transforms", "TRANSFORM", needs=("unit", "limits", "apply")
)
