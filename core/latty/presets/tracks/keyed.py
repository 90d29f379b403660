"""Keys: values at moments, eased from each to the next."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from latty.presets.easing import EASINGS, ease
from latty.presets.moments import TimeLine, moment
from latty.presets.tracks.motion import Spelling
from latty.scene import STRENGTH
from latty.tables.rules import Key, Rule, array, checked, word
from latty.tables.words import Path


@dataclass(frozen=True, slots=True)
class Track:
    """A number that moves: (t, value) keys with t rising in 0..1, eased from key to key."""

    keys: tuple[tuple[float, float], ...]
    easing: str = "linear"

    def at(self, t: float) -> float:
        """The value at t: exactly the key's on a key, the nearest key's before or after all."""
        after = bisect_right(self.keys, t, key=lambda key: key[0])
        if after == 0:
            return self.keys[0][1]
        (start, low) = self.keys[after - 1]
        if after == len(self.keys):
            return low
        (stop, high) = self.keys[after]
        return low + (high - low) * ease(self.easing, (t - start) / (stop - start))

    def reach(self) -> tuple[float, float]:
        """The least and the greatest value of its keys."""
        values = [value for _, value in self.keys]
        return min(values), max(values)

    def table(self, line: TimeLine) -> dict[str, Any]:
        """Its two ends where it has no other keys, else its keys."""
        (start, first), (stop, last) = self.keys[0], self.keys[-1]
        said = [line.written(t) for t, _ in self.keys]
        if (len(self.keys), start, stop) == (2, 0, 1) and said == [0, 1]:
            data: dict[str, Any] = {"from": first, "to": last}
        else:
            data = {"keys": tuple(zip(said, (value for _, value in self.keys), strict=True))}
        return data if self.easing == "linear" else {**data, "easing": self.easing}


def _sweep(easing: str, **ends: float) -> Track:
    return Track(((0.0, ends["from"]), (1.0, ends["to"])), easing)


def _rising(keys: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if any(after <= before for before, after in pairwise(t for t, _ in keys)):
        raise ValueError("times of keys must rise")
    return keys


def _key() -> Rule:
    """[time, value]."""
    pair, time = array(Rule(lambda value, *_: value, lambda _: True, {}), 2, 2), moment()

    def read(value: Any, where: Path, faults: Any) -> Any:
        before = len(faults.found)
        parts = pair.read(value, where, faults)
        if len(faults.found) > before:
            return value
        t = time.read(parts[0], (*where, 0), faults)
        return t, STRENGTH.read(parts[1], (*where, 1), faults)

    schema = {"type": "array", "prefixItems": [time.schema, STRENGTH.schema], "minItems": 2,
              "maxItems": 2, "items": False}  # fmt: skip
    return Rule(read, pair.fits, schema)


def easing_key(help: str) -> Key:
    """The key of an easing."""
    return Key(word(*EASINGS), help, default="linear")


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
                "[time, value] pairs; times rise, from 0 to 1 or as in '2.5s', '12b', '50%'.",
                required=True,
            ),
            "easing": easing_key("How it goes from each key to the next."),
        },
        Track,
    ),
)
