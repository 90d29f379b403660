"""Finished pictures on disk, so that a render that was killed goes on where it stopped.

One file: a line of JSON (what the pictures are of, their size), then one record per picture of
the same length: its mark (20 bytes), pixels, a checksum of both (4 bytes). Records are only ever
appended. A torn or damaged record ends the file: it and its batch are made again. In a file that is
only read a record is checked when its picture is asked for: each is read once.
"""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Condition, RLock
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from latty.errors import BadData, UnfitFile
from latty.folders import Folder
from latty.presets.formats import Pixels
from latty.reading import json_of

_MARK, _NUMBER = struct.Struct("<IIdI"), struct.Struct("<I")
_AHEAD = 32 - _MARK.size  # so that pixels begin where FFmpeg's converters need no copy of them
_FORMAT = 2  # 1: CRC-32 of all bytes
_ROW = 512  # bytes that are summed up
_HEADER_LIMIT = 1024
_SIDES = range(1, 2**16)  # px


class Mark(NamedTuple):
    """What tells a picture from the others of its film: its moment, and how it was drawn, as its
    last bits depend on that.

    batch   how many were to be drawn at once
    beside  how many were: fewer at the end
    time    when it is, 0..1
    which   its number among the pictures of that moment
    """

    batch: int
    beside: int
    time: float
    which: int


class Damaged(Exception):
    """A record is not as it was written."""


class Stopped(Exception):
    """The work that a thread is at is called off."""


