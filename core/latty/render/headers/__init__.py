"""What lies in front of pixels: the headers of a picture or film, read within one budget."""

import io
import time
from typing import BinaryIO

from latty.errors import BadData

BYTES = 2**24
PIECES = 2**18  # reads: a film of the most frames that a preset may have has as many chunks
SECONDS = 1.0  # of this thread's processor time
_LOOK = 2**10  # pieces between two looks at the clock
_BUFFER = 512  # bytes: most pieces are short, and far from the next


class BoundedFile(io.BufferedReader):
    """A file of anybody's of which only so much is read, by whatever reads it; `name` is what
    messages call it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(io.FileIO(file.fileno(), closefd=False), _BUFFER)
        self._name, self._bytes, self._pieces = name, BYTES, PIECES
        self._end = time.thread_time() + SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises BadData where the budget is used up."""
        found = super().read(self._most(size))
        self._spend(len(found))
        return found

    def readline(self, size: int | None = -1, /) -> bytes:
        """Raises BadData where the budget is used up."""
        found = super().readline(self._most(size))
        self._spend(len(found))
        return found

    def _most(self, size: int | None) -> int:
        """One byte more than there may be is asked for, so that too much is seen."""
        return self._bytes + 1 if size is None or size < 0 else min(size, self._bytes + 1)

    def _spend(self, count: int) -> None:
        self._bytes -= count
        self._pieces -= 1
        late = self._pieces % _LOOK == 0 and time.thread_time() > self._end
        if self._bytes < 0 or self._pieces < 0 or late:
            hint = "pictures and films that latty wrote are not like this"
            raise BadData(f"{self._name}: no recipe in as much of its headers as latty reads", hint)


def exactly(file: BinaryIO, size: int) -> bytes:
    """So many bytes of a file. Raises ValueError where it ends before."""
    if len(found := file.read(size)) != size:
        raise ValueError("the file ends too early")
    return found
