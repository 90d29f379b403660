"""Bytes as people write them: 2000000, "2MB", "1.5 MiB"."""

import re
from functools import partial

from latty.tables.rules import Rule, checked, one_of, text, whole
from latty.tables.words import shown

UNITS = {"": 1, "b": 1}
UNITS |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)}
UNITS |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([a-zA-Z]*)", re.ASCII)
MOST = 2**50

Amount = int | str  # as a file says it


def exact(said: Amount) -> int:
    """Bytes. Raises ValueError for a text that is no amount of them."""
    if isinstance(said, int):
        return said
    found = _AMOUNT.fullmatch(said.strip())
    if found is None or found[2].lower() not in UNITS:
        raise ValueError(f"'{shown(said)}' is no amount: write '800kB', '2MB' or '1.5MiB'")
    return round(float(found[1]) * UNITS[found[2].lower()])


def rule(least: int = 0) -> Rule:
    """An amount of at least so many bytes, kept as it was said."""
    amounts = one_of("a number of bytes or '2MB'", whole(0, MOST), text(30))
    return checked(amounts, partial(_enough, least))


def _enough(least: int, said: Amount) -> Amount:
    if not least <= exact(said) <= MOST:
        raise ValueError(f"must be from {least} to {MOST} bytes")
    return said


def shown_bytes(count: int) -> str:
    """An amount for people: "1.94 MB", "512 kB"."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"
