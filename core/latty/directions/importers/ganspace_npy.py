"""Directions saved by GANSpace's Colab notebook: one vector (1, D) float32 without any metadata.

Härkönen et al. 2020. The notebook works in W and names the file after the direction.
"""

from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import LIKELY, MAYBE, NO, Imported
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

HINT = "an .npy of GANSpace holds one vector"
RANGE = (-10.0, 10.0)  # the notebook's slider


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or source.kind != "npy" or not vectors.width_fits(view):
        return NO
    if sanitise.squeezed(view).shape != view.shape[-1:] or len(view.shape) > 3:
        return NO
    if vectors.is_unit(view):
        return LIKELY if view.dtype[1:] == "f4" else MAYBE
    return NO if vectors.names_codes(source) or not vectors.names_direction(source) else MAYBE


def convert(source: ImportSource) -> Imported:
    view = vectors.only(source, "it holds no array of floats", HINT)
    name = sanitise.name_of(source.path.stem, "direction")
    space = source.space or "w"
    header = DirectionSet("ganspace", space, (), "a model of GANSpace")
    notes = [RAW, "layers: it names none, all of them move (its notebook keeps them elsewhere)"]
    if not source.space:
        notes.insert(0, "taken for w, where GANSpace's notebook works (--space z for the other)")
    found = [Named(name, sanitise.squeezed(view), usable=RANGE)]
    return linear(source, found, "ganspace_npy", header, {}, notes)
