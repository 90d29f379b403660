"""The registries of directions: methods, importers of others' files, transforms of pictures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from latty.plugins import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from latty.directions.base import Direction
    from latty.directions.file import DirectionSet
    from latty.directions.importing.base import Imported
    from latty.directions.importing.source import ImportSource
    from latty.directions.transform import Transform
    from latty.models.base import Generator


class DirectionForm(Protocol):
    """How a stored set is opened and changed: `linear` for vectors, otherwise the method's module.

    Optional: PARAMS, names of parameters that hold one value per direction; and
    explicit(header, arrays) -> (header, arrays), the set with what a file may leave out.
    """

    @property
    def ROWS(self) -> tuple[str, ...]:  # noqa: N802  a constant of the module
        """The arrays with one row per direction; the others belong to all of them."""

    def direction(
        self, header: "DirectionSet", index: int, tensors: "Mapping[str, Tensor]"
    ) -> "Direction":
        """Direction `index` of a set with these arrays, such as (K, D). Raises BadData for arrays
        that do not fit."""

    def turned(self, arrays: "dict[str, Tensor]", index: int) -> None:
        """Turn direction `index` around, in the arrays, such as (K, D), themselves."""


class MethodEntry(DirectionForm, Protocol):
    """A module in methods/. What `DirectionForm` asks for is needed where METHOD.form is the
    module's name; directions that are vectors have the form "linear"."""

    METHOD: type[Any]
    # Literals, read without torch: what it finds and needs in a few words, its place in lists, its
    # work (pace.py), and which parameters a form asks first.
    FINDS: str
    NEEDS: str
    ORDER: int
    COST: Mapping[str, tuple[str | float, ...]]
    FORM: tuple[str, ...]

    def quick(self, generator: "Generator") -> dict[str, Any]:
        """Parameters of a fit that takes a second, for tests and benchmarks."""


class Importer(Protocol):
    """A module in importers/; it needs neither torch nor numpy to answer.

    One that can write what it reads has the literal EXPORTS = {"as": the word for `latty export`,
    "of": "directions" or "latents", "suffix": of its file}, and export(header, arrays) or
    export(header, array, layers) -> Exported.
    """

    def recognise(self, source: "ImportSource") -> int:
        """How sure it is that the source is its: NO, MAYBE, LIKELY or CERTAIN."""

    def convert(self, source: "ImportSource") -> "Imported":
        """What the source is; numbers are read when its `load` is called. Raises BadData."""


METHODS = Registry[MethodEntry]("latty.directions.methods", needs=("METHOD",))
IMPORTERS = Registry[Importer]("latty.directions.importers", needs=("recognise", "convert"))
TRANSFORMS: "Registry[Transform]" = Registry(
    "latty.directions.transforms", "TRANSFORM", needs=("unit", "limits", "apply")
)
