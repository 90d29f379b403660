"""`rows` and `columns` of an output that name keys of [[each]]: these keys are laid out on one
captioned sheet, or in one film of panels; those that are left make one file each.

    rows = "direction"              one row for each of its values
    rows = ["seed", "direction"]    one for each combination, the last key quickest
    columns = "strength"            moments of the film, at even distances; "amount" and "frames"
                                    are these, too, and say so in their captions
    columns = 5                     so many of them beside rows of keys
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from latty.errors import did_you_mean
from latty.presets.formats import is_film
from latty.presets.values import COLUMNS, MOST_CELLS
from latty.presets.variables import Filling, named
from latty.tables.rules import Fault
from latty.tables.words import shown

SIDES = ("rows", "columns")
MOMENTS = ("strength", "amount", "frames")
GRID = ("seeds", "edits")  # what the rows of a grid are, which is laid out by itself

Combination = dict[str, Any]  # a value for each key


@dataclass(frozen=True, slots=True)
class Axis:
    """What runs down or across a sheet.

    keys     of [[each]], the last quickest
    moments  one of MOMENTS where moments of the film do, `count` of them; else ""
    """

    keys: tuple[str, ...] = ()
    moments: str = ""
    count: int = 1

    def combinations(self, values: Mapping[str, Sequence[Any]]) -> list[Combination]:
        """The values of its keys, in order; one of none where it has none."""
        return [dict(zip(self.keys, one, strict=True))
                for one in product(*(values[key] for key in self.keys))]  # fmt: skip

    def times(self) -> list[float | None]:
        """Its moments, 0..1; [None] where it has none."""
        return [i / max(1, self.count - 1) for i in range(self.count)] if self.moments else [None]


@dataclass(frozen=True, slots=True)
class Axes:
    """What runs down a sheet, and across."""

    rows: Axis
    columns: Axis

    @property
    def keys(self) -> tuple[str, ...]:
        return self.rows.keys + self.columns.keys

    @property
    def sides(self) -> tuple[tuple[str, Axis], tuple[str, Axis]]:
        """The axis of each side, by its name."""
        return ("rows", self.rows), ("columns", self.columns)

    @property
    def moments(self) -> str:
        return self.rows.moments or self.columns.moments

    def count(self, values: Mapping[str, Sequence[Any]]) -> int:
        """How many cells it has."""
        return prod(len(values[key]) for key in self.keys) * self.rows.count * self.columns.count


@dataclass(frozen=True, slots=True)
class Pass:
    """Outputs, by their numbers in the file, that are made once for each combination of the keys
    that they do not lay out."""

    outputs: tuple[int, ...] = ()
    axes: Axes | None = None


EVERY = (Pass(),)  # all outputs of a preset, whatever they are


def passes(
    data: Mapping[str, Any], values: Mapping[str, Sequence[Any]]
) -> tuple[tuple[Pass, ...], list[Fault]]:
    """How a preset with these keys is made, outputs that lay out nothing first, and what is wrong
    with what is laid out; the data may hold anything."""
    outputs, found, faults = data.get("outputs"), dict[Axes | None, list[int]](), list[Fault]()
    for index, output in enumerate(outputs if isinstance(outputs, list) else ()):
        axes = None
        if isinstance(output, dict):
            axes = _axes(output, data, values)
        if axes is not None:
            faults += _faults(index, output, axes, data, values)
        found.setdefault(axes, []).append(index)
    if not values:
        return EVERY, faults
    found = found or {None: []}
    order = sorted(found.items(), key=lambda pair: pair[0] is not None)
    return tuple(Pass(tuple(numbers), axes) for axes, numbers in order), faults


def _axes(
    output: Mapping[str, Any], data: Mapping[str, Any], values: Mapping[str, Sequence[Any]]
) -> Axes | None:
    """What an output lays out, None where that is no key."""
    filling = Filling(named(data))
    said = [filling.filled(output.get(side), ()) for side in SIDES]
    rows, columns = (_axis(one, data, values) for one in said)
    if not (rows.keys or columns.keys):
        return None
    if rows.keys and not columns.keys and type(said[1]) is int and said[1] > 0:
        moments = next((word for word in MOMENTS[:-1] if moving(data, word)), MOMENTS[-1])
        columns = Axis((), moments, said[1])
    return Axes(rows, columns)


def _many(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _axis(said: Any, data: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> Axis:
    many = _many(said)
    if many and all(isinstance(one, str) and one in values for one in many):
        return Axis(tuple(many))
    if isinstance(said, str) and said in MOMENTS:
        frames = data.get("frames")
        few = isinstance(frames, int) and 0 < frames < COLUMNS
        return Axis((), said, int(frames) if few and frames else COLUMNS)
    return Axis()


def moving(data: Mapping[str, Any], key: str) -> list[int]:
    """The numbers of the edits whose strength or amount moves; the data may hold anything."""
    scene = data.get("scene")
    edits = scene.get("edits") if isinstance(scene, dict) else None
    return [number for number, edit in enumerate(edits if isinstance(edits, list) else ())
            if isinstance(edit, dict) and isinstance(edit.get(key), dict)]  # fmt: skip


def _faults(
    index: int,
    output: Mapping[str, Any],
    axes: Axes,
    data: Mapping[str, Any],
    values: Mapping[str, Sequence[Any]],
) -> Iterator[Fault]:
    where = ("outputs", index)
    for key in {*axes.rows.keys} & {*axes.columns.keys}:
        yield Fault((*where, "columns"), f"{key} is laid out in rows, too")
    for side, axis in axes.sides:
        if len({*axis.keys}) < len(axis.keys):
            yield Fault((*where, side), "names a key twice")
    if axes.rows == Axis() and (said := output.get("rows")) in GRID:
        yield Fault((*where, "rows"), f"'{said}' is no key of [[each]]", "a grid has such rows")
    path = output.get("path")
    if axes.moments and isinstance(path, str) and is_film(path):
        side = SIDES[not axes.rows.moments]
        what = "lays moments of the film out, and this output plays them"
        yield Fault((*where, side), what, "name a key of [[each]], or write a .png")
    if output.get("layout", "frames") != "frames":
        what = "is a page of its own, and so is one of rows and columns of keys"
        yield Fault((*where, "layout"), what, 'leave it out: columns = "strength"')
    side = SIDES[not axes.rows.keys]
    if data.get("panels"):
        yield Fault((*where, side), "lays keys out as panels, and the preset has its own")
    side = "columns" if axes.columns.moments else side
    if (count := axes.count(values)) > MOST_CELLS:
        yield Fault((*where, side), f"lays out {count:,} pictures, more than {MOST_CELLS:,}",
                    "say fewer values, or leave a key to the files")  # fmt: skip


def leftover(output: Mapping[str, Any], keys: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(key, what, hint) of what rows and columns of an output name that is none of these keys,
    once those that are were laid out; it may hold anything."""
    grid = output.get("layout", "frames") != "frames"
    for side in SIDES:
        said = output.get(side)
        many = _many(said)
        usual = GRID if side == "rows" else ()
        wrong = [one for one in many if isinstance(one, str) and one not in (*keys, *usual)]
        other = output.get(SIDES[side == "rows"])
        if said in MOMENTS and any(key in keys for key in _many(other)):
            continue  # a sheet, were it not for what is wrong with its keys
        if wrong and all(one in MOMENTS for one in wrong):
            yield side, f"'{wrong[0]}' goes beside a key of [[each]]", ""
        elif wrong:
            known = [*(GRID if side == "rows" and grid else ()), *keys]
            near = did_you_mean(wrong[0], known) if known else ""
            yield side, f"'{shown(wrong[0])}' is no key of [[each]]", near
