"""`[[each]]`: a preset that stands for many, one for every combination of values.

"{span}" stands for one value of `key = "span"` at a time, wherever a preset has a text, as a name
of [vars] does (variables.py). Tables vary like nested loops, the last of them quickest.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import prod
from typing import Any

from latty.directions.store import direction_names, ends, split
from latty.errors import BadData, LattyError
from latty.presets.axes import EVERY, Pass, passes
from latty.presets.variables import NAME, SCALARS, TOKEN, Filling, is_name, named
from latty.scene import SEED_LIMIT, latents_between
from latty.tables import words
from latty.tables.rules import Fault, Key, Rule, array, matching, one_of, table, text

KEY = "each"
MOST = 10_000  # presets that one stands for, unless its user asks for more; values of a list
MOST_VALUES = 100_000  # of a key, as a range says them
MOST_SETS = 256  # direction sets and folders in values: each is looked for on the disk
LARGEST = 1_000_000  # presets, whatever the user asks for: each is read before any work
_RANGE = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?", re.ASCII)
_VALUES = one_of(
    "a list, or a text such as '0-9,40', 'SET/*', 'SET/A-B', 'husky,lynx'",
    array(matching("a text or a number", lambda value: isinstance(value, SCALARS)), 1, MOST),
    text(10_000),
)
RULE: Rule = array(
    table(
        {
            "key": Key(
                matching("a name", is_name, {"type": "string", "pattern": f"^{NAME}$"}),
                'What "{key}" in any text of the preset stands for.', required=True,
            ),
            "values": Key(_VALUES, "What it is, one after the other.", required=True),
        }
    ),
    0,
    16,
)  # fmt: skip

Value = str | int | float
Chosen = Mapping[str, Value]  # one for each key
Place = Callable[[words.Path, str], str]  # the path of a direction set, from where its text stands


@dataclass(frozen=True, slots=True)
class Each:
    """The presets that one stands for: one for each pass, and combination of the keys that its
    outputs do not lay out.

    values  by key, in the order of the file
    """

    values: dict[str, tuple[Value, ...]]
    passes: tuple[Pass, ...] = EVERY

    @property
    def count(self) -> int:
        """How many they are; 1 of a preset without keys."""
        return sum(map(self._count, self.passes))

    @property
    def files(self) -> int:
        """How many files their outputs make, where no output is none."""
        return sum(self._count(one) * max(1, len(one.outputs)) for one in self.passes)

    def _count(self, one: Pass) -> int:
        return prod(len(self.values[key]) for key in self._left(one))

    def _left(self, one: Pass) -> list[str]:
        laid = one.axes.keys if one.axes else ()
        return [key for key in self.values if key not in laid]

    def _at(self, number: int) -> tuple[Pass, int]:
        """The pass of a preset, and its number in it."""
        for one in self.passes[:-1]:
            if number < (count := self._count(one)):
                return one, number
            number -= count
        return self.passes[-1], number

    def pass_of(self, number: int) -> Pass:
        """The pass of the preset of that number."""
        return self._at(number)[0]

    def chosen(self, number: int) -> Chosen:
        """The values of the preset of that number, 0 to count - 1, but for the keys that are laid
        out."""
        one, number = self._at(number)
        found = dict[str, Value]()
        for key in reversed(self._left(one)):
            number, place = divmod(number, len(self.values[key]))
            found[key] = self.values[key][place]
        return found


ONE = Each({})


@dataclass(slots=True)
class _Sets:
    """The directions of sets that values name, each looked for once."""

    place: Place
    found: dict[tuple[words.Path, str], list[str] | LattyError] = field(default_factory=dict)

    def names(self, where: words.Path, source: str) -> list[str]:
        """Those of one set. Raises Missing, BadData, OutputError, ValueError for too many sets."""
        if (where, source) not in self.found:
            if len(self.found) == MOST_SETS:
                raise ValueError(f"name more than {MOST_SETS} sets or folders")
            try:
                self.found[where, source] = direction_names(self.place(where, source))
            except LattyError as error:
                self.found[where, source] = error
        found = self.found[where, source]
        if isinstance(found, LattyError):
            raise found
        return found


def read(data: Mapping[str, Any], place: Place) -> tuple[Each, list[Fault]]:
    """What the data of a preset, which may hold anything, says of it, and what is wrong; a fault of
    form is told by RULE, and then the preset stands for itself."""
    tables = data.get(KEY)
    if not tables or not RULE.accepts(tables):
        return ONE, []
    found, faults = dict[str, tuple[Any, ...]](), list[Fault]()
    names, keys, sets = named(data), keys_of(data), _Sets(place)
    for index, said in enumerate(tables):
        where, key = (KEY, index), said["key"]
        if key in found or key in names:
            other = "another [[each]]" if key in found else "[vars]"
            faults.append(Fault((*where, "key"), f"{key} is said in {other}, too"))
            continue
        at, filling = (*where, "values"), Filling(names)
        try:
            values = _filled(said["values"], at, filling, keys)
            found[key] = _counted(islice(_values(values, at, sets), MOST_VALUES + 1))
        except LattyError as error:
            faults.append(Fault(at, error.message, error.hint))
        except ValueError as error:
            faults += filling.faults or [Fault(at, str(error))]
    if faults:
        return ONE, faults
    made, faults = passes(data, found)
    return (ONE if faults else Each(found, made)), faults


def keys_of(data: Mapping[str, Any]) -> set[str]:
    """Its keys, whatever else is wrong with it; the data may hold anything."""
    tables = data.get(KEY)
    found = (one.get("key") for one in tables if isinstance(one, dict)) \
        if isinstance(tables, list) else ()  # fmt: skip
    return {key for key in found if isinstance(key, str)}


def _filled(said: Any, where: words.Path, filling: Filling, keys: Collection[str]) -> Any:
    """A text of values with what [vars] say in it: "{set}/*"; one that is only a placeholder is
    the value itself. Raises ValueError."""
    if not isinstance(said, str) or not filling.values:
        return said
    alone = TOKEN.fullmatch(said)
    values = filling.filled(said, where, () if alone else keys)
    if filling.faults or not _VALUES.accepts(values):
        raise ValueError(f"{words.shown(said)} stands for {words.described(values)}")
    return values


def _counted(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values. Raises ValueError for too many, and for one that is there twice."""
    found = tuple(values)
    if len(found) > MOST_VALUES:
        raise ValueError(f"are more than {MOST_VALUES:,}")
    if len({*found}) < len(found):
        twice = Counter(found).most_common(1)[0][0]
        raise ValueError(f"{words.shown(str(twice))} stands there twice")
    return found


