"""A picture as the engine sends it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawPicture:
    """Pixels: RGB, row after row."""

    pixels: bytes
    width: int
    height: int
