"""Presets back to TOML. An existing file keeps its comments, its order and its spelling."""

import json
import os
from dataclasses import replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, InlineTable, Table

from latty.errors import OutputError, UnfitFile
from latty.files import replace_whole
from latty.locks import writing
from latty.presets import reading
from latty.presets.convert import to_dict, to_preset
from latty.presets.finding import shipped
from latty.presets.naming import from_folder, path_from
from latty.presets.preset_file import PresetFile
from latty.presets.values import Preset
from latty.presets.variables import escaped
from latty.tables import words

Data = dict[str, Any]


def dumps(preset: Preset) -> str:
    """A preset as TOML text, defaults left out."""
    document = tomlkit.document()
    for key, value in _said(preset).items():
        document[key] = _item(value)
    return tomlkit.dumps(document)


def _said(preset: Preset) -> Data:
    """A preset as a file without [vars] says it."""
    data = to_dict(preset)
    return {**data, "outputs": [{**one, "path": escaped(one["path"])} for one in data["outputs"]]} \
        if preset.outputs else data  # fmt: skip


def save(preset: Preset, path: Path) -> None:
    """Write a preset by temp file and rename. A file that is there is changed only where the
    preset differs; raises PresetError where that file is no preset, OutputError, Locked."""
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        target.parent.stat()  # a folder is not made: more likely its name is a mistake
        with writing(target):
            told = _told_in(preset, target.parent)
            text = _changed_text(told, target) if target.exists() else dumps(told)
            replace_whole(target, [text.encode("utf-8")])
    except UnfitFile:
        raise
    except OSError as error:
        reason = error.strerror or "the name is not possible"
        raise OutputError(
            f"cannot write {words.shown(str(path), words.LONGEST_FILE)}: {reason}"
        ) from None


def _told_in(preset: Preset, folder: Path) -> Preset:
    """With paths as a preset in that folder says them."""
    if folder.samefile(Path()):
        return preset
    there = partial(path_from, folder=folder)
    texts = (t if t.font is None else t.in_font(there(t.font)) for t in preset.texts)
    made = replace(preset, scene=from_folder(preset.scene, folder), texts=tuple(texts))
    made = made.with_panels(lambda _, scene: from_folder(scene, folder)).with_sounds(there)
    panels = (
        one if one.source in ("", *shipped()) else replace(one, source=there(one.source))
        for one in made.panels
    )
    return replace(made, panels=tuple(panels))


def _read(source: PresetFile, folder: Path) -> Preset:
    return _told_in(to_preset(reading.accepted(source), source.file), folder)


def _changed_text(preset: Preset, target: Path) -> str:
    """The file's own text with what differs changed; plain `dumps` where that fails."""
    source = reading.load(target)
    old = to_dict(_read(source, target.parent))
    raw = target.read_bytes().decode("utf-8")
    document = tomlkit.parse(raw.removeprefix("\ufeff").replace("\r\n", "\n"))
    try:
        merge(document, old, to_dict(preset))
        text = tomlkit.dumps(document)
        again = _read(reading.of_text(text, source), target.parent)
        kept = _alike(again, preset, document)
    except Exception:  # a legal layout that tomlkit cannot change in place fails in many ways
        kept = False
    text = text if kept else dumps(preset)
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    return mark + (text.replace("\n", "\r\n") if "\r\n" in raw else text)


def _alike(read: Preset, preset: Preset, document: Any) -> bool:
    """Whether what was read is what was saved. A path that names the seed or the model by a
    placeholder may name another one now."""
    outputs = document.get("outputs", [])
    if len(read.outputs) == len(preset.outputs) == len(outputs):
        pairs = zip(read.outputs, preset.outputs, outputs, strict=True)
        kept = (replace(a, path=b.path) if "{" in said["path"] else a for a, b, said in pairs)
        read = replace(read, outputs=tuple(kept))
    return read == preset


def merge(table: Any, old: Data, new: Data) -> None:
    """Change `table`, which says `old`, in place until it says `new`."""
    for key in [key for key in old if key not in new and key in table]:
        del table[key]
    for key, value in new.items():
        before, there = old.get(key), table.get(key)
        if before == value:
            continue
        if key == "scene" and isinstance(before, dict):
            if there is None:  # it is all in a preset that this one extends
                table[key] = there = tomlkit.table()
            merge(table[key], before, value)
        elif _are_tables(value) and isinstance(there, AoT):
            _merge_list(there, before or [], value)
        elif (
            isinstance(there, InlineTable) and isinstance(before, dict) and isinstance(value, dict)
        ):
            merge(there, before, value)
        elif isinstance(there, Array) and isinstance(before, list) and isinstance(value, list):
            _merge_array(there, before, value)
        else:
            table[key] = _inline(value) if isinstance(table, InlineTable) else _item(value)


def _merge_list(entries: AoT, old: list[Data], new: list[Data]) -> None:
    """Edits or outputs: entries that stay keep their comments although others come and go."""
    before, after = ([json.dumps(one) for one in side] for side in (old, new))
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for kind, start, stop, first, last in reversed(steps):  # from the end: indices stay true
        if kind == "equal":
            continue
        common = min(stop - start, last - first)
        for index in reversed(range(start + common, stop)):
            del entries[index]
        for index in range(first + common, last):
            entries.insert(start + index - first, _table(new[index]))
        for index in range(common):
            merge(entries[start + index], old[start + index], new[first + index])


def _merge_array(entries: Array, old: list[Any], new: list[Any]) -> None:
    """Keys of a track, stops of a walk: those that stay keep their comments."""
    common = min(len(old), len(new))
    for index in range(common):
        if old[index] != new[index]:
            entries[index] = _inline(new[index])
    for index in reversed(range(common, len(old))):
        del entries[index]
    for one in new[common:]:
        entries.append(_inline(one))


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _item(value: Any) -> Any:
    """[scene] and [[lists of tables]] as tables, a track or walk as { ... }, the rest plain."""
    if _are_tables(value):
        tables = tomlkit.aot()
        for one in value:
            tables.append(_table(one))
        return tables
    if isinstance(value, dict):
        return _table(value) if "model" in value else _inline(value)
    return tomlkit.item(value)


def _table(value: Data) -> Table:
    table = tomlkit.table()
    for key, part in value.items():
        table[key] = _item(part)
    return table


def _inline(value: Any) -> Any:
    """Tables inside an inline table are inline too."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, part in value.items():
            table[key] = _inline(part)
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(_inline(part) for part in value)
        return array
    return tomlkit.item(value)
