"""`[vars]`: "{name}" stands for a value wherever a preset has a text.

A text that is only a placeholder becomes the value itself, of its own type: `seed = "{seed}"`; so
does one with a minus before a number: `from = "-{span}"`. In a longer text a number may say how it
is written: "{seed:06d}". "{{" and "}}" are braces.

The keys of [[each]] are names, too. In a path of an output a text of theirs is its last part, so
that "{direction}" is no folder: "parts/c0" is "c0", "pool#3" is "pool-3". A caption stays a text.

Where a preset has no [vars], braces are what they were before there were any, and only the path of
an output knows {seed}, {model} and {name}, which stand for the preset's own.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from latty.errors import did_you_mean
from latty.presets.texts import PLACEHOLDERS
from latty.tables.rules import Fault
from latty.tables.words import Path, described

KEY = "vars"
OWN = ("seed", "model", "name")  # what the path of an output knows by itself
NAME = r"[A-Za-z_][\w-]*"
TOKEN = re.compile(rf"\{{\{{|\}}\}}|\{{({NAME})(?::([^{{}}]*))?\}}", re.ASCII)
_NEGATIVE = re.compile(rf"-\{{({NAME})\}}", re.ASCII)  # of a number it is one, too
SPEC = re.compile(r"[+ ]?0?\d{0,2}(\.\d{1,2})?[dfge%]?", re.ASCII)
_OWN = rf"\{{(?:{'|'.join(OWN)})(?::[^{{}}]*)?\}}"
_ESCAPED = re.compile(rf"\{{({_OWN})\}}")
LONGEST = 10_000  # characters that are filled in to one text
ALL = 1_000_000  # and to all texts
ROWS = ("outputs", "panels", "text")
UNFILLED = (KEY, "each")
LATER = {  # what also follows the film
    ("text", "value"), ("panels", "title"), ("outputs", "row_names"), ("outputs", "column_names"),
}  # fmt: skip
MOST = 100_000  # values that are filled in, lists within lists counted
DEEPEST = 50  # names that stand for one another
SCALARS = str | int | float  # a truth value is an int

Values = Mapping[str, Any]


@dataclass(slots=True)
class Filling:
    """What was filled in so far.

    values   by name; texts of them may hold placeholders of others
    strict   whether a placeholder that stands for nothing is a fault, or stays as it is
    unread   names whose values are wrong, which is told where they are said
    waiting  keys whose texts stay as they are, for these names
    laid     keys of [[each]] that have several values at once: rows or columns of a sheet
    """

    values: Values
    strict: bool = True
    unread: Collection[str] = ()
    laid: Collection[str] = ()
    waiting: set[Path] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)
    count: int = 0
    characters: int = 0
    inside: list[str] = field(default_factory=list)  # names whose values are being filled in

    def filled(self, value: Any, where: Path, later: Collection[str] = ()) -> Any:
        """A value of a table with its placeholders replaced; `later`: names that are filled in
        afterwards, as those of captions while pictures are drawn: a text stays one, and its braces
        are written twice."""
        self.count += 1
        if self.count > MOST:
            self._fault(where, f"stands for more than {MOST} values")
            return value
        if isinstance(value, dict):
            return {key: self.filled(one, (*where, key), later) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one, (*where, i), later) for i, one in enumerate(value)]
        return self._text(value, where, later) if isinstance(value, str) else value

    def _text(self, text: str, where: Path, later: Collection[str]) -> Any:
        if "{" not in text and "}" not in text:
            return text
        whole = TOKEN.fullmatch(text)
        if not later and whole is not None and whole[1] in self.values and whole[2] is None:
            return self._value(whole[1], where)
        if (found := _NEGATIVE.fullmatch(text)) and found[1] in self.values:
            value = self._value(found[1], where)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _spelled(-value, None) if later else -value
        parts, end, left = list[str](), 0, LONGEST
        for token in TOKEN.finditer(text):
            part = self._written(token, where, later)
            left -= len(part)
            self.characters += len(part)
            if left < 0 or self.characters > ALL:
                most = f"in all {ALL}" if left >= 0 else str(LONGEST)
                self._fault(where, f"is filled with more than {most} characters")
                return text
            parts += [text[end : token.start()], part]
            end = token.end()
        return "".join([*parts, text[end:]])

    def _written(self, token: re.Match[str], where: Path, later: Collection[str]) -> str:
        """What stands in the place of a placeholder, or of two braces, within a text."""
        name, spec = token[1], token[2]
        if name is None:
            return token[0][0] if self.strict and not later else token[0]
        if name in self.unread:
            self.waiting.add(where)
            return token[0]
        if name not in self.values:
            if name not in later:
                self._unknown(name, where, later)
            return token[0]
        value = self._value(name, where)
        if not isinstance(value, SCALARS):
            self._fault(where, f"{{{name}}} is {described(value)}: it can only stand alone")
            return token[0]
        text = _spelled(value, spec)
        if text is None:
            self._fault(where, f"{{{name}:{spec}}} is no way to write {described(value)}")
            return token[0]
        return text.replace("{", "{{").replace("}", "}}") if later else text

    def _value(self, name: str, where: Path) -> Any:
        """What a name stands for, its own placeholders replaced."""
        if name in self.inside:
            circle = " -> ".join([*self.inside[self.inside.index(name) :], name])
            self._fault(where, f"goes in a circle: {circle}")
            return ""
        if len(self.inside) == DEEPEST:
            self._fault(where, f"goes through more than {DEEPEST} names that stand for others")
            return ""
        self.inside.append(name)
        try:
            return self.filled(self.values[name], where)
        finally:
            self.inside.pop()

    def _unknown(self, name: str, where: Path, later: Collection[str]) -> None:
        near = did_you_mean(name, [*self.values, *later])
        if name in self.laid:
            self._fault(where, f"{{{name}}} is laid out in rows or columns: it has no single value")
        elif self.strict:
            what = f"{{{name}}} stands for nothing"
            self._fault(where, what, near or "say it in [vars], or write {{ and }} for braces")
        else:
            self.doubts.append(Fault(where, f"{{{name}}} stands for nothing, and stays", near))

    def _fault(self, where: Path, what: str, hint: str = "") -> None:
        found = Fault(where, what, hint)
        if self.faults[-1:] != [found] and len(self.faults) < 1000:  # nobody reads so many
            self.faults.append(found)


def _spelled(value: str | float, spec: str | None) -> str | None:
    """A value within a text, None where it cannot be written so."""
    if spec is not None:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        whole = spec.endswith("d") and not isinstance(value, int)
        good = fits and not whole and SPEC.fullmatch(spec)
        return format(value, spec) if good else None
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def is_name(said: Any) -> bool:
    """Whether a placeholder may name this; it may be anything."""
    return isinstance(said, str) and re.fullmatch(NAME, said, re.ASCII) is not None


def named(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the names of [vars] stand for; the data may hold anything."""
    names = data.get(KEY)
    found = names.items() if isinstance(names, dict) else ()
    return {key: value for key, value in found if is_name(key)}


