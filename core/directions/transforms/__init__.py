"""Transforms: one file per change of a picture that a direction can be found for (plumerault).

The file's name is the transform's name. See `_base` for what it holds; packages outside latty add
theirs through the entry-point group `core.directions.transforms`.
"""

from typing import TYPE_CHECKING

from core import plugins

if TYPE_CHECKING:
    from core.directions.transforms._base import Transform


def names() -> list[str]:
    """The transforms there are."""
    return plugins.names(__name__)


def open_transform(name: str) -> "Transform":
    """The transform of that name. Raises Missing."""
    transform: Transform = plugins.load(__name__, name, "TRANSFORM")
    return transform
