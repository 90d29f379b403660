"""Frame rates as people write them: 25, 29.97, "30000/1001", "ntsc"; exact, as fractions."""

import re
from fractions import Fraction
from functools import lru_cache

from latty.tables.rules import Rule, checked, number, one_of, text
from latty.tables.words import shown

Rate = float | str  # as a file says it

NAMED = {  # FFmpeg's names
    "ntsc": Fraction(30000, 1001),
    "pal": Fraction(25),
    "film": Fraction(24),
    "ntsc-film": Fraction(24000, 1001),
}
LEAST, MOST = 1, 120
NEAR = Fraction(1, 200)  # 23.976, 23.98, 29.97 and 59.94 are as near to what they mean
DIGITS = 1001  # a number such as 12.5 is the nearest fraction with so large a denominator


@lru_cache(256)
def exact(rate: Rate) -> Fraction:
    """Frames per second. Raises ValueError for a text that is none."""
    if isinstance(rate, str):
        return _of_text(rate)
    found = Fraction(rate)
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if abs(found - ntsc) < NEAR:
            return ntsc
    return found.limit_denominator(DIGITS)


def _of_text(said: str) -> Fraction:
    if said in NAMED:
        return NAMED[said]
    parts = re.fullmatch(r"(\d{1,6})/([1-9]\d{0,5})", said, re.ASCII)
    if parts is None:
        names = ", ".join(f"'{name}'" for name in NAMED)
        raise ValueError(f"'{shown(said)}' is no frame rate; write 25, '30000/1001' or {names}")
    found = Fraction(int(parts[1]), int(parts[2]))
    if not LEAST <= found <= MOST:
        raise ValueError(f"must be from {LEAST} to {MOST}, not {shown(said)}")
    return found


def _said(rate: str) -> str:
    exact(rate)
    return rate


def rule() -> Rule:
    """A number from 1 to 120, or a text that `exact` reads; kept as it was said."""
    named = checked(text(20), _said, always=True)
    return one_of("a number from 1 to 120, '30000/1001' or 'ntsc'", number(LEAST, MOST), named)
