"""Times of a film as people write them, and when each of its frames is.

A place in the film is a number from 0 (its first frame) to 1 (one past its last), or a text:
"2.5s", "500ms", "12b" (beats: needs `bpm`), "50%". A length (how long something is held, after how
long it repeats) is a number of seconds, or such a text. Both become shares of the film.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, overload

from latty.errors import LattyError
from latty.presets import rates, sounds
from latty.tables.rules import Faults, Rule
from latty.tables.words import Path, described, shown

FRAMES = 60  # of a preset that moves and does not say how many
MOST = 10**5  # frames of a film
USUAL: float = 25  # frames per second of an output that does not say

LONGEST = sounds.LONGEST  # seconds
TEXT = r"\d{1,9}(\.\d{1,9})?(s|ms|b|%)"
FORMS = "write '2.5s', '500ms', '12b' or '50%'"
SLACK = 1e-9  # of a film: what rounding may add to a time at its very end

Clock = Literal["place", "length"]


class Moment(float):
    """A share of the film, 0..1, that is written again as it was: Moment(0.125, "2.5s")."""

    said: float | str

    def __new__(cls, share: float, said: float | str) -> "Moment":
        made = super().__new__(cls, share)
        made.said = said
        return made

    def __getnewargs__(self) -> tuple[float, float | str]:  # type: ignore[override]
        return float(self), self.said


@dataclass(frozen=True, slots=True)
class TimeLine:
    """What the times of one film count.

    seconds  how long it lasts, None where nobody can say
    bpm      beats a minute, None where nobody says
    """

    seconds: float | None = None
    bpm: float | None = None

    def share(self, said: float | str, clock: Clock = "place") -> float:
        """A time as a share of the film. Raises ValueError with what is wrong or missing."""
        if not isinstance(said, str):
            return float(said) if clock == "place" else said / self._length()
        if re.fullmatch(TEXT, said, re.ASCII) is None:
            raise ValueError(f"'{shown(said)}' is no time; {FORMS}")
        unit = re.sub(r"[\d.]", "", said)
        count = float(said.removesuffix(unit))
        if unit == "%":
            return count / 100
        if unit == "b" and self.bpm is None:
            raise ValueError(f"'{said}' counts beats: say how many are a minute, as bpm = 120")
        one = {"s": 1.0, "ms": 0.001, "b": 60 / (self.bpm or 1)}[unit]
        return count * one / self._length()

    def _length(self) -> float:
        if self.seconds is None:
            raise ValueError("counts seconds, and the outputs last differently: write seconds = "
                             "... in the place of frames")  # fmt: skip
        return self.seconds

    def written(self, share: float, clock: Clock = "place") -> float | str:
        """A share as a file says it: as it was said where that is still true."""
        said: float | str = getattr(share, "said", float(share))
        try:
            if abs(self.share(said, clock) - share) < SLACK:
                return said
        except ValueError:
            pass
        return float(share) if clock == "place" else f"{100 * share:.9g}%"


def time_line(data: Mapping[str, Any]) -> TimeLine:
    """That of a preset's data, which may hold anything: what is wrong with it is told elsewhere."""
    bpm = _positive(data.get("bpm"))
    if data.get("seconds") == sounds.WHOLE:
        with suppress(LattyError, ValueError):
            return TimeLine(sounds.lasting(data), bpm)
        return TimeLine(None, bpm)
    if "seconds" in data:
        return TimeLine(_positive(data["seconds"]), bpm)
    frames, outputs = data.get("frames", FRAMES), data.get("outputs")
    found = {
        rate_of(one.get("fps", USUAL)) if isinstance(one, dict) else None
        for one in (outputs if isinstance(outputs, list) else ())
    } or {rate_of(USUAL)}
    rate = found.pop() if len(found) == 1 else None
    lasts = rate and _positive(frames)
    return TimeLine(float(lasts / rate) if lasts and rate else None, bpm)


def _positive(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 10**9
    return float(value) if fits else None


def rate_of(value: Any) -> Fraction | None:
    """The frame rate that a file says, None for what is none."""
    fits = isinstance(value, str) or _positive(value) is not None
    try:
        return rates.exact(value) if fits else None
    except ValueError:
        return None


def moment(clock: Clock = "place", beyond: bool = False) -> Rule:
    """A time, read as a Moment; Faults must be `about` the TimeLine of its file.

    beyond  it may be longer than the film
    """

    def read(value: Any, where: Path, faults: Faults) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(value, str) and not (number and abs(value) <= LONGEST):
            faults.add(where, f"must be a time, not {described(value)}", FORMS)
            return value
        line = faults.about if isinstance(faults.about, TimeLine) else TimeLine()
        try:
            share = line.share(value, clock)
        except ValueError as error:
            faults.add(where, str(error))
            return value
        if number and clock == "place" and not 0 <= share <= 1:
            faults.add(where, f"must be a time from 0 to 1, not {described(value)}", FORMS)
        elif share < 0 or (clock == "length" and beyond and not share):
            faults.add(where, "must be longer than that")
        elif share > 1 + SLACK and not beyond:
            faults.add(where, f"is beyond the end: the film lasts {line.seconds or 0:g} s")
        return Moment(share if beyond else min(share, 1.0), value)

    texts = {"type": "string", "pattern": f"^{TEXT}$"}
    numbers = {"type": "number", "minimum": 0, "maximum": 1 if clock == "place" else LONGEST}
    return Rule(read, lambda value: isinstance(value, int | float | str),
                {"oneOf": [numbers, texts]})  # fmt: skip


def lasting(rule: Rule) -> Rule:
    """The seconds of a film: a number, or "sound", read as a Moment of as many as the sound has."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if value != sounds.WHOLE:
            return rule.read(value, where, faults)
        line = faults.about if isinstance(faults.about, TimeLine) else TimeLine()
        if line.seconds is None:
            return value  # why is told with the sounds
        return Moment(rule.read(line.seconds, where, faults), value)

    def fits(value: Any) -> bool:
        return value == sounds.WHOLE or rule.fits(value)

    return Rule(read, fits, {"oneOf": [rule.schema, {"const": sounds.WHOLE}]})


@dataclass(frozen=True, slots=True)
class Times(Sequence[float]):
    """When each of so many frames is, as shares of the film: the one of index i at i / steps."""

    frames: int
    steps: int

    def __len__(self) -> int:
        return self.frames

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[float, ...]: ...
    def __getitem__(self, index: int | slice) -> float | tuple[float, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.frames)))
        return range(self.frames)[index] / self.steps
