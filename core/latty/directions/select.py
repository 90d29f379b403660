"""A set of directions taken apart: some of them, one turned around, two sets in one.

Which arrays have a row for each direction, and what is turned in them, the set's form says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from latty.directions.base import Info
from latty.directions.file import OFFSET, DirectionSet, Value
from latty.directions.opening import form_of
from latty.directions.registries import DirectionForm
from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

TURNED = ("corr", "effect", "effect_sd", "intercept", "x", "y", "area", "luma")  # scores, by sense
ONE_WAY = ("monotone", "crossed")  # scores that were measured in one sense only

Arrays = dict[str, "Tensor"]
Set = tuple[DirectionSet, Mapping[str, "Tensor"]]
Explicit = tuple[DirectionForm, DirectionSet, Arrays]


def turned_info(info: Info) -> Info:
    low, high = info.usable
    scores = tuple((key, -value if key in TURNED else value) for key, value in info.scores
                   if key not in ONE_WAY)  # fmt: skip
    return replace(info, usable=(-high, -low), scores=scores)


def selected(
    header: DirectionSet, arrays: Arrays, indices: list[int]
) -> tuple[DirectionSet, Arrays]:
    """Some directions of a set, in this order, and their rows of the form's arrays (K, ...).
    Raises BadData, Missing as `explicit`."""
    form, header, arrays = explicit(header, arrays)
    kept = {name: array[indices] if name in form.ROWS else array for name, array in arrays.items()}
    each = getattr(form, "PARAMS", ())  # parameters with one value per direction
    params = tuple((key, tuple(value[i] for i in indices))
                   if key in each and isinstance(value, tuple) else (key, value)
                   for key, value in header.params)  # fmt: skip
    infos = tuple(header.infos[i] for i in indices)
    if header.method == OFFSET:
        gone = {info.name for info in header.infos} - {info.name for info in infos}
        params = tuple((key, value) for key, value in params if key not in gone)
    return replace(header, infos=infos, params=params), kept


def turned(header: DirectionSet, arrays: Arrays, index: int) -> tuple[DirectionSet, Arrays]:
    """Direction `index` the other way round; arrays (K, ...). Raises BadData, Missing as
    `explicit`."""
    form, header, arrays = explicit(header, arrays)
    form.turned(arrays, index)
    infos = list(header.infos)
    infos[index] = turned_info(infos[index])
    return replace(header, infos=tuple(infos)), arrays


def explicit(header: DirectionSet, arrays: Mapping[str, "Tensor"]) -> "Explicit":
    """A set's form, and the set with what its file may leave out; arrays (K, ...) are copies.
    Raises BadData for arrays without a row for each direction, Missing for an unknown form."""
    form = form_of(header, "ROWS", "turned")
    copies = {name: array.clone() for name, array in arrays.items()}
    if hasattr(form, "explicit"):
        header, copies = form.explicit(header, copies)
    for name in form.ROWS:
        if name in copies and len(copies[name]) != len(header.infos):
            count = len(header.infos)
            raise BadData(f"the array '{name}' has not a row for each of {count} directions")
    return form, header, copies


def joined(one: Set, two: Set) -> tuple[DirectionSet, Arrays] | None:
    """The directions of both in one set; None where they do not go together."""
    (form, first, mine), (_, second, theirs) = explicit(*one), explicit(*two)
    keys = ("method", "space", "family", "model_digest", "form")
    if any(getattr(first, key) != getattr(second, key) for key in keys) or {*mine} != {*theirs}:
        return None
    if not first.model_digest and first.model != second.model:
        return None
    arrays = _both(mine, theirs, form.ROWS)
    params = _both_params(first, second, getattr(form, "PARAMS", ()))
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


def _both_params(
    first: DirectionSet, second: DirectionSet, each: Sequence[str]
) -> tuple[tuple[str, Value], ...] | None:
    """The parameters of both: those of hand-made directions are their own, others must agree."""
    own, other = dict(first.params), dict(second.params)
    if first.method == OFFSET:
        return tuple({**own, **other}.items())
    for name in each:
        mine, theirs = own.get(name), other.get(name)
        if isinstance(mine, tuple) and isinstance(theirs, tuple):
            own[name] = other[name] = (*mine, *theirs)
    return tuple(own.items()) if own == other else None
