"""A preset as files say it: with what it extends, `--set` over it, and placeholders filled in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latty.errors import Problem
from latty.presets import naming
from latty.presets import overrides as sets
from latty.presets.convert import stem_of
from latty.presets.layers import PresetLayer, layers, merged, owner
from latty.presets.variables import filled
from latty.tables import words
from latty.tables.reading import TableFile
from latty.tables.rules import Fault


@dataclass(frozen=True, slots=True)
class PresetFile(TableFile):
    """A preset as it was written, its file where it has one, and what --set changed of it.

    layers  the files that it is made of, itself first; () of one that is in no file
    unfilled  placeholders that stand for nothing, and paths that may mean two files
    doubts    what is doubtful about others of them
    """

    path: Path | None = None
    overrides: tuple[sets.Override, ...] = ()
    layers: tuple[PresetLayer, ...] = ()
    unfilled: tuple[Fault, ...] = ()
    doubts: tuple[Fault, ...] = ()

    def folder_of(self, where: words.Path) -> Path | None:
        """The folder in which a path begins that stands at a key: that of the file which says it.
        None where it was typed, and for what is in no file: it begins in the current one."""
        if not self.layers or any(override.covers(where) for override in self.overrides):
            return None
        layer = owner(self.layers, where)
        return layer.folder if layer.path is not None else None

    def problem(self, where: words.Path, what: str, hint: str = "", code: int = 65) -> Problem:
        """A fault at a key; where the value came from --set, that is named instead of a line."""
        for override in reversed(self.overrides):
            if override.covers(where):
                key = f"--set {words.shown(override.text)}"
                return Problem(0, 0, key, f"{words.dotted(where)}: {what}", hint, code=code)
        if self.layers:
            return replace(owner(self.layers, where).problem(where, what, hint), code=code)
        return replace(TableFile.problem(self, where, what, hint), code=code)


def of_table(read: TableFile, path: Path | None, overrides: Sequence[str]) -> PresetFile:
    """The preset in a document, with what it extends, `--set` over it, placeholders filled in and
    paths from where they begin. Raises PresetError, UsageError for an override."""
    found = layers(read, path)
    data, parsed = merged(found), tuple(sets.parse(text) for text in overrides)
    for override in parsed:
        sets.apply(data, override)
    made = PresetFile(read.file, data, read.places, read.kind, path, parsed, found)
    data, filling = filled(data, stem_of(read.file))
    placed = naming.placed(data, made.folder_of)
    return replace(made, data=placed.data,
                   unfilled=(*filling.faults, *placed.faults),
                   doubts=(*filling.doubts, *placed.doubts))  # fmt: skip
