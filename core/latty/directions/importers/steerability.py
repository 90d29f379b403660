"""Steerability's walks, one per file or key, whose lengths carry meaning and are kept.

Jahanian et al. 2020, also as GANSpace keeps them: pickles {"w_zoom": (1, D, 1)}, several columns
being several walks, and .npy of one vector per layer (L, D).
"""

import re

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, columns, linear, rows
from latty.directions.importing.source import ImportSource
from latty.text import clean

KEY = re.compile(r"w_[a-z][a-z0-9_]*")
PREFIX = re.compile(r"^(?:steerability[_-])?((?:stylegan\d?|biggan|pggan)[_-]?[a-z]+_)?(.*)$")
COLUMNS_LIMIT = 16


def recognise(source: ImportSource) -> int:
    if source.kind == "pickle" and source.table:
        items = source.table.items()
        walks = all(
            isinstance(k, str) and KEY.fullmatch(k) and sanitise.is_floats(v) for k, v in items
        )
        return CERTAIN if walks else NO
    found = evidence.weigh(source) if source.kind in vectors.BARE else None
    if found is None or found.what != evidence.DIRECTIONS or found.view.shape[0] != 1:
        return NO
    walk, seen = vectors.names_walk(source), evidence.traits(found.view)
    if not found.layered:
        return LIKELY if walk and not seen.unit else NO
    if seen.alike or (seen.unit and not walk):
        return NO
    return CERTAIN if walk else LIKELY


def convert(source: ImportSource) -> Imported:
    made_for, layered = _model(source), list[str]()
    if source.kind == "pickle":
        found, space = _walks(source), source.space or "z"
    else:
        told = evidence.decided(source, evidence.DIRECTIONS, "it holds no walk: no array of floats")
        views, (_, name) = evidence.directions_of(told.view), _split(source.stem)
        space = source.space or ("w" if len(views[0].shape) == 2 else "z")
        found = [Named(sanitise.name_of(name, "walk"), view) for view in views]
        layered = [told.note] if told.layered else []
    label = made_for or "a model of Steerability"
    header = DirectionSet("steerability", space, (), label, family_of(made_for))
    notes = [RAW] if source.space else [f"taken for {space} (--space names another)", RAW]
    return linear(source, found, "steerability", header, {}, [*layered, *notes])


def _walks(source: ImportSource) -> list[Named]:
    found = []
    for key, value in source.table.items():
        if not isinstance(value, TensorView) or not sanitise.is_floats(value):
            sanitise.refuse(source, f"'{clean(str(key))}' holds no floats")
        name = sanitise.name_of(str(key).removeprefix("w_"), "walk")
        parts = _parts(source, value)
        if len(parts) == 1:
            found.append(Named(name, parts[0]))
        else:
            found += [Named(f"{name}-{i}", part) for i, part in enumerate(parts)]
    return found


def _parts(source: ImportSource, view: TensorView) -> list[TensorView]:
    """(1, D, S): S walks; (D,), (1, D): one; (1, L, D), (L, D): one with a vector per layer."""
    shape = view.shape
    if len(shape) == 3 and shape[0] == 1 and shape[2] <= COLUMNS_LIMIT < shape[1]:
        return columns(rows(view)[0])
    squeezed = sanitise.squeezed(view)
    if len(squeezed.shape) > 2:
        sanitise.refuse(source, f"a walk of the shape {list(shape)} is none")
    return [squeezed]


def _split(stem: str) -> tuple[str, str]:
    """Model and walk: steerability_stylegan_cars_rotate2d."""
    found = PREFIX.match(stem)
    model, name = (found[1] or "", found[2]) if found else ("", stem)
    return model.strip("_-"), name or stem


def _model(source: ImportSource) -> str:
    """From the file's name, or from the folder that GANSpace keeps it in."""
    model, _ = _split(source.stem)
    return model or (source.parent if family_of(source.parent) else "")
