"""What a value of a table may be, as rules that are put together: `array(whole(0, 9), 1, 3)`.

A rule reads a value: it notes what is wrong and gives the value that the program uses. It also has
the JSON schema of what it reads, for editors.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, NamedTuple

from latty.errors import did_you_mean
from latty.tables.words import Path, described, shown, unsafe_character

ABSENT: Any = object()  # default of a key that is left out where it is absent
HINTED = 1000  # unknown keys that are compared with the known ones; nobody sees the others' hints

Schema = dict[str, Any]  # a JSON schema, or a part of one


class Fault(NamedTuple):
    """What is wrong at a key, and what to do."""

    where: Path
    what: str
    hint: str = ""


@dataclass(slots=True)
class Faults:
    """What was found wrong so far.

    limits  whether ranges and lengths count, as in files; False = only what kind a value is, as
            between two processes of latty, where a number may be NaN and a text may be anything
    wide    whether a number may lie in the wide range of its rule, as in recipes of pictures
    about   what a rule must know of the whole file, such as how long its film is
    """

    limits: bool = True
    wide: bool = False
    about: Any = None
    found: list[Fault] = field(default_factory=list)

    def add(self, where: Path, what: str, hint: str = "") -> None:
        self.found.append(Fault(where, what, hint))


Read = Callable[[Any, Path, Faults], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    read    (value, where, faults) -> the value that the program uses; any value after a fault
    fits    whether a value is of this kind at all: chooses the rule of a `one_of`
    schema  of the values that it takes
    """

    read: Read
    fits: Callable[[Any], bool]
    schema: Schema

    def accepts(self, value: Any) -> bool:
        """Whether the value has no fault."""
        faults = Faults()
        self.read(value, (), faults)
        return not faults.found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def whole(low: int, high: int, wide: tuple[int, int] | None = None) -> Rule:
    """A whole number from `low` to `high`; where Faults are wide, in the range `wide`."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            faults.add(where, f"must be a whole number, not {described(value)}")
        else:
            _in_range(value, wide if wide and faults.wide else (low, high), where, faults)
        return value

    return Rule(read, _is_number, {"type": "integer", "minimum": low, "maximum": high})


def number(low: float, high: float, wide: tuple[float, float] | None = None) -> Rule:
    """A finite number from `low` to `high`; a float, but where limits do not count. Where Faults
    are wide, in the range `wide`."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not _is_number(value):
            faults.add(where, f"must be a number, not {described(value)}")
        elif faults.limits and isinstance(value, float) and not math.isfinite(value):
            faults.add(where, f"must be a finite number, not {described(value)}")
        else:
            limits = wide if wide and faults.wide else (low, high)
            if _in_range(value, limits, where, faults) and faults.limits:
                return float(value)
        return value

    return Rule(read, _is_number, {"type": "number", "minimum": low, "maximum": high})


def _in_range(value: float, limits: tuple[float, float], where: Path, faults: Faults) -> bool:
    low, high = limits
    if faults.limits and value < low:
        faults.add(where, f"must be at least {described(low)}, not {described(value)}")
    elif faults.limits and value > high:
        faults.add(where, f"must be at most {described(high)}, not {described(value)}")
    else:
        return True
    return False


def flag() -> Rule:
    """True or false."""
    return matching("true or false", lambda v: isinstance(v, bool), {"type": "boolean"})


def word(*words: str) -> Rule:
    """One of some words."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not isinstance(value, str) or value not in words:
            choice = ", ".join(f"'{word}'" for word in words)
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            what = f"must be one of {choice}, not {described(value)}"
            faults.add(where, what, near if near.startswith("did") else "")
        return value

    return Rule(read, _is_text, {"type": "string", "enum": list(words)})


def text(longest: int, shortest: int = 1) -> Rule:
    """A text of so many characters, none of which could command a terminal."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not isinstance(value, str):
            faults.add(where, f"must be text in quotes, not {described(value)}")
        elif faults.limits and len(value) < shortest:
            faults.add(where, "must not be empty")
        elif faults.limits and len(value) > longest:
            faults.add(where, f"is longer than {longest} characters")
        elif faults.limits and (character := unsafe_character(value)):
            faults.add(where, f"holds the control character {character}")
        return value

    return Rule(read, _is_text, {"type": "string", "minLength": shortest, "maxLength": longest})


def anything() -> Rule:
    """Whatever it is: who asks for it looks at it."""
    return Rule(lambda value, where, faults: value, lambda value: True, {})


def array(item: Rule, low: int = 0, high: int = 100_000) -> Rule:
    """A list of `low` to `high` entries, read as a tuple. A length that is fixed counts always."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not isinstance(value, list):
            faults.add(where, f"must be a list in brackets, not {described(value)}")
            return value
        if len(value) < low and (faults.limits or low == high):
            faults.add(where, f"needs at least {low} entries, has {len(value)}")
        elif len(value) > high and (faults.limits or low == high):
            faults.add(where, f"takes at most {high} entries, has {len(value)}")
        else:
            return tuple(item.read(one, (*where, i), faults) for i, one in enumerate(value))
        return value

    schema = {"type": "array", "items": item.schema, "minItems": low, "maxItems": high}
    return Rule(read, lambda value: isinstance(value, list), schema)


def mapping(item: Rule) -> Rule:
    """A table whose keys are anybody's, read as a tuple of (key, value)."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not isinstance(value, dict):
            faults.add(where, f"must be a table, not {described(value)}")
            return value
        return tuple((key, item.read(one, (*where, key), faults)) for key, one in value.items())

    schema = {"type": "object", "additionalProperties": item.schema}
    return Rule(read, lambda value: isinstance(value, dict), schema)


