"""Why a file is refused: one line for people, and one word for programs.

Codes: empty html json lfs-pointer wrong-format unknown-format not-a-pickle truncated changed bad-op
forbidden-global object-array bad-tensor bad-zip checksum too-big no-model not-a-file, and about the
weights themselves: nonfinite wrong-shape missing-key negative-variance.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from latty import files, reading
from latty.errors import BadData, Missing, OutputError, UnfitFile
from latty.text import clean

NEAR = 2**26  # bytes of a file that are read at once; what is larger is mapped
PIECE = 2**24  # bytes that are copied of it at once
AGAIN = "fetch it again, and compare its size with the page it came from"


class Refusal(BadData):
    """A file that is not read. `code` is one of the words above; exit code 65."""

    def __init__(self, code: str, what: str, hint: str = AGAIN, file: str = "") -> None:
        super().__init__(f"{clean(file)}: {what}" if file else what, hint)
        self.code, self.what = code, what

    def about(self, file: str) -> "Refusal":
        """The same, naming the file."""
        return Refusal(self.code, self.what, self.hint, file)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raises every Refusal of what is inside again, with the name of the file in it."""
    try:
        yield
    except Refusal as refusal:
        raise refusal.about(path.name) from None


def truncated(what: str = "the file ends too early") -> Refusal:
    return Refusal("truncated", f"{what}: the download or copy was cut")


def bad_tensor(what: str) -> Refusal:
    return Refusal("bad-tensor", what, "the file is damaged or was made to mislead; fetch it again")


def changed() -> Refusal:
    return Refusal("changed", "another program wrote it while it was read", "try again")


class Stamps(dict[Path, files.Stamp | None]):
    """Files, and what they were when they were read."""

    @classmethod
    def now(cls, *paths: Path) -> "Stamps":
        """What they are now; None of one that is not there."""
        return cls((path, files.stamp_of(path)) for path in paths)

    @classmethod
    def of(cls, path: Path, file: BufferedReader) -> "Stamps":
        """What an open file is. Raises OSError."""
        return cls({path: files.stamp(file.fileno())})

    def check(self) -> None:
        """Raises Refusal for one that is another file now."""
        for path, state in self.items():
            if files.stamp_of(path) != state:
                raise changed().about(path.name)


@contextmanager
def opening(path: Path) -> Iterator[BufferedReader]:
    """The file, to read. Raises Missing, Refusal for what is no file and for what another program
    changes meanwhile, OutputError, in words; what fails while it is read is told likewise."""
    try:
        with reading.opened(path) as file:
            before = files.stamp(file.fileno())
            yield file
            if files.stamp(file.fileno()) != before:
                raise changed()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a name that no file can have
        raise Missing(f"there is no file {clean(path.name)}", "check the path") from None
    except UnfitFile as error:  # a pipe would wait for ever
        raise Refusal("not-a-file", f"it {error.strerror}", "name a file") from None
    except OSError as error:
        raise OutputError(f"cannot read {clean(path.name)}: {error.strerror}") from None


def code_of(file: BufferedReader, size: int) -> memoryview:
    """The bytes of an open file of that size. Of more than NEAR each is read where it is looked at:
    where it is gone by then, or the disk fails, the kernel ends this process (SIGBUS), and nothing
    in Python comes in between; `reread` gives an error instead. Raises OSError."""
    if size > NEAR:
        return memoryview(Mapped(file.fileno()))
    file.seek(0)
    return memoryview(file.read(size))


class Mapped(mmap.mmap):
    """A file in memory, and open."""

    handle: int

    def __new__(cls, handle: int) -> "Mapped":
        self = super().__new__(cls, handle, 0, access=mmap.ACCESS_READ)
        self.handle = os.dup(handle)
        return self

    def __del__(self) -> None:
        os.close(self.handle)


def reread(data: memoryview, start: int) -> Iterator[memoryview]:
    """The same bytes in pieces, those of a mapped file, in which they begin at byte `start`, read
    anew. Raises Refusal where they are gone, OutputError."""
    if not isinstance(data.obj, Mapped):
        yield data
        return
    stop = start + data.nbytes
    try:
        while start < stop:
            if not (piece := os.pread(data.obj.handle, min(stop - start, PIECE), start)):
                raise changed()
            yield memoryview(piece)
            start += len(piece)
    except OSError as error:
        raise OutputError(f"cannot read it: {error.strerror}") from None
