"""Finished pictures on disk, so that a render that was killed goes on where it stopped.

One file: a line of JSON (what the pictures are of, their size), then one record per picture of
the same length: batch size (4 bytes), pixels, CRC-32 of both (4 bytes). Records are only ever
appended. A torn or damaged record ends the file: it and its batch are made again.
"""

import json
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from latty.errors import BadData
from latty.presets.formats import Pixels
from latty.reading import json_of

_NUMBER = struct.Struct("<I")
_HEADER_LIMIT = 1024
_SIDES = range(1, 2**16)  # px


class Journal:
    """The pictures (H, W, 3 or 4) uint8 of one list of scenes, read by index, written in order.

    key    hash of everything the pictures depend on; a file with another key starts again
    total  how many pictures there will be: the last batch may be smaller
    """

    def __init__(self, path: Path, key: str, total: int) -> None:
        self.path, self.key, self.total = path, key, total
        self.sizes: list[int] = []  # the batch each picture was made in
        self._shape = (0, 0, 3)
        self._start = 0
        path.touch()
        self._file = path.open("r+b")
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Pixels:
        self._file.seek(self._offset(index) + _NUMBER.size)
        data = self._file.read(self._bytes)
        return np.frombuffer(data, np.uint8).reshape(self._shape)

    def append(self, pictures: Pixels, batch: int) -> None:
        """Add the pictures (N, H, W, C) of one batch. Raises OSError."""
        if not self.sizes:
            self._begin(pictures.shape[1:])
        self._file.seek(self._offset(len(self)))
        mark = _NUMBER.pack(batch)
        for picture in pictures:
            pixels = np.ascontiguousarray(picture).data
            self._file.write(mark)
            self._file.write(pixels)
            self._file.write(_NUMBER.pack(zlib.crc32(pixels, zlib.crc32(mark))))
        self._file.flush()
        self.sizes += [batch] * len(pictures)

    def batches(self) -> tuple[tuple[int, int], ...]:
        """(first picture, batch size) of every stretch made with one batch size."""
        sizes = self.sizes
        return tuple((i, n) for i, n in enumerate(sizes) if i == 0 or sizes[i - 1] != n)

    @property
    def _bytes(self) -> int:
        return self._shape[0] * self._shape[1] * self._shape[2]

    def _offset(self, index: int) -> int:
        return self._start + index * (self._bytes + 2 * _NUMBER.size)

    def _begin(self, shape: tuple[int, ...]) -> None:
        height, width, channels = shape
        self._shape = (height, width, channels)
        header = {"key": self.key, "height": height, "width": width, "channels": channels}
        line = json.dumps(header).encode() + b"\n"
        self._cut(0)
        self._file.seek(0)
        self._file.write(line)
        self._start = len(line)

    def _recover(self) -> None:
        """Keep whole good batches; cut off everything after them."""
        line = self._file.readline(_HEADER_LIMIT)
        try:
            header = json_of(line, self.path)
            self._shape = (header["height"], header["width"], header["channels"])
            fits = header["key"] == self.key and line.endswith(b"\n") and _is_shape(self._shape)
        except (BadData, KeyError, TypeError):
            fits = False
        self._start = len(line) if fits else 0
        if fits:
            self._keep_good_batches()
        self._cut(self._offset(len(self)) if self.sizes else 0)

    def _cut(self, size: int) -> None:
        """Leave the first `size` bytes."""
        while True:
            with suppress(InterruptedError):  # unlike write, truncate does not try again itself
                self._file.truncate(size)
                return

    def _keep_good_batches(self) -> None:
        while len(self) < self.total:
            if (batch := self._checked_batch()) is None:
                return
            first = len(self)
            for _ in range(min(batch, self.total - first)):
                if self._checked_batch() != batch:
                    del self.sizes[first:]
                    return
                self.sizes.append(batch)

    def _checked_batch(self) -> int | None:
        """The batch size that the record after the last good one was made in, None if damaged."""
        self._file.seek(self._offset(len(self)))
        record = self._file.read(self._bytes + 2 * _NUMBER.size)
        if len(record) < self._bytes + 2 * _NUMBER.size:
            return None
        (batch,) = _NUMBER.unpack_from(record)
        (checksum,) = _NUMBER.unpack_from(record, len(record) - _NUMBER.size)
        good = zlib.crc32(memoryview(record)[: -_NUMBER.size]) == checksum
        return int(batch) if good and batch > 0 else None


def _is_shape(shape: tuple[object, ...]) -> bool:
    return all(type(one) is int for one in shape) and (
        shape[0] in _SIDES and shape[1] in _SIDES and shape[2] in (3, 4)
    )