def _values(said: Any, where: words.Path, sets: _Sets) -> Iterator[Value]:
    """Those of a list, or those that a text stands for. Raises LattyError, ValueError."""
    if isinstance(said, list):
        yield from said
        return
    parts = [part.strip() for part in said.split(",")]
    if not all(parts):
        raise ValueError("has nothing between two commas")
    ranges = [_RANGE.fullmatch(part) for part in parts]
    for part, found in zip(parts, ranges, strict=True):
        if found and all(ranges):
            yield from _numbers(int(found[1]), int(found[2] or found[1]))
        elif between := latents_between(part):
            file, first, last = between
            yield from (f"{file}#{one}" for one in _numbers(first, last))
        else:
            yield from _directions(part, where, sets)


def _numbers(first: int, last: int) -> range:
    if not first <= last < SEED_LIMIT:
        raise ValueError(f"{first}-{last} is no rising range below 2^32")
    return range(first, last + 1)


def _directions(text: str, where: words.Path, sets: _Sets) -> Iterator[str]:
    """Of "SET/*" and "SET/A-B" the directions of the set, any other text itself. Raises Missing,
    BadData."""
    try:
        source, name = split(text)
    except BadData:
        yield text
        return
    if name != "*" and "-" not in name:
        yield text
        return
    try:
        names, mark = sets.names(where, source), text[len(source)]
    except LattyError:
        if name == "*":
            raise
        yield text  # some path with a dash; what is none is told where it is used
        return
    if name in names:
        yield text
    elif name == "*":
        yield from (f"{source}{mark}{one}" for one in names)
    else:
        first, last = ends(name, names, source)
        yield from (f"{source}{mark}{one}" for one in names[first : last + 1])
