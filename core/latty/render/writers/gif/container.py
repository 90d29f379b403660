"""A GIF file (GIF89a specification, CompuServe 1990): what surrounds its pictures."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latty.presets.formats import Pixels

Indices = NDArray[np.uint8]


class GifFile:
    """A GIF that is written picture by picture; every picture stays when the next one comes.

    palette  the colours (K, 3) of pictures that have none of their own, K <= 255
    """

    def __init__(
        self, path: Path, size: tuple[int, int], palette: Pixels, loops: bool, comment: bytes
    ) -> None:
        """`size` is (H, W). Raises OSError."""
        self._size, self._bits = size, _bits(palette)
        self._file = path.open("wb")
        height, width = size
        self._file.write(b"GIF89a" + _word(width) + _word(height))
        self._file.write(bytes([0xF0 | self._bits - 1, 0, 0]) + _entries(palette))
        if loops:  # some players look for the loop count here and nowhere else
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
        if comment:
            self._file.write(b"\x21\xfe")
            for i in range(0, len(comment), 255):
                part = comment[i : i + 255]
                self._file.write(bytes([len(part)]) + part)
            self._file.write(b"\0")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        """Raises OSError."""
        with self._file:
            if kind is None:
                self._file.write(b"\x3b")

    def add(
        self, indices: Indices, stays: NDArray[np.bool_] | None, palette: Pixels | None, delay: int
    ) -> None:
        """A picture (H, W) of entries of its own palette or the file's, shown for `delay` 1/100 s;
        pixels that stay are as the picture before left them. Raises OSError."""
        bits = self._bits if palette is None else _bits(palette)
        clear = (1 << bits) - 1
        top, bottom, left, right = 0, self._size[0], 0, self._size[1]
        if stays is not None:
            indices = indices | stays.view(np.uint8) * np.uint8(clear)  # all bits of an entry
            top, bottom, left, right = _moved(stays)
        part = np.ascontiguousarray(indices[top:bottom, left:right])
        box = _word(left) + _word(top) + _word(right - left) + _word(bottom - top)
        self._file.write(b"\x21\xf9\x04\x05" + _word(delay) + bytes([clear, 0]) + b"\x2c" + box)
        flags = 0 if palette is None else 0x80 | bits - 1
        own = b"" if palette is None else _entries(palette)
        packed = Image.fromarray(part).tobytes("gif", "L", bits, 0)
        self._file.write(bytes([flags]) + own + bytes([bits]) + packed + b"\0")


def _bits(palette: Pixels) -> int:
    """Of an entry: the last one is transparent, and the format knows no codes of one bit."""
    return max(2, len(palette).bit_length())


def _entries(palette: Pixels) -> bytes:
    return palette.tobytes().ljust(3 << _bits(palette), b"\0")


def _word(number: int) -> bytes:
    return int(number).to_bytes(2, "little")


def _moved(stays: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The box of the pixels (H, W) that do not stay: top, bottom, left, right; of one pixel where
    all do."""
    rows, columns = np.flatnonzero(~stays.all(1)), np.flatnonzero(~stays.all(0))
    if not len(rows):
        return 0, 1, 0, 1
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
