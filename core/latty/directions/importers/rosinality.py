"""The closed-form factors of rosinality's StyleGAN2 code: {"ckpt": name, "eigvec": (D, D)}.

SeFa (Shen and Zhou 2021) as its closed_form_factorization.py computes it: column i is direction i.
"""

from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.sets import RAW, Named, columns, linear
from latty.directions.importing.source import ImportSource

RANGE = (-5.0, 5.0)  # its apply_factor.py walks 5 by itself


def recognise(source: ImportSource) -> int:
    return CERTAIN if "eigvec" in source.table else NO


def convert(source: ImportSource) -> Imported:
    matrix = sanitise.floats(source, source.table, "eigvec")
    if len(matrix.shape) != 2 or matrix.shape[1] > sanitise.COUNT_LIMIT:
        sanitise.refuse(source, f"'eigvec' has the shape {list(matrix.shape)}, not (D, K)")
    found = [Named(f"s{i}", view, usable=RANGE) for i, view in enumerate(columns(matrix))]
    made_for = sanitise.text(source.table.get("ckpt")).replace("\\", "/").rpartition("/")[2]
    header = DirectionSet("sefa", source.space or "w", (), made_for or "a StyleGAN2", "stylegan2")
    return linear(source, found, "rosinality", header, {}, [RAW])
