"""Directions saved by GANSpace's Colab notebook: one vector (1, D) float32 without any metadata.

Härkönen et al. 2020. The notebook works in W and names the file after the direction.
"""

from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, sanitise
from latty.directions.importing.base import LIKELY, MAYBE, NO, Imported
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

WIDEST = 8192
RANGE = (-10.0, 10.0)  # the notebook's slider


def recognise(source: ImportSource) -> int:
    found = evidence.weigh(source) if source.kind == "npy" else None
    if found is None or found.what != evidence.DIRECTIONS or found.view.numel > WIDEST:
        return NO
    if found.layered or found.view.shape[0] > 1:
        return NO
    unit = evidence.traits(found.view).unit
    return LIKELY if unit and found.view.dtype[1:] == "f4" else MAYBE


def convert(source: ImportSource) -> Imported:
    told = evidence.decided(source, evidence.DIRECTIONS, "it holds no array of floats")
    name = sanitise.name_of(source.path.stem, "direction")
    space = source.space or "w"
    header = DirectionSet("ganspace", space, (), "a model of GANSpace")
    notes = [RAW, "layers: it names none, all of them move (its notebook keeps them elsewhere)"]
    if not source.space:
        notes.insert(0, "taken for w, where GANSpace's notebook works (--space z for the other)")
    views = evidence.directions_of(told.view)
    found = [Named(name, view, usable=RANGE) for view in views]
    return linear(source, found, "ganspace_npy", header, {}, notes)
