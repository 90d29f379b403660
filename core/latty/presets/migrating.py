"""Preset files of an older layout rewritten in today's; comments, order and spelling stay."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from latty.errors import BadData, unwritten
from latty.files import replace_whole
from latty.locks import writing
from latty.presets.merging import merge
from latty.presets.migrations import STEPS, Step, migrate
from latty.presets.reading import PRESET_FILE
from latty.presets.values import SCHEMA
from latty.tables import reading as tables


def rewrite(
    path: Path, check: bool, steps: Mapping[int, Step] = STEPS, newest: int = SCHEMA
) -> int | None:
    """The layout that a preset file had, None where it has today's; with `check` it is not written.
    0: it said none.

    Raises PresetError, Missing, BadData for a newer layout, OutputError, Locked.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    table = tables.read(target, PRESET_FILE, str(path))
    if table.data.get("schema") == newest:
        return None
    new = {**migrate(table.data, steps, newest), "schema": newest}
    if not check:
        try:
            with writing(target):
                replace_whole(target, [_rewritten(target.read_bytes(), new, str(path)).encode()])
        except OSError as error:
            raise unwritten(f"cannot write {path}", error) from None
    said = table.data.get("schema", 0)
    return said if isinstance(said, int) else 0


def _rewritten(raw: bytes, new: Mapping[str, object], name: str) -> str:
    """The text that says `new`. Raises BadData where tomlkit cannot keep what else is in it."""
    text = raw.decode("utf-8")
    mark, crlf = "\ufeff" if text.startswith("\ufeff") else "", "\r\n" in text
    document = tomlkit.parse(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    old = tomllib.loads(tomlkit.dumps(document))
    merge(
        document, old, {key: value for key, value in new.items() if key in old or key != "schema"}
    )
    made = tomlkit.dumps(document)
    if "schema" not in old:
        made = _with_first_line(made, f"schema = {new['schema']}")
    if tomllib.loads(made) != new:
        raise BadData(f"{name} cannot be rewritten with what else is in it", "write it by hand")
    return mark + (made.replace("\n", "\r\n") if crlf else made)


def _with_first_line(text: str, line: str) -> str:
    """The text with a line before its first key; the comments above that stay above."""
    lines = text.split("\n")
    said = (i for i, one in enumerate(lines) if one.strip() and not one.lstrip().startswith("#"))
    at = next(said, len(lines))
    return "\n".join([*lines[:at], line, *lines[at:]])
