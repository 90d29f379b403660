"""What an archive shows of its author's machine: presets are packed as they were written, and the
paths in them with them; comments and other files may name the home folder, too."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latty import reading
from latty.errors import Problem
from latty.presets.layers import PresetLayer
from latty.presets.variables import LATER
from latty.tables import words

# How a path begins that counts from no preset's folder, on any system.
_WHOLE = re.compile(r"(?:/|~[\w.-]*/|[A-Za-z]:[\\/]|\\\\)[^\s/\\]")
_HINT = "which the archive shows as it is: spell it from the preset's folder"


def of_preset(layer: PresetLayer) -> list[str]:
    """A line for each place of a file where it names a folder of this machine, comments included.
    Raises OSError."""
    found = {one.line: one for one in reversed([*_texts(layer)])}
    lines = reading.content(layer.path).decode("utf-8", "replace") if layer.path else ""
    for number, line in enumerate(lines.splitlines(), 1):
        if _home() in line.encode() and number not in found:
            found[number] = Problem(
                number, 1, "", "names your home folder", "and is shown as it is"
            )
    return [found[line].format(layer.table.file) for line in sorted(found)]


def of_file(name: str, content: memoryview) -> list[str]:
    """The same of a file that is no preset: one line at most."""
    if re.search(re.escape(_home()), content) is None:
        return []
    return [f"{words.shown(name)} names your home folder, and is shown as it is"]


def _home() -> bytes:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() raises
    return os.fsencode(f"{home}/") if len(home.parts) > 1 else b"\0no home\0"


def _texts(layer: PresetLayer) -> Iterator[Problem]:
    for where, text in _every(layer.table.data):
        caption = len(where) > 2 and (where[0], where[2]) in LATER
        if _WHOLE.match(text) and not caption:
            what = f"'{words.shown(text)}' is a path of this machine"
            yield layer.table.problem(where, what, _HINT)


def _every(data: Any, where: words.Path = ()) -> Iterator[tuple[words.Path, str]]:
    """(key, text) of all texts in a table, the keys of [pins] among them."""
    if isinstance(data, str):
        yield where, data
    elif isinstance(data, dict):
        for key, value in data.items():
            if where[:1] == ("pins",):
                yield (*where, key), key
            yield from _every(value, (*where, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _every(value, (*where, index))
