"""A set of directions taken apart: some of them, one turned around, two sets in one.

Which arrays have a row for each direction is a matter of the set's form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from latty.directions import sign
from latty.directions.base import Info
from latty.directions.file import ARRAY, LINEAR, NORMALS, DirectionSet, Value
from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

# The arrays of a form that have a row for each direction; the others belong to all of them.
ROWS = {
    LINEAR: (ARRAY, NORMALS),
    "warped": ("support", "alphas", "loggamma"),
    "plumerault": (ARRAY, NORMALS, "knots", "values", "factor"),
    "ascent": ("spread", "middle", sign.SIGNS),
    "voynov": (sign.INPUTS, sign.SIGNS),
}
TURNED = ("corr", "effect", "effect_sd", "intercept", "x", "y", "area", "luma")  # scores, by sense
ONE_WAY = ("monotone", "crossed")  # scores that were measured in one sense only
OFFSET = "offset"  # the method of what is made by hand

Arrays = dict[str, "Tensor"]
Set = tuple[DirectionSet, Mapping[str, "Tensor"]]


def turn(form: str, arrays: Arrays, index: int) -> None:
    """Turn the arrays of one direction around."""
    if form in ("ascent", "voynov"):
        arrays[sign.SIGNS][index] *= -1
    elif form == "warped":  # downhill instead of uphill
        arrays["alphas"][index] *= -1
    else:
        for name in (ARRAY, NORMALS):
            if name in arrays:
                arrays[name][index] *= -1
        if form == "plumerault":  # the amount at place p is now minus the amount at -p
            for name in ("knots", "values"):
                arrays[name][index] = -arrays[name][index].flip(0)


def turned_info(info: Info) -> Info:
    low, high = info.usable
    scores = tuple((key, -value if key in TURNED else value) for key, value in info.scores
                   if key not in ONE_WAY)  # fmt: skip
    return replace(info, usable=(-high, -low), scores=scores)


def selected(
    header: DirectionSet, arrays: Arrays, indices: list[int]
) -> tuple[DirectionSet, Arrays]:
    """Some directions of a set, in this order."""
    header, arrays = full(header, arrays)
    rows = ROWS[header.form]
    kept = {name: array[indices] if name in rows else array for name, array in arrays.items()}
    params = tuple((key, tuple(value[i] for i in indices))
                   if key == sign.ATTRIBUTES and isinstance(value, tuple) else (key, value)
                   for key, value in header.params)  # fmt: skip
    infos = tuple(header.infos[i] for i in indices)
    if header.method == OFFSET:
        gone = {info.name for info in header.infos} - {info.name for info in infos}
        params = tuple((key, value) for key, value in params if key not in gone)
    return replace(header, infos=infos, params=params), kept


def full(header: DirectionSet, arrays: Arrays) -> tuple[DirectionSet, Arrays]:
    """The same set with what is otherwise understood: a row of each array for each direction.
    Raises BadData for a form whose arrays are not known."""
    import torch

    form, count = header.form, len(header.infos)
    if form not in ROWS:
        raise BadData(f"sets of the form '{form}' can be renamed, but not taken apart")
    arrays = {name: array.clone() for name, array in arrays.items()}
    if form in ("ascent", "voynov"):
        arrays.setdefault(sign.SIGNS, torch.ones(count))
    if form == "voynov":
        arrays.setdefault(sign.INPUTS, torch.arange(count).float())
    if form == "ascent":
        header = with_attributes(header)
    for name in ROWS[form]:
        if name in arrays and len(arrays[name]) != count:
            raise BadData(f"the array '{name}' has not a row for each of {count} directions")
    return header, arrays


def with_attributes(header: DirectionSet) -> DirectionSet:
    """A set of climbs that says by itself what each climbs."""
    if sign.ATTRIBUTES in dict(header.params):
        return header
    said: tuple[str, Value] = (sign.ATTRIBUTES, header.names)
    return replace(header, params=(*header.params, said))


def joined(
    one: tuple[DirectionSet, Mapping[str, "Tensor"]], two: tuple[DirectionSet, Arrays]
) -> tuple[DirectionSet, Arrays] | None:
    """The directions of both in one set; None where they do not go together."""
    (first, mine), (second, theirs) = full(one[0], dict(one[1])), full(*two)
    keys = ("method", "space", "family", "model_digest", "form")
    if any(getattr(first, key) != getattr(second, key) for key in keys) or {*mine} != {*theirs}:
        return None
    if not first.model_digest and first.model != second.model:
        return None
    arrays = _both(mine, theirs, ROWS[first.form])
    params = _both_params(first, second)
    if arrays is None or params is None:
        return None
    return replace(first, infos=(*first.infos, *second.infos), params=params), arrays


def _both(mine: Arrays, theirs: Arrays, rows: Sequence[str]) -> Arrays | None:
    import torch

    arrays = {}
    for name, array in mine.items():
        other = theirs[name]
        if name in rows:
            if array.shape[1:] != other.shape[1:]:
                return None
            arrays[name] = torch.cat([array, other])
        elif not torch.equal(array, other):
            return None
        else:
            arrays[name] = array
    return arrays


def _both_params(first: DirectionSet, second: DirectionSet) -> tuple[tuple[str, Value], ...] | None:
    """The parameters of both: those of hand-made directions are their own, others must agree."""
    if first.method == OFFSET:
        return tuple({**dict(first.params), **dict(second.params)}.items())
    own, other = dict(first.params), dict(second.params)
    each, more = (table.pop(sign.ATTRIBUTES, ()) for table in (own, other))
    if own != other:
        return None
    if isinstance(each, tuple) and isinstance(more, tuple) and each:
        own[sign.ATTRIBUTES] = (*each, *more)
    return tuple(own.items())
