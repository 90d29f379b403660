"""Keys: values at moments, eased from each to the next."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from latty import easing as easings
from latty.easing import ease, reach
from latty.presets.moments import TimeLine, moment
from latty.presets.tracks.motion import Spelling
from latty.scene import STRENGTH
from latty.tables.rules import Faults, Key, Rule, anything, array, checked
from latty.tables.words import Path


@dataclass(frozen=True, slots=True)
class Track:
    """A number that moves: (t, value) keys with t rising in 0..1, eased from key to key.

    each  the easing from each key to the next, "" = `easing`; () = `easing` from all of them
    """

    keys: tuple[tuple[float, float], ...]
    easing: str = "linear"
    each: tuple[str, ...] = ()

    def at(self, t: float) -> float:
        """The value at t: exactly the key's on a key, the nearest key's before or after all."""
        after = bisect_right(self.keys, t, key=lambda key: key[0])
        if after == 0:
            return self.keys[0][1]
        (start, low) = self.keys[after - 1]
        if after == len(self.keys):
            return low
        (stop, high) = self.keys[after]
        return low + (high - low) * ease(self.easing_after(after - 1), (t - start) / (stop - start))

    def easing_after(self, index: int) -> str:
        """How it goes from a key to the next."""
        return (self.each[index] if self.each else "") or self.easing

    def reach(self) -> tuple[float, float]:
        """The least and the greatest value: between keys, too, where an easing overshoots."""
        values = [value for _, value in self.keys]
        for i, (low, high) in enumerate(pairwise(values[:])):
            values += [low + (high - low) * far for far in reach(self.easing_after(i))]
        return min(values), max(values)

    def table(self, line: TimeLine) -> dict[str, Any]:
        """Its two ends where it has no other keys, else its keys."""
        (start, first), (stop, last) = self.keys[0], self.keys[-1]
        said = [line.written(t) for t, _ in self.keys]
        data: dict[str, Any] = {"from": first, "to": last}
        if (len(self.keys), start, stop) != (2, 0, 1) or said != [0, 1] or any(self.each):
            each = self.each or ("",) * len(said)
            rows = zip(said, self.keys, each, strict=True)
            data = {"keys": tuple((t, v, name) if name else (t, v) for t, (_, v), name in rows)}
        return data if self.easing == "linear" else {**data, "easing": self.easing}


def _sweep(easing: str, **ends: float) -> Track:
    return Track(((0.0, ends["from"]), (1.0, ends["to"])), easing)


def _keyed(keys: tuple[tuple[float, float, str], ...], easing: str) -> Track:
    each = tuple(name for _, _, name in keys)
    return Track(tuple((t, value) for t, value, _ in keys), easing, each if any(each) else ())


def _rising(keys: tuple[tuple[float, float, str], ...]) -> tuple[tuple[float, float, str], ...]:
    if any(after <= before for before, after in pairwise(t for t, _, _ in keys)):
        raise ValueError("times of keys must rise")
    return keys


def _key() -> Rule:
    """[time, value] or [time, value, easing]."""
    parts, time, easing = array(anything(), 2, 3), moment(), easings.rule()

    def read(value: Any, where: Path, faults: Faults) -> Any:
        before = len(faults.found)
        found = parts.read(value, where, faults)
        if len(faults.found) > before:
            return value
        t = time.read(found[0], (*where, 0), faults)
        number = STRENGTH.read(found[1], (*where, 1), faults)
        name = easing.read(found[2], (*where, 2), faults) if len(found) > 2 else ""
        return t, number, name

    items = [time.schema, STRENGTH.schema, easing.schema]
    schema = {"type": "array", "prefixItems": items, "minItems": 2, "items": False}
    return Rule(read, parts.fits, schema)


def easing_key(help: str) -> Key:
    """The key of an easing."""
    return Key(easings.rule(), help, default="linear")


SPELLINGS = (
    Spelling(
        "{ from = ..., to = ... }",
        "",
        {
            "from": Key(STRENGTH, "Value at the beginning.", required=True),
            "to": Key(STRENGTH, "Value at the end.", required=True),
            "easing": easing_key("How it gets there."),
        },
        _sweep,
    ),
    Spelling(
        "{ keys = [[time, value], ...] }",
        "keys",
        {
            "keys": Key(
                checked(array(_key(), 1, 1000), _rising),
                "[time, value] or [time, value, easing]; a time is 0 to 1, '2s', '12b' or '50%'.",
                required=True,
            ),
            "easing": easing_key("How it goes from each key to the next."),
        },
        _keyed,
    ),
)
