"""Keys and values as messages show them: one line, not long, safe for any terminal."""

import re
from typing import Any

from latty.text import clean, is_safe

Path = tuple[str | int, ...]

LONGEST = 60  # a quoted text in a message is cut after this many characters
LONGEST_FILE = 4096  # a file name is cut as late as that: people click on it


def shown(text: str, longest: int = LONGEST) -> str:
    """Text of a file, for a message: one line, no control or bidi character, not long."""
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
    if isinstance(value, int):
        return str(value) if value.bit_length() < 128 else "a number of many digits"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return f"text '{shown(value)}'"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return "nothing" if value is None else "a date or time"
