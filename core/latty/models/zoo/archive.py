"""One file out of a tar or zip archive; nothing else of it touches the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from latty import files
from latty.errors import BadData
from latty.report import Report
from latty.text import clean

CHUNK = 2**22


def take(archive: Path, member: str, target: Path, report: Report) -> None:
    """Write the file called `member`, in whatever folder it lies, and remove the archive.

    Raises BadData where there is none, or more than one, and OutputError.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            found = [m for m in tar if m.isreg() and PurePosixPath(m.name).name == member]
            if len(found) != 1:
                what = f"{clean(archive.name)} holds {len(found)} files called {clean(member)}"
                raise BadData(what, "the archive was changed")
            inside = tar.extractfile(found[0])
            if inside is not None:  # a regular file has content
                _copy(inside, found[0].size, target, report)
    except (tarfile.TarError, EOFError) as error:
        archive.unlink(missing_ok=True)
        what = f"{clean(archive.name)} is no whole tar archive: {clean(str(error), 80)}"
        raise BadData(what, "it was removed; the same command fetches it again") from None
    archive.unlink(missing_ok=True)


def take_zipped(archive: Path, member: str, target: Path, report: Report) -> None:
    """Write the file at the path `member` of a zip archive, such as a wheel; the archive stays.

    Raises BadData where there is none, and OutputError.
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
    def chunks() -> Iterator[bytes]:
        done = 0
        while chunk := inside.read(CHUNK):
            yield chunk
            done += len(chunk)
            report(done * 100 // max(size, 1), 100, "unpacked")

    files.write(target, chunks())