def matching(words: str, accepts: Callable[[Any], bool], schema: Schema | None = None) -> Rule:
    """Whatever `accepts` says yes to; `words` say what that is: "must be {words}, not ..."."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if not accepts(value):
            faults.add(where, f"must be {words}, not {described(value)}")
        return value

    return Rule(read, accepts, schema or {})


def checked(rule: Rule, *functions: Callable[[Any], Any], always: bool = False) -> Rule:
    """The rule, then functions that give the value to use or raise ValueError with what is wrong.

    always  even where limits do not count: what the value is made of, not how large it is
    """

    def read(value: Any, where: Path, faults: Faults) -> Any:
        before = len(faults.found)
        value = rule.read(value, where, faults)
        if len(faults.found) > before or not (faults.limits or always):
            return value
        try:
            for function in functions:
                value = function(value)
        except ValueError as error:
            faults.add(where, str(error))
        return value

    return Rule(read, rule.fits, rule.schema)


def one_of(words: str, *rules: Rule) -> Rule:
    """The first rule that fits the kind of the value; `words` say what all of them are."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        for rule in rules:
            if rule.fits(value):
                return rule.read(value, where, faults)
        faults.add(where, f"must be {words}")
        return value

    def fits(value: Any) -> bool:
        return any(rule.fits(value) for rule in rules)

    return Rule(read, fits, {"oneOf": [rule.schema for rule in rules]})


def or_none(rule: Rule) -> Rule:
    """The rule, or None, which a file has no word for: a message between processes has."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        return None if value is None else rule.read(value, where, faults)

    return Rule(read, lambda value: value is None or rule.fits(value), rule.schema)


# --- tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table: its rule, its help text, its default (ABSENT: there is none).

    facts  what else its user wants to know of it
    """

    rule: Rule
    help: str = ""
    default: Any = ABSENT
    required: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


def table(
    keys: Mapping[str, Key],
    make: Callable[..., Any] | None = None,
    mark: str | None = None,
    others: bool = False,
) -> Rule:
    """A table of these keys and no others, made a value by `make`.

    mark    a key that tells such a table from the other tables of a `one_of`
    others  there may be more keys, which nobody reads
    """

    def read(value: Any, where: Path, faults: Faults) -> Any:
        before = len(faults.found)
        if not isinstance(value, dict):
            faults.add(where, f"must be a table, not {described(value)}")
            return value
        for name in value:
            if not isinstance(name, str):
                faults.add(where, "has a key that is no text")
            elif name not in keys and not others:
                near = did_you_mean(shown(name), keys) if len(faults.found) < HINTED else ""
                faults.add((*where, name), "unknown key", near)
        found = {}
        for name, key in keys.items():
            if name in value:
                found[name] = key.rule.read(value[name], (*where, name), faults)
            elif key.required:
                faults.add((*where, name), "is missing")
            elif key.default is not ABSENT:
                found[name] = key.default
        return found if make is None or len(faults.found) > before else make(**found)

    def fits(value: Any) -> bool:
        return isinstance(value, dict) and (mark is None or mark in value)

    return Rule(read, fits, _table_schema(keys))


def tagged(
    tag: str,
    kinds: Mapping[str, Mapping[str, Key]],
    make: Callable[..., Any] | None = None,
    checks: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Rule:
    """A table whose key `tag` is a word that says which other keys it has, made a value by `make`.

    checks  of some kinds: a function of the table that raises ValueError with what is wrong
    """
    which, checks = word(*kinds), checks or {}

    def of(kind: str, keys: Mapping[str, Key]) -> Rule:
        rule = table({tag: Key(which, required=True), **keys})
        after = [f for f in (checks.get(kind), make and (lambda found: make(**found))) if f]
        return checked(rule, *after, always=True)

    rules = {kind: of(kind, keys) for kind, keys in kinds.items()}

    def read(value: Any, where: Path, faults: Faults) -> Any:
        kind = value.get(tag) if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in rules:
            return rules[kind].read(value, where, faults)
        if not isinstance(value, dict):
            faults.add(where, f"must be a table, not {described(value)}")
        elif tag not in value:
            faults.add((*where, tag), "is missing")
        else:
            which.read(kind, (*where, tag), faults)
        return value

    schemas = [rule.schema for rule in rules.values()]
    return Rule(read, lambda value: isinstance(value, dict), {"oneOf": schemas})


def _table_schema(keys: Mapping[str, Key]) -> Schema:
    required = [name for name, key in keys.items() if key.required]
    properties = {}
    for name, key in keys.items():
        properties[name] = {"description": key.help, **key.rule.schema}
        if isinstance(key.default, bool | int | float | str):
            properties[name]["default"] = key.default
    made = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**made, "required": required} if required else made


def says(rule: Rule, help: str = "", **facts: Any) -> dict[str, Any]:
    """What a file may say for a field of a dataclass: `field(metadata=says(...))`."""
    return {"key": Key(rule, help, facts=facts)}


def option(default: Any, rule: Rule, help: str = "", **facts: Any) -> Any:
    """A field of a dataclass that has a default: `size: int = option(256, whole(8, 4096))`."""
    return field(default=default, metadata=says(rule, help, **facts))


def keys_of(made: Any) -> dict[str, Key]:
    """The keys of a dataclass whose fields say their rules, with the defaults of the fields."""
    return _keys_of(made)


@cache
def _keys_of(made: Any) -> dict[str, Key]:
    keys = {}
    for one in fields(made):
        if (key := one.metadata.get("key")) is not None:
            required = one.default is MISSING
            keys[one.name] = Key(key.rule, key.help, one.default, required, key.facts)
    return keys


def record(made: Any) -> Rule:
    """A table that becomes a dataclass whose fields say their rules."""
    return table(keys_of(made), made)
