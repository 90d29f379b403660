"""A preset as files say it: with what it extends, `--set` over it, and placeholders filled in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latty.errors import Problem
from latty.presets import naming, sheets
from latty.presets import overrides as sets
from latty.presets.archives.opening import Names
from latty.presets.convert import stem_of
from latty.presets.each import ONE, Each, keys_of
from latty.presets.each import read as each_of
from latty.presets.layers import PresetLayer, layers, merged, owner
from latty.scene import MIXING
from latty.tables import reading as tables
from latty.tables import words
from latty.tables.reading import Kind, TableFile
from latty.tables.rules import Fault


@dataclass(frozen=True, slots=True)
class PresetFile(TableFile):
    """A preset as it was written, its file where it has one, and what --set changed of it.

    layers  the files that it is made of, itself first; () of one that is in no file
    unfilled  placeholders that stand for nothing, and paths that may mean two files
    waiting   keys whose texts stand for nothing yet: what they name in [[each]] is wrong
    doubts    what is doubtful about others of them
    each      the presets that it stands for, of which this is one
    texts     the numbers in the file of the texts that it writes, () = all
    """

    path: Path | None = None
    overrides: tuple[sets.Override, ...] = ()
    layers: tuple[PresetLayer, ...] = ()
    unfilled: tuple[Fault, ...] = ()
    waiting: frozenset[words.Path] = frozenset()
    doubts: tuple[Fault, ...] = ()
    each: Each = ONE
    number: int = 0
    texts: tuple[int, ...] = ()

    def folder_of(self, where: words.Path) -> Path | None:
        """The folder in which a path begins that stands at a key: that of the file which says it.
        None where it was typed, and for what is in no file: it begins in the current one."""
        where = self.origin(where)
        if not self.layers or any(override.covers(where) for override in self.overrides):
            return None
        layer = owner(self.layers, where)
        return layer.folder if layer.path is not None else None

    def names_of(self, where: words.Path) -> Names | None:
        """What texts of the file stand for that says a key, where it is in an archive."""
        return owner(self.layers, self.origin(where)).names if self.layers else None

    def set_at(self, where: words.Path, ref: str) -> str:
        """The direction set that a text at a key names: a name, or a path from the current
        folder."""
        data = {"scene": {"edits": [{"direction": f"{ref}#0"}]}}
        found = naming.placed(data, lambda _: self.folder_of(where), lambda _: self.names_of(where))
        return naming.source_of("direction", found.data["scene"]["edits"][0]["direction"])[1]

    @property
    def names(self) -> Names | None:
        """Of a preset in an archive what its own texts stand for."""
        return self.layers[0].names if self.layers else None

    def origin(self, where: words.Path) -> words.Path:
        """The key of the file that says what this very preset does at a key: of a panel that is a
        value of [[each]] that of the scene, of an output that of all outputs."""
        one, number = self.each.pass_of(self.number), where[1] if len(where) > 1 else None
        if where[:1] == ("panels",) and one.axes is not None and number is not None:
            return ("scene", *where[2:])
        if where[:1] == ("outputs",) and isinstance(number, int) and number < len(one.outputs):
            return ("outputs", one.outputs[number], *where[2:])
        if where[:1] == ("text",) and isinstance(number, int) and number < len(self.texts):
            return ("text", self.texts[number], *where[2:])
        return where

    def named(self) -> Iterator[tuple[int, str, str, str]]:
        """(layer, kind, file or name, the same from the current folder) of everything that it
        names, as it is spelled in the file of that layer, and as it was found."""
        data = sheets.said(merged(self.layers), stem_of(self.file), self.each, self.number).data
        pairs = zip(naming.everything(data), naming.everything(self.data), strict=True)
        for (where, kind, text), (_, _, place) in pairs:
            if not text.startswith(MIXING):
                said, found = (naming.source_of(kind, one)[1] for one in (text, place))
                yield self.layers.index(owner(self.layers, self.origin(where))), kind, said, found

    def named_at(self, key: str) -> set[str]:
        """What is named at a key of the file, such as scene.edits.0.direction: several names where
        it is laid out in a sheet."""
        found = naming.of_scenes(self.data)
        return {text for where, _, text in found if words.dotted(self.origin(where)) == key}

    def panels(self) -> Iterator[tuple[int, str, Path | str]]:
        """(layer, text, file or shipped name) of the presets whose scenes its panels show."""
        for index, panel in enumerate(self.data.get("panels", ())):
            if ref := panel.get("preset"):
                layer = owner(self.layers, ("panels", index, "preset"))
                beside = layer.folder / ref
                yield self.layers.index(layer), ref, beside if beside.is_file() else ref

    def problem(self, where: words.Path, what: str, hint: str = "", code: int = 65) -> Problem:
        """A fault at a key; where the value came from --set, that is named instead of a line."""
        where = self.origin(where)
        for override in reversed(self.overrides):
            if override.covers(where):
                key = f"--set {words.shown(override.text)}"
                return Problem(0, 0, key, f"{words.dotted(where)}: {what}", hint, code=code)
        if self.layers:
            return replace(owner(self.layers, where).problem(where, what, hint), code=code)
        return replace(TableFile.problem(self, where, what, hint), code=code)


def of_table(
    read: TableFile,
    path: Path | None,
    overrides: Sequence[str],
    names: Names | None = None,
    number: int | None = 0,
) -> PresetFile:
    """The preset in a document, with what it extends, `--set` over it, placeholders filled in and
    paths from where they begin.

    names   what its texts stand for where it is in an archive
    number  of one that stands for several ([[each]]): which of them; None = it is only counted,
            and its data stays as it is

    Raises PresetError, UsageError for an override, Missing for a model that an archive needs.
    """
    found = layers(read, path, names)
    data, parsed = merged(found), tuple(sets.parse(text) for text in overrides)
    for override in parsed:
        sets.apply(data, override)
    made = PresetFile(read.file, data, read.places, read.kind, path, parsed, found)
    each, faults = each_of(data, made.set_at)
    made = replace(made, each=each, number=number or 0)
    if number is None:
        return made
    unread = keys_of(data) - each.values.keys()
    data, filling, texts = sheets.said(data, stem_of(read.file), each, number, unread)
    made = replace(made, texts=texts)
    placed = naming.placed(data, made.folder_of, made.names_of, made.origin)
    doubts = (*filling.doubts, *placed.doubts, *naming.passing(data, made.names_of))
    return replace(made, data=placed.data,
                   unfilled=(*faults, *filling.faults, *placed.faults),
                   waiting=frozenset(filling.waiting), doubts=doubts)  # fmt: skip


def of_archive(
    names: Names, kind: Kind, overrides: Sequence[str], number: int | None = 0
) -> PresetFile:
    """The same of a preset in an archive, which is its file. Raises the same, OutputError."""
    read = tables.read(names.path, kind, names.file)
    return replace(of_table(read, names.path, overrides, names, number), path=names.archive.path)
