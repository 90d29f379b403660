"""One file out of a tar or zip archive; nothing else of it touches the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from latty import files
from latty.errors import BadData
from latty.models.zoo.download import LIMIT, refuse_without_room
from latty.report import Report
from latty.text import clean

CHUNK = 2**22
HEADER, HEADERS = 2**14, 2**22  # bytes of one header, and of all: a long name, and 8000 files


class _Headers:
    """The plain bytes of a tar archive while its headers are read, each of which is taken into
    memory, as long as it says it is, and searched in the square of that time."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, HEADERS

    def read(self, size: int) -> bytes:
        """Raises TarError where a header, or all of them, are too long."""
        self.left -= size
        if size > HEADER or self.left < 0:
            raise tarfile.ReadError("its headers are too long")
        return bytes(self.file.read(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class _SparseError(Exception):
    """TarError would be one of many that `tarfile.open` gathers into a text."""


class _Member(tarfile.TarInfo):
    """One without a map of holes: no generator needs one, and a map is as long as it says."""

    def _refuse(self, *_: Any) -> Any:
        raise _SparseError

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse


class _Tar(tarfile.TarFile):
    tarinfo = _Member

    @classmethod
    def taropen(cls, name: Any, mode: Any = "r", fileobj: Any = None, **more: Any) -> Self:
        """The archive inside whatever packs it. Raises TarError, OSError."""
        return super().taropen(name, mode, _Headers(fileobj), **more)

    def plain(self, member: str) -> list[tarfile.TarInfo]:
        """The files of that name, in whatever folders; from now on contents are read. Raises
        TarError, OSError, and for a sparse file _SparseError."""
        names = ((PurePosixPath(one.name).name, one) for one in self if one.isreg())
        found = [one for name, one in names if name == member]
        self.fileobj = self.fileobj.file  # type: ignore[attr-defined]
        return found


def take(archive: Path, member: str, target: Path, report: Report) -> None:
    """Write the file called `member`, in whatever folder it lies, and remove the archive.

    Raises BadData where there is none, more than one or a huge one, and OutputError.
    """
    try:
        with archive.open("rb") as file, _Tar.open(fileobj=file) as tar:
            found = tar.plain(member)
            if len(found) != 1:
                what = f"{clean(archive.name)} holds {len(found)} files called {clean(member)}"
                raise BadData(what, "the archive was changed")
            inside = tar.extractfile(found[0])
            if inside is not None:  # a regular file has content
                _copy(inside, found[0].size, target, report)
    except _SparseError:
        what = f"{clean(archive.name)} holds a sparse file"
        raise BadData(what, "no generator is one; the archive was changed") from None
    except (tarfile.TarError, EOFError) as error:
        archive.unlink(missing_ok=True)
        what = f"{clean(archive.name)} is no whole tar archive: {clean(str(error), 80)}"
        raise BadData(what, "it was removed; the same command fetches it again") from None
    archive.unlink(missing_ok=True)


def take_zipped(archive: Path, member: str, target: Path, report: Report) -> None:
    """Write the file at the path `member` of a zip archive, such as a wheel; the archive stays.

    Raises BadData where there is none or a huge one, and OutputError.
    """
    try:
        with zipfile.ZipFile(archive) as wheel:
            found = wheel.getinfo(member)
            with wheel.open(found) as inside:
                _copy(inside, found.file_size, target, report)
    except KeyError:
        raise BadData(f"{clean(archive.name)} holds no {clean(member)}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        what = f"{clean(archive.name)} is no whole zip archive: {clean(str(error), 80)}"
        raise BadData(what, "the same command fetches it again") from None


def _copy(inside: IO[bytes], size: int, target: Path, report: Report) -> None:
    """Raises BadData for more bytes than any generator has, OutputError."""
    if size > LIMIT:
        raise BadData(f"{target.name} would be {size} bytes", "no generator is that large")
    refuse_without_room(target, size)

    def chunks() -> Iterator[bytes]:
        done = 0
        while chunk := inside.read(CHUNK):
            yield chunk
            done += len(chunk)
            report(done * 100 // max(size, 1), 100, "unpacked")

    files.write(target, chunks())
