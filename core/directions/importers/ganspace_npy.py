"""Directions saved by GANSpace's Colab notebook: one vector (1, D) float32 without any metadata.

Härkönen et al. 2020. The notebook works in W and names the file after the direction.
"""

from core.directions._file import DirectionSet
from core.directions.importers import _clean, _vectors
from core.directions.importers._base import LIKELY, MAYBE, NO, Imported
from core.directions.importers._sets import RAW, Named, linear
from core.directions.importers._source import Source

RANGE = (-10.0, 10.0)  # the notebook's slider


def recognise(source: Source) -> int:
    view = _vectors.alone(source)
    if view is None or source.kind != "npy" or not _vectors.width_fits(view):
        return NO
    if _clean.squeezed(view).shape != view.shape[-1:] or len(view.shape) > 3:
        return NO
    if _vectors.is_unit(view):
        return LIKELY if view.dtype[1:] == "f4" else MAYBE
    return NO if _vectors.names_codes(source) or not _vectors.names_direction(source) else MAYBE


def convert(source: Source) -> Imported:
    view = _vectors.alone(source)
    if view is None:
        _clean.refuse(source, "it holds no array of floats", "an .npy of GANSpace holds one vector")
    name = _clean.name_of(source.path.stem, "direction")
    space = source.space or "w"
    settings = _clean.params({}, importer="ganspace_npy", source=source.path.name)
    header = DirectionSet("ganspace", space, (), "a model of GANSpace", params=settings)
    notes = [RAW, "layers: it names none, all of them move (its notebook keeps them elsewhere)"]
    if not source.space:
        notes.insert(0, "taken for w, where GANSpace's notebook works (--space z for the other)")
    return linear(source, [Named(name, _clean.squeezed(view), usable=RANGE)], header, notes)
