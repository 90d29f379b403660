"""One file out of a tar or zip archive; nothing else of it touches the disk."""

import os
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from latty.errors import BadData, OutputError
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
        with zipfile.ZipFile(archive) as files:
            found = files.getinfo(member)
            with files.open(found) as inside:
                _copy(inside, found.file_size, target, report)
    except KeyError:
        raise BadData(f"{clean(archive.name)} holds no {clean(member)}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        what = f"{clean(archive.name)} is no whole zip archive: {clean(str(error), 80)}"
        raise BadData(what, "the same command fetches it again") from None


def _copy(inside: IO[bytes], size: int, target: Path, report: Report) -> None:
    temporary, done = target.with_name(f"{target.name}.unpacked"), 0
    try:
        with temporary.open("wb") as file:
            while chunk := inside.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(done * 100 // max(size, 1), 100, "unpacked")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}", "is the disk full?") from None
    finally:
        temporary.unlink(missing_ok=True)
