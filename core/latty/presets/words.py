"""Faults in words: what pydantic found, said with the file's own keys; safe for any terminal."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from latty.errors import did_you_mean
from latty.text import clean, is_safe

Path = tuple[str | int, ...]

LONGEST = 60  # a quoted text in a message is cut after this many characters
LONGEST_FILE = 4096  # a file name is cut as late as that: people click on it
MOLDS = {  # pydantic's error type -> our words, filled with the error's context
    "missing": "is missing",
    "greater_than_equal": "must be at least {ge}, not {it}",
    "less_than_equal": "must be at most {le}, not {it}",
    "greater_than": "must be more than {gt}, not {it}",
    "less_than": "must be less than {lt}, not {it}",
    "finite_number": "must be a finite number, not {it}",
    "int_type": "must be a whole number, not {it}",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number, not {it}",
    "string_type": "must be text in quotes, not {it}",
    "bool_type": "must be true or false, not {it}",
    "list_type": "must be a list in brackets, not {it}",
    "dict_type": "must be a table, not {it}",
    "invalid_key": "has a key that is no text",
    "too_short": "needs at least {min_length} entries, has {actual_length}",
    "too_long": "takes at most {max_length} entries, has {actual_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
}


def shown(text: str, longest: int = LONGEST) -> str:
    """Text from a stranger, for a message: one line, no control or bidi character, not long."""
    return clean(text, longest, None)


def unsafe_character(text: str) -> str:
    """The first character that could command a terminal, written out; "" where there is none."""
    return next((shown(c) for c in text if not is_safe(c)), "")


def dotted(path: Path) -> str:
    """A key path as people write it: scene.edits.0.strength."""
    return ".".join(
        shown(str(part))
        if re.fullmatch(r"[\w-]+", str(part), re.ASCII)
        else f"'{shown(str(part))}'"
        for part in path
    )


def described(value: Any) -> str:
    """What somebody wrote, in few words: "text 'abc'", "a list", 7."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return shown(f"{value:g}") if isinstance(value, float) else _whole(value)
    if isinstance(value, str):
        return f"text '{shown(value)}'"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return "nothing" if value is None else "a date or time"


def _whole(value: int) -> str:
    return str(value) if value.bit_length() < 128 else "a number of many digits"


def told(error: Mapping[str, Any], known: Iterable[str]) -> tuple[str, str]:
    """(what, hint) of one pydantic error; `known` are the keys allowed where it happened."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key", did_you_mean(shown(str(error["loc"][-1])), known)
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        choice = ", ".join(f"'{word}'" for word in words)
        given = error["input"]
        near = did_you_mean(given, words) if isinstance(given, str) else ""
        hint = near if near.startswith("did") else ""
        return f"must be one of {choice}, not {described(given)}", hint
    if kind == "value_error":
        return str(context["error"]), ""
    if kind in MOLDS:
        limits = {k: described(v) for k, v in context.items() if isinstance(v, int | float)}
        return MOLDS[kind].format(it=described(error["input"]), **limits), ""
    return str(error["msg"]), ""  # our own custom messages; tests hold that nothing else gets here
