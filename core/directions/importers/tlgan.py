"""TL-GAN's feature directions: a pickle {"direction": (D, A), "name": [A]}, one column each.

Guan 2018. Made for Karras' ProGAN of CelebA-HQ: columns of unit length in z.
"""

from typing import Any

from core.checkpoints.values import TensorView
from core.directions._file import DirectionSet
from core.directions.importers import _clean
from core.directions.importers._base import CERTAIN, NO, Imported
from core.directions.importers._sets import RAW, Named, columns, linear
from core.directions.importers._source import Source

MODEL, FAMILY, WIDTH = "karras2018iclr-celebahq-1024x1024", "progan", 512
RANGE = (-8.0, 8.0)  # twenty clicks of its 0.4


def recognise(source: Source) -> int:
    tree = source.tree
    both = isinstance(tree, dict) and "direction" in tree and "name" in tree
    return CERTAIN if both and _clean.is_floats(tree["direction"]) else NO


def convert(source: Source) -> Imported:
    tree = source.tree if isinstance(source.tree, dict) else {}
    matrix = _clean.floats(source, tree, "direction")
    if len(matrix.shape) == 1:
        matrix = _clean.reshaped(matrix, (*matrix.shape, 1))
    names = _names(tree.get("name"))
    if len(matrix.shape) != 2 or matrix.shape[1] != len(names):
        what = f"directions of the shape {list(matrix.shape)} for {len(names)} names"
        _clean.refuse(source, what, "one column for each name is wanted")
    if len(names) > _clean.COUNT_LIMIT:
        _clean.refuse(source, f"it holds {len(names)} directions: too many")
    found = [
        Named(_clean.name_of(name, f"d{i}"), view, usable=RANGE)
        for i, (name, view) in enumerate(zip(names, columns(matrix), strict=True))
    ]
    theirs = matrix.shape[0] == WIDTH
    settings = _clean.params({}, importer="tlgan", source=source.path.name)
    model, family = (MODEL, FAMILY) if theirs else ("a model of TL-GAN", "")
    header = DirectionSet("tlgan", source.space or "z", (), model, family, params=settings)
    notes = ["one click of its own window is a strength of 0.4", RAW]
    if theirs:
        notes.insert(0, f"taken for directions of {MODEL}, TL-GAN's only model")
    return linear(source, found, header, notes)


def _names(given: Any) -> list[str]:
    """A list of text, or an array of it."""
    values = given
    if isinstance(given, TensorView):
        values = given.tolist() if given.numel <= _clean.COUNT_LIMIT else []
        values = values if isinstance(values, list) else [values]
    if not isinstance(values, list | tuple):
        return []
    return [_clean.raw(value) for value in values]