class Journal:
    """Pictures (H, W, 3 or 4) uint8 of one film, in the order in which they were drawn, found by
    their marks.

    key   hash of everything the pictures depend on but their moments; a file with another key
          starts again
    kept  pictures of the same film in another file, which is only read: their places are below 0
    seen  what reels of this run have

    Threads may read pictures while one, who holds `drawing`, adds some, and wait for them at
    `grown` until nobody draws any more: `stopped`.
    """

    def __init__(
        self, path: Path, key: str, kept: "Journal | None" = None, lazily: bool = False
    ) -> None:
        """`lazily`: records are checked when they are read. Raises UnfitFile where the name is of
        no file, or of one that has another name too, OSError."""
        self.path, self.key, self.kept = path, key, kept
        self.drawing, self.grown, self.stopped = RLock(), Condition(), False
        self.marks: list[Mark] = []
        self._lazily, self._unchecked = lazily, set[int]()
        self.seen = set[Mark]()
        self._places: dict[Mark, int] = {}
        self._measure((0, 0, 3))
        self._start = 0
        with Folder(path.parent) as folder:  # no link is followed: what does not fit is cut off
            self._file = folder.update(path.name)
        if os.fstat(self._file.fileno()).st_nlink > 1:  # what does not fit would be cut off there
            self._file.close()
            raise UnfitFile(path, "has a second name elsewhere", "remove it")
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with ExitStack() as files:
            files.callback(self._file.close)
            if self.kept is not None:
                self.kept.__exit__(*error)

    def __len__(self) -> int:
        return len(self.marks)

    def __getitem__(self, place: int) -> Pixels:
        """Raises Damaged, OSError."""
        if place < 0:
            assert self.kept is not None
            return self.kept[~place]
        record = self._read(place)
        if place in self._unchecked:
            if _mark_of(record) is None:
                raise Damaged
            self._unchecked.discard(place)
        pixels = record[_MARK.size : -_NUMBER.size].reshape(self._shape)
        pixels.flags.writeable = False
        return pixels

    def place(self, mark: Mark) -> int | None:
        """Where the picture of a mark is, None for one that is not there."""
        place = self._places.get(mark)
        if place is None and self.kept is not None:
            there = self.kept.place(mark)
            return None if there is None else ~there
        return place

    def append(self, pictures: Pixels, marks: Sequence[Mark]) -> None:
        """Add the pictures (N, H, W, C) of one batch. Raises OSError."""
        if not self.marks:
            self._begin(pictures.shape[1:])
        self._file.seek(self._offset(len(self)))
        for picture, mark in zip(pictures, marks, strict=True):
            pixels, head = np.ascontiguousarray(picture).reshape(-1), _MARK.pack(*mark)
            self._file.write(head)
            self._file.write(pixels.data)
            self._file.write(_NUMBER.pack(_checksum(head, pixels)))
        self._file.flush()
        for mark in marks:
            self._add(mark)

    def give(self, other: "Journal") -> None:
        """Write all records behind those of another of the same film. Raises OSError."""
        if self._shape == other._shape:
            self._file.seek(self._start)
            other._file.seek(other._offset(len(other)))
            shutil.copyfileobj(self._file, other._file)

    def _add(self, mark: Mark) -> None:
        self._places[mark] = len(self.marks)  # the last one: what was there may be damaged
        self.marks.append(mark)

    def _measure(self, shape: tuple[int, int, int]) -> None:
        """All pictures have this shape."""
        self._shape = shape
        self._bytes = shape[0] * shape[1] * shape[2]
        self._record = _MARK.size + self._bytes + _NUMBER.size

    def _offset(self, index: int) -> int:
        return self._start + index * self._record

    def _begin(self, shape: tuple[int, ...]) -> None:
        height, width, channels = shape
        self._measure((height, width, channels))
        side = {"height": height, "width": width, "channels": channels}
        header = {"key": self.key, **side, "format": _FORMAT}
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
            shape = (header["height"], header["width"], header["channels"])
            fits = header["key"] == self.key and header["format"] == _FORMAT
            fits = fits and line.endswith(b"\n") and _is_shape(shape)
        except (BadData, KeyError, TypeError):
            fits = False
        self._start = len(line) if fits else 0
        if fits:
            self._measure(shape)
            self._keep_good_batches()
        self._cut(self._offset(len(self)) if self.marks else 0)

    def _cut(self, size: int) -> None:
        """Leave the first `size` bytes."""
        while True:
            with suppress(InterruptedError):  # unlike write, truncate does not try again itself
                self._file.truncate(size)
                return

    def _keep_good_batches(self) -> None:
        end = os.fstat(self._file.fileno()).st_size
        count = max(0, end - self._start) // self._record
        while (mark := self._recovered(len(self), count)) is not None:
            batch = [mark]
            while len(batch) < mark.beside:
                more = self._recovered(len(self) + len(batch), count)
                if more is None or more[:2] != mark[:2]:
                    return
                batch.append(more)
            for one in batch:
                if self._lazily:
                    self._unchecked.add(len(self))
                self._add(one)

    def _recovered(self, index: int, count: int) -> Mark | None:
        """The mark of a record, None where it is damaged or none of the `count` that are there."""
        if index >= count:
            return None
        if not self._lazily:
            return _mark_of(self._read(index))
        mark = Mark(*_MARK.unpack(os.pread(self._file.fileno(), _MARK.size, self._offset(index))))
        return mark if mark.batch >= mark.beside > 0 else None

    def _read(self, index: int) -> NDArray[np.uint8]:
        """The bytes of a record, zeros behind the end of the file. Raises OSError."""
        record = np.empty(_AHEAD + self._record, np.uint8)[_AHEAD:]
        done, place = 0, self._offset(index)
        while done < len(record):
            found = os.preadv(self._file.fileno(), [record[done:].data], place + done)
            if not found:
                record[done:] = 0
                break
            done += found
        return record


def _mark_of(record: NDArray[np.uint8]) -> Mark | None:
    """The mark of a record, None where it is damaged."""
    mark = Mark(*_MARK.unpack_from(record.data))
    (checksum,) = _NUMBER.unpack_from(record.data, len(record) - _NUMBER.size)
    pixels = record[_MARK.size : -_NUMBER.size]
    good = _checksum(record[: _MARK.size].data, pixels) == checksum
    return mark if good and mark.batch >= mark.beside > 0 else None


def _checksum(head: bytes | memoryview, pixels: NDArray[np.uint8]) -> int:
    """CRC-32 of a mark and of the sums of the words in each row of pixels (N,): a fifth of the time
    that one of all bytes takes, and no changed word, lost block or moved row escapes it."""
    whole = len(pixels) // _ROW * _ROW
    sums = pixels[:whole].view(np.uint64).reshape(-1, _ROW // 8).sum(1)
    return zlib.crc32(pixels[whole:].data, zlib.crc32(sums.data, zlib.crc32(head)))


def _is_shape(shape: tuple[object, ...]) -> bool:
    return all(type(one) is int for one in shape) and (
        shape[0] in _SIDES and shape[1] in _SIDES and shape[2] in (3, 4)
    )
