"""The sounds that a preset names: those that its tracks follow, and those that its films carry.

A sound is a file. Its packets are counted here, and none is decoded; nothing imports numpy.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any

from latty.errors import BadData, OutputError
from latty.sound import look as look_at
from latty.sound.decoding import SoundFacts
from latty.tables.words import Path, shown

LONGEST = 10**5  # seconds of a film: as many frames at the lowest rate
WHOLE = "sound"  # as `seconds`: as long as the sound
HOLDING = (dict, list)  # what other values are in: a sheet has thousands that are not
ONE = "counts on one sound and one offset, and {}"


def named(data: Any, where: Path = ()) -> Iterator[tuple[Path, str, float]]:
    """(key, file, offset in seconds) of every sound in the data of a preset, which may hold
    anything."""
    if isinstance(data, list):
        for index, one in enumerate(data):
            if isinstance(one, HOLDING):
                yield from named(one, (*where, index))
    elif isinstance(data, dict):
        if isinstance(ref := data.get("sound"), str) and where:
            offset = data.get("offset", 0.0)
            is_number = isinstance(offset, int | float) and not isinstance(offset, bool)
            fits = is_number and abs(offset) <= LONGEST
            yield (*where, "sound"), ref, float(offset) if fits else 0.0
        for key, one in data.items():
            if isinstance(one, HOLDING) and (where or key in ("scene", "panels", "outputs")):
                yield from named(one, (*where, key))


def look(ref: str) -> SoundFacts:
    """What is known of a sound, by its packets. Raises Missing, BadData, OutputError."""
    try:
        return look_at(File(ref).expanduser())
    except BadData:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # the last: "~nobody/x"
        reason = getattr(error, "strerror", None) or "no file can have this name"
        raise OutputError(f"cannot read {shown(ref)}: {reason}") from None


def lasting(data: Mapping[str, Any]) -> float:
    """How long the film of a preset lasts that is as long as its sound. Raises ValueError where it
    has none, or several, Missing, BadData, OutputError."""
    found = {(ref, offset) for _, ref, offset in named(data)}
    if len(found) != 1:
        raise ValueError(ONE.format("no sound is named" if not found else "there are several"))
    ref, offset = found.pop()
    seconds = look(ref).seconds - offset
    if seconds <= 0:
        raise ValueError(f"begins {offset:g} s into {shown(ref)}, which has ended by then")
    return seconds
