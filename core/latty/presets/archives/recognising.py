"""Whether a file is an archive of presets, known by its first bytes: nothing of it is opened."""

from contextlib import suppress
from pathlib import Path

from latty import reading
from latty.checkpoints.ziparchive import ARCHIVE, LOCAL

SUFFIX = ".latty"


def parted(ref: str | Path) -> tuple[Path, str] | None:
    """The archive that a text names, and which preset of it: "FILE" or "FILE#PRESET". None for
    what is no archive."""
    try:
        path = Path(ref).expanduser()
    except RuntimeError:  # a user nobody knows
        return None
    if is_archive(path):
        return path, ""
    whole, mark, which = str(path).rpartition("#")
    return (Path(whole), which) if mark and which and is_archive(Path(whole)) else None


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of presets by its first bytes, or is called so; where it cannot
    be read, whoever opens it says why."""
    begin, head = ARCHIVE.encode(), b""
    with suppress(OSError, ValueError):
        if not path.is_file():
            return False
        with suppress(OSError), reading.opened(path) as file:
            head = file.read(30 + len(begin))
        return (head.startswith(LOCAL) and head.endswith(begin)) or path.suffix.lower() == SUFFIX
    return False
