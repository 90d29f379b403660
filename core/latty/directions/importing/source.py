"""A file or folder that somebody wants to import: opened once, by content, within limits."""

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from latty import reading
from latty.checkpoints import open_checkpoint
from latty.checkpoints.checkpoint import Checkpoint
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, Missing, OutputError, UnfitFile
from latty.text import clean

FOLDER, TEXT = "folder", "text"
FILES_LIMIT, DEPTH_LIMIT = 20_000, 8
NO_CHECKPOINT = ("unknown-format", "json")  # what a file is refused for that may be text
NOT_TEXT = re.compile(rb"[^\x09\x0a\x0d\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """The model that an import is for, and where its codes lie.

    typical     the length of its codes: sqrt(mean square) over samples
    """

    name: str
    family: str
    digest: str
    z_dim: int
    width: int
    num_layers: int
    typical: float = 0.0


@dataclass(frozen=True)
class ImportSource:
    """What was named, and what lies in it.

    kind        "folder", "text", or the kind of checkpoint: "pickle", "npy", "npz", "torch-zip" ...
    tree        of a checkpoint: tables, lists, text, numbers and TensorViews
    words       of a text file
    files       of a folder: every file below it by its relative path with "/"
    space       "z", "w" or "activation:LAYER" where the user said so, else ""
    wanted      the importer that the user named, else ""
    layers      how many layers it has, where the user said so: 1 = none, 0 = not said
    model       what is known of the model that the user named
    """

    path: Path
    kind: str
    tree: Any = field(default=None, repr=False)
    meta: Mapping[str, str] = field(default_factory=dict, repr=False)
    words: str = field(default="", repr=False)
    files: Mapping[str, Path] = field(default_factory=dict, repr=False)
    checkpoint: Checkpoint | None = field(default=None, repr=False)
    space: str = ""
    wanted: str = ""
    layers: int = 0
    model: "KnownModel | None" = None

    @property
    def stem(self) -> str:
        """The name without its last suffix, lower case: a hint, never proof."""
        name = self.path.resolve().name if self.path.name in ("", ".", "..") else self.path.name
        return (name if self.kind == FOLDER else Path(name).stem).lower()

    @property
    def parent(self) -> str:
        """The name of the folder it lies in, lower case."""
        return self.path.absolute().parent.name.lower()

    @property
    def table(self) -> dict[Any, Any]:
        """The tree where it is a table, else {}."""
        return self.tree if isinstance(self.tree, dict) else {}

    def state_dict(self, key: str) -> dict[Any, Any]:
        """The table under `key` of a checkpoint that holds several, or else the whole table."""
        inner = self.table.get(key)
        return inner if isinstance(inner, dict) else self.table

    def open(self, name: str) -> "ImportSource":
        """A file of this folder. Raises BadData."""
        return self.asked(open_file(self.files[name]))

    def asked(self, other: "ImportSource") -> "ImportSource":
        """Another source, with what the user said of this one."""
        return replace(other, space=self.space, wanted=self.wanted, layers=self.layers,
                       model=self.model)  # fmt: skip

    def matching(self, pattern: str) -> list[str]:
        """Files of this folder whose relative path matches, in natural order."""
        found = [name for name in self.files if re.fullmatch(pattern, name)]
        return sorted(found, key=_natural)

    def beside(self, name: str, up: int) -> dict[str, Any]:
        """The JSON table `name` in this folder, or in one of the `up` folders above; {} if none."""
        here = self.path if self.kind == FOLDER else self.path.parent
        for folder in [here, *here.absolute().parents][: up + 1]:
            with suppress(UnfitFile):
                if table := read_json(reading.inside(folder, name, self.path)):
                    return table
        return {}


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part[:15]) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]


def read_source(path: Path, read: Checkpoint | None = None) -> ImportSource:
    """A file, `read` where it is open, or a folder. Raises Missing, OutputError, or BadData with
    the words of the reader of checkpoints."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise Missing(f"there is no file {clean(str(path))}", "check the path") from None
    except OSError as error:
        raise OutputError(f"cannot read {clean(path.name)}: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        return ImportSource(path, FOLDER, files=_listed(path))
    return open_file(path, read)


def _listed(folder: Path) -> dict[str, Path]:
    """Every file below a folder, without following links to folders."""
    found: dict[str, Path] = {}
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        depth = len(Path(here).relative_to(folder).parts)
        if depth >= DEPTH_LIMIT:
            folders.clear()
        for name in sorted(names):
            path = Path(here) / name
            found[path.relative_to(folder).as_posix()] = path
        if len(found) > FILES_LIMIT:
            what = f"{clean(str(folder))} holds more than {FILES_LIMIT} files"
            raise BadData(what, "name the folder of one experiment")
    return found


def open_file(path: Path, read: Checkpoint | None = None) -> ImportSource:
    """A checkpoint of any kind, `read` where it is open, or text; raises BadData for all else."""
    try:
        found = read or open_checkpoint(path)
    except Refusal as refusal:
        words = read_text(path) if refusal.code in NO_CHECKPOINT else ""
        if not words:
            raise
        return ImportSource(path, TEXT, words=words)
    return ImportSource(path, found.kind, found.tree, found.meta, checkpoint=found)


def read_text(path: Path) -> str:
    """A text file of at most one MiB, "" for anything else. Raises OutputError where the disk
    fails."""
    try:
        data = reading.content(path)
    except (OSError, ValueError) as error:
        reading.raise_of_disk(error, path)
        return ""
    return "" if NOT_TEXT.search(data) else data.decode("utf-8-sig", "replace")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON table of settings, {} for anything else. Raises OutputError where the disk fails."""
    try:
        table = reading.json_file(path)
    except (OSError, ValueError, BadData) as error:
        reading.raise_of_disk(error, path)
        return {}
    return table if isinstance(table, dict) else {}
