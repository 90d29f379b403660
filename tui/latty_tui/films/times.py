"""When the keyframes of a state are: at even intervals, or where each says (State.when), in its own
unit: a share of the film, seconds, beats, percent. What they mean is latty.presets.moments."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from latty.errors import BadData
from latty.presets.moments import SLACK, Moment, TimeLine
from latty_tui.state import FilmSettings, Said, State

STEPS = {"": 0.01, "%": 1.0, "s": 0.05, "ms": 50.0, "b": 0.25}  # of a key that moves, by its unit
HINT = "0.25 of the film, or as in 2.5s, 500ms, 12b, 50%"


def line_of(film: FilmSettings) -> TimeLine:
    """What the times of a film count."""
    return TimeLine(film.lasts, film.source.bpm if film.source is not None else None)


def even(count: int) -> tuple[float, ...]:
    """Shares at even intervals, from 0 to 1."""
    return tuple(i / max(1, count - 1) for i in range(count))


def shares(state: State) -> tuple[float, ...]:
    """When each keyframe is, as a share of the film: a Moment where it says so. Raises BadData
    where they do not rise from 0 to 1."""
    if not state.when:
        return even(len(state.keys))
    line = line_of(state.film)
    found = tuple(moment(said, line) for said in state.when)
    for i, (before, after) in enumerate(pairwise(found)):
        if after <= before:
            raise BadData(f"keyframe {i + 1} is at {words(state.when[i])}, and keyframe {i + 2} at "
                          f"{words(state.when[i + 1])}", "their times must rise")  # fmt: skip
    return found


def moment(said: Said, line: TimeLine) -> Moment:
    """A time as a share of the film. Raises BadData for what is no time, and what is beyond it."""
    try:
        share = line.share(said)
    except ValueError as error:
        raise BadData(str(error)) from None
    if not 0 <= share <= 1 + SLACK:
        raise BadData(f"{words(said)} is not within the film, which lasts {line.seconds or 0:g} s")
    return Moment(min(share, 1.0), said)


def words(said: Said) -> str:
    """A time as it is typed."""
    return said if isinstance(said, str) else f"{said:.6g}"


def typed(text: str) -> Said:
    """What was typed: a number, or a text that has a unit. Raises ValueError."""
    text = text.strip()
    try:
        return float(text)
    except ValueError:
        return text


def spelled(share: float, like: Said, line: TimeLine) -> Said:
    """A share of the film in the unit of another time, to a thousandth."""
    unit = unit_of(like)
    whole = {"": 1.0, "%": 100.0, "s": line.seconds or 0.0, "ms": 1000 * (line.seconds or 0.0),
             "b": (line.seconds or 0.0) * (line.bpm or 0.0) / 60}  # fmt: skip
    return _said(share * whole[unit], unit)


def later(said: Said, by: int, line: TimeLine) -> Said:
    """A time some steps of its own unit later, within the film."""
    unit = unit_of(said)
    number = float(said) if not isinstance(said, str) else float(said.removesuffix(unit))
    found = _said(max(0.0, number + by * STEPS[unit]), unit)
    return spelled(1.0, said, line) if line.share(found) > 1 else found


def unit_of(said: Said) -> str:
    """The unit of a time: "", "s", "ms", "b" or "%"."""
    return re.sub(r"[\d.]", "", said) if isinstance(said, str) else ""


def _said(number: float, unit: str) -> Said:
    if not unit:
        return round(number, 4)
    return f"{number:.3f}".rstrip("0").rstrip(".") + unit


def times_of(state: State) -> tuple[Said, ...]:
    """When each keyframe is, as it is said: those at even intervals as shares."""
    return state.when or even(len(state.keys))


def timed(state: State, when: Sequence[Said]) -> State:
    """The state with its keyframes at these times; plain shares at even intervals are not kept.
    Raises BadData where they do not rise from 0 to 1."""
    if len(when) != len(state.keys):
        raise BadData(f"{len(when)} times for {len(state.keys)} keyframes")
    plain = tuple(when) == even(len(state.keys)) and not any(isinstance(one, str) for one in when)
    found = replace(state, when=() if plain else tuple(when))
    shares(found)
    return found


def with_time(state: State, at: int) -> tuple[Said, ...]:
    """The times with one more, of a keyframe that comes to place `at`: between its neighbours. At
    an end of the film it takes the place of the one that was there, which goes half way to its own
    neighbour. () where all are at even intervals."""
    if not state.when:
        return ()
    line, said, share = line_of(state.film), list(state.when), list(shares(state))
    last = len(said) - 1
    if 0 < at <= last:
        half = (share[at - 1] + share[at]) / 2
        return (*said[:at], spelled(half, said[at - 1], line), *said[at:])
    end, near = (0, 1) if at == 0 else (last, last - 1)
    half = (share[end] + (share[near] if last else 1 - share[end])) / 2
    between = spelled(half, said[end], line)
    return (said[0], between, *said[1:]) if at == 0 else (*said[:-1], between, said[-1])
