"""`extends = "base.toml"`: what a preset does not say stands in another, which may extend a third.

Tables are merged key by key. A list takes the place of the whole list below it: [[outputs]] and
[[scene.edits]], too.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty.errors import (
    BadData,
    LattyError,
    Missing,
    PresetError,
    Problem,
    did_you_mean,
)
from latty.presets import finding
from latty.presets.archives.opening import Names
from latty.presets.migrations import migrate
from latty.tables import reading as tables
from latty.tables import words
from latty.tables.reading import TableFile

DEEPEST = 8  # presets above one another
KEY = "extends"


@dataclass(frozen=True, slots=True)
class PresetLayer:
    """One of the files; `path` is None for what came through a pipe, `above` who extends it,
    `names` what its texts stand for where it is in an archive."""

    table: TableFile
    path: Path | None
    above: tuple[str, ...] = ()
    names: Names | None = None

    @property
    def base(self) -> str:
        """What it extends, as it says so."""
        return str(self.table.data[KEY])

    @property
    def folder(self) -> Path:
        """Where the paths that it names begin: its own folder, or the current one."""
        return self.path.parent if self.path is not None else Path()

    def says(self, raw: bytes) -> bool:
        """Whether its file still says what it said. Raises PresetError."""
        read = tables.parse(raw, self.table.file, self.table.kind)
        return _migrated(read, ()).data == self.table.data

    def problem(self, where: words.Path, what: str, hint: str = "") -> Problem:
        """A fault in this file, told as one of the file at the top."""
        return self.told(self.table.problem(where, what, hint))

    def told(self, problem: Problem) -> Problem:
        """A fault of this file as one of the file at the top, which messages begin with."""
        if not self.above:
            return problem
        return replace(problem, file=self.table.file, via=", ".join(reversed(self.above)))


def layers(
    top: TableFile, path: Path | None, names: Names | None = None
) -> tuple[PresetLayer, ...]:
    """The file and those that it extends, each in today's layout, the file itself first. Raises
    PresetError, with the chain, for one that is not there or is no preset, for a circle, and for
    more than DEEPEST."""
    found = [PresetLayer(_migrated(top, ()), path, names=names)]
    while (ref := found[-1].table.data.get(KEY)) is not None:
        last = found[-1]
        if not isinstance(ref, str) or not ref or words.unsafe_character(ref):
            raise _refused(top, last, "must be the path or name of a preset")
        if len(found) == DEEPEST:
            raise _refused(top, last, f"is the {DEEPEST}th preset above another: the most is told")
        other = last.names.other(KEY, ref) if last.names is not None else None
        below = other.path if other is not None else _found(top, last, ref)
        same = [one for one in found if one.path is not None and one.path.samefile(below)]
        if same:
            circle = " extends ".join([*(one.table.file for one in found), same[0].table.file])
            raise _refused(top, last, f"goes in a circle: {circle}")
        name = other.file if other is not None else _name(last, ref)
        found.append(replace(_read(top, last, below, name), names=other))
    return tuple(found)


def merged(found: Sequence[PresetLayer]) -> dict[str, Any]:
    """What all of them say together."""
    data: dict[str, Any] = {}
    for layer in reversed(found):
        data = _over(data, layer.table.data)
    return {key: value for key, value in data.items() if key != KEY}


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(below)
    for key, value in above.items():
        under = data.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        data[key] = _over(under or {}, value) if both else value
    return data


def owner(found: Sequence[PresetLayer], where: words.Path) -> PresetLayer:
    """Which of the files says a key; of one that none says, that which says the most of the way."""
    best, deepest = found[0], -1
    for layer in found:
        depth, replaces = _depth(layer.table.data, where)
        if depth > deepest:
            best, deepest = layer, depth
        if depth == len(where) or replaces:  # what lies below does not count
            break
    return best


def _depth(data: Any, where: words.Path) -> tuple[int, bool]:
    """How many parts of a key are there, and whether something that is no table was passed."""
    for depth, part in enumerate(where):
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return depth, not isinstance(data, dict)
    return len(where), True


def _migrated(table: TableFile, above: tuple[str, ...]) -> TableFile:
    """Raises PresetError for a layout that is newer than ours."""
    try:
        return replace(table, data=migrate(table.data))
    except BadData as error:
        problem = PresetLayer(table, None, above).problem(("schema",), error.message, error.hint)
        raise PresetError(above[0] if above else table.file, [problem]) from None


def _found(top: TableFile, last: PresetLayer, ref: str) -> Path:
    """The file that is extended. Raises PresetError."""
    path, near = last.folder / ref, list[str]()
    with suppress(OSError, ValueError, RuntimeError):  # no file can have the name
        path = last.folder / Path(ref).expanduser()
        if path.exists() and last.names is None:
            return path
        near = [file.name for file in path.parent.glob("*.toml")]
    if ref in finding.shipped():
        return finding.shipped()[ref]
    hint = did_you_mean(words.shown(path.name), [*near, *finding.shipped()])
    what = f"there is no preset {words.shown(str(path), words.LONGEST_FILE)}"
    raise _refused(top, last, what, hint, Missing.exit_code)


def _name(last: PresetLayer, ref: str) -> str:
    """What messages call a file that another one extends."""
    name = os.path.join(os.path.dirname(last.table.file), ref) if last.path else ref  # noqa: PTH118, PTH120
    return words.shown(name, words.LONGEST_FILE)


def _read(top: TableFile, last: PresetLayer, path: Path, file: str) -> PresetLayer:
    """The layer in a file, which messages call `file`. Raises PresetError with the chain."""
    above = (*last.above, last.table.file)
    try:
        finding.check_suffix(path, file)
        return PresetLayer(_migrated(tables.read(path, top.kind, file), above), path, above)
    except PresetError as error:
        layer = PresetLayer(TableFile(file, {}), path, above)
        raise PresetError(top.file, [layer.told(one) for one in error.problems]) from None
    except LattyError as error:
        raise _refused(top, last, error.message, error.hint, error.exit_code) from None


def _refused(
    top: TableFile, layer: PresetLayer, what: str, hint: str = "", code: int = 65
) -> PresetError:
    return PresetError(top.file, [replace(layer.problem((KEY,), what, hint), code=code)])