def filled(
    data: Mapping[str, Any],
    stem: str,
    chosen: Values | None = None,
    unread: Collection[str] = (),
    laid: Collection[str] = (),
) -> tuple[dict[str, Any], Filling]:
    """The data of a preset with its placeholders replaced, and what was found: faults and doubts.
    The data may hold anything.

    stem    the name of the preset where it says none
    chosen  a value for each key of [[each]]; None where there is none
    unread  keys of [[each]] of which something is wrong
    laid    those that its outputs lay out
    """
    known = named(data) | dict(chosen or {})
    strict = isinstance(data.get(KEY), dict) or chosen is not None or bool(unread)
    filling = Filling(known, strict, unread, laid)
    made = dict(data)
    if strict:
        made |= {key: filling.filled(value, (key,)) for key, value in data.items()
                 if key not in (*UNFILLED, *ROWS)}  # fmt: skip
        made |= {key: _rows(data[key], key, filling) for key in ROWS if key in data}
    parts = {key: _last_part(value) for key, value in (chosen or {}).items()}
    own = {key: value for key, value in _own(made, stem).items() if key not in laid}
    filling.values = {**own, **known, **parts}
    _fill_paths(made, filling)
    return made, filling


def _last_part(value: Any) -> Any:
    """What a file is named after: a direction without its set, a latent of a number with its
    pool: pool-3."""
    if not isinstance(value, str):
        return value
    last = value.rpartition("/")[2]
    name = last.rpartition("#")[2]
    return last.replace("#", "-") if name.isdecimal() else name


def _rows(value: Any, table: str, filling: Filling) -> Any:
    """Outputs, but for their paths, which know more; and texts and titles, which know the moment,
    too."""
    if not isinstance(value, list):
        return value
    return [
        {
            key: part if (table, key) == ("outputs", "path") else filling.filled(
                part, (table, index, key), PLACEHOLDERS if (table, key) in LATER else ()
            )
            for key, part in row.items()
        } if isinstance(row, dict) else row
        for index, row in enumerate(value)
    ]  # fmt: skip


def _own(data: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """What the path of an output knows by itself; a seed that is no single one is not among it."""
    scene = data.get("scene")
    said = scene if isinstance(scene, dict) else {}
    seed, model, name = said.get("seed", 0), said.get("model"), data.get("name", stem)
    found: dict[str, Any] = {"name": name} if isinstance(name, str) else {}
    if isinstance(model, str):
        found["model"] = PurePath(model).name.partition(".")[0]
    if not isinstance(seed, list | dict):  # what is no seed at all is told at its own place
        found["seed"] = seed if type(seed) is int else 0
    return found


def _fill_paths(data: dict[str, Any], filling: Filling) -> None:
    """Replaces the placeholders in the paths of outputs."""
    outputs = data.get("outputs")
    if not isinstance(outputs, list):
        return
    data["outputs"] = made = []
    for index, output in enumerate(outputs):
        if isinstance(output, dict) and isinstance(path := output.get("path"), str):
            where = ("outputs", index, "path")
            if "seed" not in filling.values and "{seed" in _ESCAPED.sub("", path):
                what = "{seed} has no single value here: the scene has several seeds"
                filling.faults.append(Fault(where, what, "leave it out"))
            elif filling.strict:
                path = filling.filled(path, where)
            else:  # what stands in two braces was escaped, all other braces stay
                parts = _ESCAPED.split(path)
                parts[::2] = [str(filling.filled(part, where)) for part in parts[::2]]
                path = "".join(parts)
            output = {**output, "path": str(path) if type(path) is int else path}
        made.append(output)


def escaped(text: str) -> str:
    """A path of an output as a file without [vars] says it, so that it is read as it is."""
    return re.sub(_OWN, r"{\g<0>}", text)
