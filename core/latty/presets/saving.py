"""Presets back to TOML. An existing file keeps its comments, its order and its spelling."""

import os
from pathlib import Path
from typing import Any

import tomlkit

from latty.errors import LattyError, Loses, OutputError, UnfitFile, Unkept
from latty.files import replace_whole
from latty.locks import writing
from latty.presets import reading
from latty.presets.comments import TEXTS, lowered, raised
from latty.presets.convert import to_dict, to_preset
from latty.presets.layers import KEY as EXTENDS
from latty.presets.layers import merged
from latty.presets.merging import Merging, document_of, placeholders, several
from latty.presets.naming import from_folder
from latty.presets.values import Preset
from latty.presets.variables import KEY as VARS
from latty.presets.variables import escaped
from latty.tables import words

Data = dict[str, Any]


def dumps(preset: Preset) -> str:
    """A preset as TOML text, defaults left out."""
    return _dumped(to_dict(preset))


def _dumped(data: Data) -> str:
    """As a file without [vars] says it."""
    if "outputs" in data:
        data = {**data, "outputs": [{**one, "path": escaped(one["path"])} for one in
                                    data["outputs"]]}  # fmt: skip
    return tomlkit.dumps(document_of(data))


def save(preset: Preset, path: Path, loses: Loses = "nothing") -> None:
    """Write a preset by temp file and rename. A file that is there is changed only where the
    preset differs, in what it says itself: what it extends stays, and a placeholder of [vars]
    stands for the new value. Raises Unkept where that cannot be: it says what `loses` must allow;
    PresetError where that file is no preset, OutputError, Locked."""
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        target.parent.stat()  # a folder is not made: more likely its name is a mistake
        with writing(target):
            told = from_folder(to_dict(preset), target.parent)
            text = _changed_text(told, target, loses) if target.exists() else _dumped(told)
            replace_whole(target, [text.encode("utf-8")])
    except UnfitFile:
        raise
    except OSError as error:
        reason = error.strerror or "the name is not possible"
        raise OutputError(
            f"cannot write {words.shown(str(path), words.LONGEST_FILE)}: {reason}"
        ) from None


def _read(source: reading.PresetFile, folder: Path) -> Data:
    """What a file says, with paths as one in that folder says them."""
    return from_folder(to_dict(to_preset(reading.accepted(source), source.file)), folder)


def _changed_text(new: Data, target: Path, loses: Loses) -> str:
    """The file's own text with what differs changed. Raises Unkept where that fails and more would
    be lost than may be."""
    source = reading.load(target)
    raw = target.read_bytes().decode("utf-8")
    if _read(source, target.parent) == new:
        return raw
    plain = raw.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        text = _merged_text(new, source, target, plain, loses)
    except Unkept as error:
        if loses != "all" and (error.loses == "placeholders" or _holds_more(source, plain)):
            raise
        text = _dumped(new)
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    return mark + (text.replace("\n", "\r\n") if "\r\n" in raw else text)


def _holds_more(source: reading.PresetFile, text: str) -> bool:
    """Whether a file holds what a preset does not: what it extends, [vars], [[each]], comments."""
    return EXTENDS in source.layers[0].table.data or VARS in source.data \
        or bool(source.each.values) or "#" in TEXTS.sub("", text)  # fmt: skip


def _merged_text(
    new: Data, source: reading.PresetFile, target: Path, text: str, loses: Loses
) -> str:
    """Raises Unkept where the text, changed in place, does not say what is new, PresetError where
    the file is no preset."""
    (plain, end), folder = lowered(text), target.parent
    before, names = _read(source, folder), merged(source.layers).get(VARS)
    name = words.shown(str(target), words.LONGEST_FILE)
    if source.each.values and {**before, "pins": None} != {**new, "pins": None}:
        count, laid = source.each.count, source.each.pass_of(source.number).axes is not None
        what = (
            f"{name} stands for {count} presets, of which this is one"
            if count > 1 or not laid
            else f"{name} lays keys of [[each]] out, and here they are panels"
        )
        raise Unkept(what, "save it under another name", "all")
    why = ""
    for inline in (False, True):  # dotted keys go with no [[table]]
        document, read = tomlkit.parse(plain), before
        merging = Merging(document, names, literal=loses != "nothing", inline=inline)
        try:
            for _ in range(2):  # again for what follows from what is not said any more
                merging.tables(document, read, new, merged(source.layers[1:]))
                made = raised(tomlkit.dumps(document)) + end
                again = reading.of_text(made, source)
                if _alike(read := _read(again, folder), new, merged(again.layers)):
                    return made
        except Unkept as error:
            raise Unkept(f"{name}: {error.message}", error.hint, error.loses) from None
        except LattyError as error:
            why = why or f": {error.message}"
        except Exception:  # a legal layout that tomlkit cannot change in place fails in many ways
            continue
    if merging.filled:
        both = several(placeholders([*merging.filled]))
        raise Unkept(f"{name}: {both.message}", both.hint, both.loses)
    what = f"{name} cannot say this with what else is in it{why}"
    raise Unkept(what, "save it under another name")


def _alike(read: Data, new: Data, said: Data) -> bool:
    """Whether what was read is what was saved. A name or path in which a placeholder stands for the
    seed or the model may be another one now."""
    keys = ["name"] if "{" in str(said.get("name")) and VARS in said else []
    read = {**read, **{key: new[key] for key in keys}}
    sides = (read.get("outputs", []), new.get("outputs", []), said.get("outputs", []))
    if len({len(side) for side in sides}) == 1 and isinstance(sides[2], list):
        kept = [{**a, "path": b["path"]} if "{" in c["path"] else a
                for a, b, c in zip(*sides, strict=True)]  # fmt: skip
        read = {**read, "outputs": kept} if kept else read
    return read == new
