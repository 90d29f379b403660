"""TL-GAN's feature directions: a pickle {"direction": (D, A), "name": [A]}, one column each.

Guan 2018. Made for Karras' ProGAN of CelebA-HQ: columns of unit length in z.
"""

from typing import Any

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.sets import RAW, Named, columns, linear
from latty.directions.importing.source import ImportSource

MODEL, FAMILY, WIDTH = "karras2018iclr-celebahq-1024x1024", "progan", 512
RANGE = (-8.0, 8.0)  # twenty clicks of its 0.4


def recognise(source: ImportSource) -> int:
    tree = source.table
    both = "direction" in tree and "name" in tree
    return CERTAIN if both and sanitise.is_floats(tree["direction"]) else NO


def convert(source: ImportSource) -> Imported:
    tree = source.table
    matrix = sanitise.floats(source, tree, "direction")
    if len(matrix.shape) == 1:
        matrix = sanitise.reshaped(matrix, (*matrix.shape, 1))
    names = _names(tree.get("name"))
    if len(matrix.shape) != 2 or matrix.shape[1] != len(names):
        what = f"directions of the shape {list(matrix.shape)} for {len(names)} names"
        sanitise.refuse(source, what, "one column for each name is wanted")
    if len(names) > sanitise.COUNT_LIMIT:
        sanitise.refuse(source, f"it holds {len(names)} directions: too many")
    found = [
        Named(sanitise.name_of(name, f"d{i}"), view, usable=RANGE)
        for i, (name, view) in enumerate(zip(names, columns(matrix), strict=True))
    ]
    theirs = matrix.shape[0] == WIDTH
    model, family = (MODEL, FAMILY) if theirs else ("a model of TL-GAN", "")
    header = DirectionSet("tlgan", source.space or "z", (), model, family)
    notes = ["one click of its own window is a strength of 0.4", RAW]
    if theirs:
        notes.insert(0, f"taken for directions of {MODEL}, TL-GAN's only model")
    return linear(source, found, "tlgan", header, {}, notes)


def _names(given: Any) -> list[str]:
    """A list of text, or an array of it."""
    values = given
    if isinstance(given, TensorView):
        values = given.tolist() if given.numel <= sanitise.COUNT_LIMIT else []
        values = values if isinstance(values, list) else [values]
    if not isinstance(values, list | tuple):
        return []
    return [sanitise.raw(value) for value in values]
