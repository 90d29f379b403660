"""What every kind of track is to those who draw it, and to those who read and write files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from latty.presets.moments import TimeLine
from latty.tables.rules import Key


@runtime_checkable
class Motion(Protocol):
    """A number that moves: frozen, hashable, the same at the same moment on every machine."""

    def at(self, t: float) -> float:
        """The value at t, a share of the film in 0..1."""

    def reach(self) -> tuple[float, float]:
        """The least and the greatest value that it may have."""

    def table(self, line: TimeLine) -> dict[str, Any]:
        """What a file says of it, in a film of this time line."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One table that a file may write in the place of a number.

    like  what it looks like, for messages
    mark  the key that tells it from others, "" for the one that all other tables are taken for
    keys  its keys; their values go to `make` by name, which raises ValueError with what is wrong
    """

    like: str
    mark: str
    keys: Mapping[str, Key]
    make: Callable[..., Motion]
