"""What pydantic found, in words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from latty.errors import did_you_mean
from latty.tables.words import LONGEST_FILE, Path, described, dotted, shown, unsafe_character

__all__ = ["LONGEST_FILE", "Path", "dotted", "shown", "told", "unsafe_character"]

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
