"""One file out of a tar archive, found by its name; nothing else of it touches the disk."""

import os
import tarfile
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
