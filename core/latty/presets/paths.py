"""Where a preset may write: inside the output folder, under a name every system takes.

Presets come from strangers. Only a path that somebody typed may leave the output folder.
"""

import errno
import os
import re
from pathlib import Path, PurePath

from latty.errors import BadData, WouldOverwrite
from latty.presets.formats import format_of, suffixes
from latty.reading import kind_of
from latty.tables.words import shown, unsafe_character

LONGEST = 200  # bytes; leaves room for the temporary names beside it on every file system
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)", re.IGNORECASE)


def safe_output(
    path: str, out_dir: Path, preset_file: Path | None = None, typed: bool = False
) -> Path:
    """The file (or, for a name ending in /, folder) an output goes to.

    typed  the path comes from the command line: it may be absolute, and is not below out_dir

    Raises BadData, WouldOverwrite where something of another kind has the name.
    """
    fault = _suffix_fault(path) if typed else name_fault(path)
    if not fault and unsafe_character(path):
        fault = f"holds the character {unsafe_character(path)}"
    target = Path(path) if typed else out_dir / path
    if not fault and not typed and not _stays_inside(target, out_dir):
        fault = "leaves the output folder through a symbolic link"
    fault = fault or _place_fault(target, preset_file)
    if fault:
        raise BadData(f"output '{shown(path)}' {fault}", "choose another name")
    wanted = "folder" if path.endswith("/") else "file"
    if target.exists() and (kind := kind_of(target.stat().st_mode)) != wanted:
        what = f"output '{shown(path)}' is there already, and is a {kind}"
        raise WouldOverwrite(what, "choose another name")
    return target


class OutputNames:
    """The names that outputs take, of one preset or of several that are rendered together."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._above: dict[str, str] = {}  # folders above them

    def claim(self, path: str, owner: str) -> str:
        """Why an output cannot also have this name, "" where it can; `owner` is what messages call
        the output."""
        name = os.path.normpath(path).casefold()  # some file systems do not tell case
        above = [str(folder) for folder in PurePath(name).parents]
        if name in self._owners:
            return f"is also written by {self._owners[name]}"
        if holder := next((one for one in above if one in self._owners), ""):
            return f"lies inside the output of {self._owners[holder]}"
        if name in self._above:
            return f"is a folder in which {self._above[name]} writes"
        self._owners[name] = owner
        for folder in above:
            self._above.setdefault(folder, owner)
        return ""


def name_fault(path: str) -> str:
    """Why a preset must not write to this name, "" where it may; looks at no file."""
    if not path:
        return "is empty"
    if character := unsafe_character(path):
        return f"holds the character {character}"
    if "\\" in path:
        return "holds a backslash; folders are parted by /"
    if path.startswith("/"):
        return "is absolute; outputs are named relative to the output folder"
    if len(path.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    faults = (_part_fault(part) for part in path.split("/") if part)
    return next((fault for fault in faults if fault), "") or _suffix_fault(path)


def _part_fault(part: str) -> str:
    if part == "..":
        return "leaves the output folder through '..'"
    if part.startswith("~"):
        return "starts with '~'; outputs are named relative to the output folder"
    if re.match(r"[A-Za-z]:", part):
        return "names a drive; outputs are named relative to the output folder"
    if character := next((c for c in part if c in '<>:"|?*'), ""):
        return f"holds {character}, which not every system takes"
    if _RESERVED.fullmatch(part.split(".")[0].rstrip()):
        return f"holds '{part}', a name that Windows reserves"
    if part != "." and part != part.rstrip(". "):
        return "has a part that ends in a dot or a space"
    return ""


def _suffix_fault(path: str) -> str:
    suffix = Path(path).suffix.lower()
    if path.endswith("/"):
        return "names no folder" if not Path(path).name else ""
    if format_of(path) is not None:
        return ""
    if suffix == ".toml":
        return "would overwrite a preset; its suffix chooses the format"
    known = ", ".join(suffixes())
    return f"has no suffix latty writes: {known}, or a name ending in / for numbered frames"


def _stays_inside(target: Path, out_dir: Path) -> bool:
    root, real = os.path.realpath(out_dir), os.path.realpath(target)
    return real != root and os.path.commonpath([root, real]) == root


def _place_fault(target: Path, preset_file: Path | None) -> str:
    """Why nothing can be written there, "" where it can."""
    if preset_file is not None and os.path.realpath(target) == os.path.realpath(preset_file):
        return "is the preset itself"
    try:
        target.stat()
    except FileNotFoundError:
        return ""
    except NotADirectoryError:
        return "lies in a folder that is a file"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "lies under names that are too long for this system"
        return f"cannot be looked up: {error.strerror}"
    except ValueError:  # a name the system refuses
        return "cannot be looked up"
    return ""
