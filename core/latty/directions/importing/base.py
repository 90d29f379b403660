"""What an importer makes: the header of a direction set or of latents, and a way to the numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from latty.directions.file import DirectionSet, Value

if TYPE_CHECKING:  # what a file is must be said without torch
    from torch import Tensor

# How sure an entry is: a shape that others have too; shape and name; keys of its own.
NO, MAYBE, LIKELY, CERTAIN = 0, 1, 2, 3

Load = Callable[[], "dict[str, Tensor]"]
CODES = "latents"  # the array of stored latents


@dataclass(frozen=True, slots=True)
class Codes:
    """The header of latents: z (N, Z), or codes in w, (N, D) or (N, L, D).

    names   one per latent, or none
    params  what the file knew, by name; "class" and "truncation" are how to draw them
    """

    space: Literal["z", "w"]
    model: str = ""
    family: str = ""
    names: tuple[str, ...] = ()
    model_digest: str = ""
    params: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """Directions or latents as another program keeps them.

    files   file name -> arrays by name; one array "" is an .npy, others an .npz. The name "" is
            the file that the user named
    notes   what it does not hold, a line each
    """

    files: "Mapping[str, Mapping[str, Tensor]]"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """One file or folder of another program, understood.

    header  a DirectionSet, or Codes for latents
    shape   of the main array: (K, D), (K, L, D); of latents as Codes says
    load    reads and checks the numbers, float32: the arrays of the direction set, or CODES
    notes   what was assumed or left out, a line each
    entry   the importer's name; filled in by `look`
    """

    header: DirectionSet | Codes
    shape: tuple[int, ...]
    load: Load = field(repr=False)
    notes: tuple[str, ...] = ()
    entry: str = ""

    @property
    def kind(self) -> str:
        """ "directions" or "latents"."""
        return "latents" if isinstance(self.header, Codes) else "directions"

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.names
