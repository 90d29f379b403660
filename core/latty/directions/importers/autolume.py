"""Autolume's GANSpace features: `MODEL_xcomp.npy` and `MODEL_zcomp.npy`, (K, D), rows of length 1.

Metacreation Lab's Autolume decomposes the output of the mapping, so both files hold the same
components of W; the spread along them is not kept.
"""

import re

from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, sanitise, vectors
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, linear, rows
from latty.directions.importing.source import ImportSource

NAME = re.compile(r"(.+)_[xz]comp", re.IGNORECASE)
NOTHING = "it holds no components (K, D)"


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or source.kind != "npy" or not NAME.fullmatch(source.stem):
        return NO
    fits = len(view.shape) == 2 and vectors.width_fits(view) and evidence.traits(view).unit
    return CERTAIN if fits else NO


def convert(source: ImportSource) -> Imported:
    view = vectors.only(source, NOTHING)
    if len(view.shape) != 2:
        sanitise.refuse(source, NOTHING)
    named = NAME.fullmatch(source.path.stem)
    model = sanitise.text(named[1]) if named else ""
    found = [Named(f"c{i}", row) for i, row in enumerate(rows(view)[: sanitise.COUNT_LIMIT + 1])]
    header = DirectionSet("ganspace", source.space or "w", (), model or "a model of Autolume",
                          family_of(model))  # fmt: skip
    return linear(source, found, "autolume", header, {"model": model}, [RAW])
