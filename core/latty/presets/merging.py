"""A TOML document changed in place until it says something else: what does not change keeps its
comments, order and spelling; a placeholder of [vars] stands for the new value."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, InlineTable, Table

from latty.errors import Unkept
from latty.presets import variables
from latty.presets.comments import array_text
from latty.presets.convert import USUAL

Data = dict[str, Any]

_LISTS: Data = {"outputs": [], "panels": [], "text": []}  # of a preset that has none
_LATER = {key for _, key in variables.LATER}  # texts whose braces are filled in when drawn
_WHOLE = re.compile(rf"(-?)\{{({variables.NAME})\}}", re.ASCII)


@dataclass(slots=True)
class Merging:
    """Changes of a document.

    document  the whole of it
    names     the values of [vars], also of the files below; None where braces are plain text
    literal   write values in the place of placeholders
    inline    new lists of tables are inline, too
    filled    what placeholders stand for now
    """

    document: Any
    names: Mapping[str, Any] | None = None
    literal: bool = False
    inline: bool = False
    filled: Data = field(default_factory=dict)

    def tables(self, table: Any, old: Data, new: Data, below: Mapping[str, Any]) -> None:
        """Change `table`, which says `old` together with what the files below say, until it says
        `new`. Raises Unkept."""
        for key in [key for key in old if key not in new]:
            if key in table:
                del table[key]
            if key in below:
                table[key] = self.item(_usual(key), key)
        for key, value in new.items():
            if old.get(key) != value:
                self._change(table, key, old.get(key), value, below.get(key))

    def _change(self, table: Any, key: Any, before: Any, value: Any, below: Any = None) -> None:
        """Another value of one key of a table, or element of an array."""
        there = table.get(key) if isinstance(key, str) else table[key]
        beneath = below if isinstance(below, dict) else {}
        if key == "scene" and isinstance(before, dict):
            if there is None:  # it is all in a preset that this one extends
                table[key] = there = tomlkit.table()
            usual = {name: USUAL[name] for name in before if _is_told(there, name)}
            self.tables(table[key], before, usual | value, beneath)
        elif self._stands(there, before, value):
            return
        elif _are_tables(value) and isinstance(there, AoT):
            self._rows(there, before or [], value)
        elif (isinstance(there, InlineTable | Table) and isinstance(before, dict)
              and isinstance(value, dict)):  # fmt: skip
            self.tables(there, before, value, beneath)
        elif isinstance(there, Array) and isinstance(before, list) and isinstance(value, list):
            table[key] = self._elements(there, before, value)
        else:
            plain = isinstance(table, InlineTable | Array)
            table[key] = self._inline(value, key) if plain else self.item(value, key)

    def _stands(self, there: Any, before: Any, value: Any) -> bool:
        """Whether a placeholder is there, and stands for the new value now. Raises Unkept where it
        would stand for two."""
        found = _WHOLE.fullmatch(there) if isinstance(there, str) and not self.literal else None
        if found is None or self.names is None or found[2] not in self.names:
            return False
        sign, name = found.groups()
        if sign:
            if isinstance(value, str | list | dict):
                return False
            before, value = -before, -value
        if self.filled.get(name, value) != value:
            raise several(f"{{{name}}}")
        self.filled[name] = value
        if "vars" not in self.document:  # they are all in a preset that this one extends
            self.document["vars"] = tomlkit.table()
        table, said = self.document["vars"], self.names[name]
        if name in table:
            self.tables(table, {name: before}, {name: value}, {})
        elif not (isinstance(said, str) and self._stands(said, before, value)):
            table[name] = self._inline(value, name)
        return True

    def _rows(self, entries: AoT, old: list[Data], new: list[Data]) -> None:
        """Edits or outputs: entries that stay keep their comments although others come and go."""
        for start, stop, first, last in _steps(old, new):
            common = min(stop - start, last - first)
            for index in reversed(range(start + common, stop)):
                del entries[index]
            for index in range(first + common, last):
                entries.insert(start + index - first, self._table(new[index]))
            for index in range(common):
                self.tables(entries[start + index], old[start + index], new[first + index], {})

    def _elements(self, entries: Array, old: list[Any], new: list[Any]) -> Any:
        """Keys of a track, stops of a walk: those that stay keep their comments."""
        text = array_text(entries.as_string())
        made = [*text.elements]
        for start, stop, first, last in _steps(old, new):
            common = min(stop - start, last - first)
            for index in range(common):
                self._change(entries, start + index, old[start + index], new[first + index])
                value = tomlkit.item(entries[start + index]).as_string()
                made[start + index] = replace(made[start + index], value=value)
            more = (self._inline(one).as_string() for one in new[first + common : last])
            made[start + common : stop] = [text.another(one, start) for one in more]
        return tomlkit.parse(f"x = {text.of(made)}")["x"]

    def item(self, value: Any, key: Any = "") -> Any:
        """[scene] and [[lists of tables]] as tables, a track or walk as { ... }, the rest plain."""
        if _are_tables(value) and value and not self.inline:
            tables = tomlkit.aot()
            for one in value:
                tables.append(self._table(one))
            return tables
        if isinstance(value, dict) and "model" in value:
            return self._table(value)
        return self._inline(value, key)

    def _table(self, value: Data) -> Table:
        table = tomlkit.table()
        for key, part in value.items():
            table[key] = self.item(part, key)
        return table

    def _inline(self, value: Any, key: Any = "") -> Any:
        """Tables inside an inline table are inline too."""
        if isinstance(value, dict):
            table = tomlkit.inline_table()
            for name, part in value.items():
                table[name] = self._inline(part, name)
            return table
        if isinstance(value, list):
            array = tomlkit.array()
            array.extend(self._inline(part) for part in value)
            return array
        if isinstance(value, str) and self.names is not None and key not in _LATER:
            value = value.replace("{", "{{").replace("}", "}}")
        return tomlkit.item(value)


def several(what: str) -> Unkept:
    """A placeholder would stand for two values."""
    return Unkept(f"{what} of [vars] stands for other values, too", "change it in [vars]",
                  "placeholders")  # fmt: skip


def _steps(old: list[Any], new: list[Any]) -> Iterator[tuple[int, int, int, int]]:
    """(start, stop) of old entries and (first, last) of new ones in their place, from the end:
    indices stay true."""
    before, after = ([json.dumps(one) for one in side] for side in (old, new))
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    yield from (step[1:] for step in reversed(steps) if step[0] != "equal")


def _is_told(table: Any, name: str) -> bool:
    """Whether a comment stands behind a number or word of a scene: it stays with the usual one."""
    there = table.get(name)
    return isinstance(USUAL.get(name), int | float | str) and bool(
        getattr(getattr(there, "trivia", None), "comment", "")
    )


def _usual(key: str) -> Any:
    """What a preset says that takes back what one below it says. Raises Unkept where nothing
    does."""
    value = {**USUAL, **_LISTS}.get(key)
    if value is None:
        raise Unkept(f"{key} stands in a preset that this one extends, and no value takes it back")
    return list(value) if isinstance(value, tuple) else value


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def document_of(data: Mapping[str, Any]) -> tomlkit.TOMLDocument:
    """The values as a document of their own."""
    document = tomlkit.document()
    for key, value in data.items():
        document[key] = Merging(document).item(value, key)
    return document


def merge(document: Any, old: Data, new: Data) -> None:
    """Change a document, which says `old`, in place until it says `new`; braces are plain text."""
    Merging(document).tables(document, old, new, {})


def placeholders(names: Sequence[str]) -> str:
    """`{a}, {b}`."""
    return ", ".join(f"{{{name}}}" for name in names)
