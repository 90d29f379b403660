"""What a number of a scene may do while a film goes on; each kind is a module of this folder.

A kind says how files spell it (Spelling) and what it is at a moment (Motion). To add one, write its
module and name its spellings in SPELLINGS.
"""

from latty.presets.tracks import keyed, noise
from latty.presets.tracks.keyed import Track
from latty.presets.tracks.motion import Motion, Spelling
from latty.tables.rules import one_of, table

__all__ = ["SPELLINGS", "TRACK", "Motion", "Spelling", "Track", "words"]

SPELLINGS: tuple[Spelling, ...] = (*keyed.SPELLINGS, *noise.SPELLINGS)

_KNOWN = sorted(SPELLINGS, key=lambda one: not one.mark)  # what has no mark comes last


def words(number: str) -> str:
    """What may stand in the place of a number: "a number, { from = ..., to = ... } or ..."."""
    like = [number, *(one.like for one in SPELLINGS)]
    return f"{', '.join(like[:-1])} or {like[-1]}"


TRACK = one_of(
    words("a track"), *(table(one.keys, one.make, mark=one.mark or None) for one in _KNOWN)
)
