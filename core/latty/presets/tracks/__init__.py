"""What a number of a scene may do while a film goes on; each kind is a module of this folder.

A kind says how files spell it (Spelling) and what it is at a moment (Motion). To add one, write its
module and name its spellings in SPELLINGS.
"""

from latty.presets.tracks import following, keyed, noise
from latty.presets.tracks.keyed import Track, easing_key
from latty.presets.tracks.motion import Motion, Spelling
from latty.tables.rules import Rule, checked, one_of, table

__all__ = ["SPELLINGS", "TRACK", "Motion", "Spelling", "Track", "easing_key", "words"]

SPELLINGS: tuple[Spelling, ...] = (*keyed.SPELLINGS, *noise.SPELLINGS, *following.SPELLINGS)

_KNOWN = sorted(SPELLINGS, key=lambda one: not one.mark)  # what has no mark comes last


def words(number: str) -> str:
    """What may stand in the place of a number: "a number, { from = ..., to = ... } or ..."."""
    like = [number, *(one.like for one in SPELLINGS)]
    return f"{', '.join(like[:-1])} or {like[-1]}"


def _made(spelling: Spelling) -> Rule:
    said = table(spelling.keys, mark=spelling.mark or None)
    return checked(said, lambda found: spelling.make(**found), always=True)


TRACK = one_of(words("a track"), *map(_made, _KNOWN))
