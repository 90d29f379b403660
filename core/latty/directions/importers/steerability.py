"""Steerability's walks, one per file or key, whose lengths carry meaning and are kept.

Jahanian et al. 2020, also as GANSpace keeps them: pickles {"w_zoom": (1, D, 1)}, several columns
being several walks, and .npy of one vector per layer (L, D).
"""

import re

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, columns, linear, rows
from latty.directions.importing.source import ImportSource
from latty.text import clean

KEY = re.compile(r"w_[a-z][a-z0-9_]*")
WALKS = r"zoom|shift|rotate|rotation|color|colour|rgb|luminance|steer"
PREFIX = re.compile(r"^(?:steerability[_-])?((?:stylegan\d?|biggan|pggan)[_-]?[a-z]+_)?(.*)$")
COLUMNS_LIMIT = 16
USUAL = (14, 16, 18)  # layers of a walk whose name says nothing: 256 to 1024 px


def recognise(source: ImportSource) -> int:
    if source.kind == "pickle" and source.table:
        items = source.table.items()
        walks = all(
            isinstance(k, str) and KEY.fullmatch(k) and sanitise.is_floats(v) for k, v in items
        )
        return CERTAIN if walks else NO
    view = vectors.alone(source)
    if view is None or source.kind not in vectors.BARE or len(view.shape) not in (1, 2):
        return NO
    walk = bool(re.search(WALKS, source.stem)) and not vectors.names_codes(source)
    if view.numel == view.shape[-1] and vectors.width_fits(view):
        return LIKELY if walk and not vectors.is_unit(view) else NO
    if not vectors.width_fits(view) or view.shape[0] not in vectors.KNOWN_LAYERS:
        return NO
    if walk:
        return CERTAIN
    if vectors.names_direction(source):
        return LIKELY
    told = vectors.names_codes(source) or vectors.looks_normal(view)
    return NO if told or view.shape[0] not in USUAL else LIKELY


def convert(source: ImportSource) -> Imported:
    made_for = _model(source)
    if source.kind == "pickle":
        found, space = _walks(source), source.space or "z"
    else:
        view = vectors.only(source, "it holds no walk: no array of floats")
        squeezed, (_, name) = sanitise.squeezed(view), _split(source.stem)
        space = source.space or ("w" if len(squeezed.shape) == 2 else "z")
        found = [Named(sanitise.name_of(name, "walk"), squeezed)]
    label = made_for or "a model of Steerability"
    header = DirectionSet("steerability", space, (), label, family_of(made_for))
    notes = [RAW] if source.space else [f"taken for {space} (--space names another)", RAW]
    if len(found[0].view.shape) == 2:
        count = found[0].view.shape[0]
        notes.insert(0, f"taken for a walk with a vector for each of {count} layers, lengths kept "
                        "(--as latents for codes)")  # fmt: skip
    return linear(source, found, "steerability", header, {}, notes)


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
