"""Directions saved by GANSpace's Colab notebook: one vector (1, D) float32 without any metadata.

Härkönen et al. 2020. The notebook works in W and names the file after the direction.
"""

from latty.directions.file import DirectionSet
from latty.directions.importing import clean, vectors
from latty.directions.importing.base import LIKELY, MAYBE, NO, Imported
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

RANGE = (-10.0, 10.0)  # the notebook's slider


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or source.kind != "npy" or not vectors.width_fits(view):
        return NO
    if clean.squeezed(view).shape != view.shape[-1:] or len(view.shape) > 3:
        return NO
    if vectors.is_unit(view):
        return LIKELY if view.dtype[1:] == "f4" else MAYBE
    return NO if vectors.names_codes(source) or not vectors.names_direction(source) else MAYBE


def convert(source: ImportSource) -> Imported:
    view = vectors.alone(source)
    if view is None:
        clean.refuse(source, "it holds no array of floats", "an .npy of GANSpace holds one vector")
    name = clean.name_of(source.path.stem, "direction")
    space = source.space or "w"
    settings = clean.params({}, importer="ganspace_npy", source=source.path.name)
    header = DirectionSet("ganspace", space, (), "a model of GANSpace", params=settings)
    notes = [RAW, "layers: it names none, all of them move (its notebook keeps them elsewhere)"]
    if not source.space:
        notes.insert(0, "taken for w, where GANSpace's notebook works (--space z for the other)")
    return linear(source, [Named(name, clean.squeezed(view), usable=RANGE)], header, notes)
