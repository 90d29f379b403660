"""Directions of one region of the picture, by LowRankGAN and ReSeFa: (1, D) or (K, D) in W.

Zhu et al. 2021 and 2022 (github.com/zhujiapeng). What they publish are vectors of length 1,
`directions/ffhq1024/mouth.npy` (StyleGAN2) and `directions/ffhq/stylegan3/eyes-r.npy`; what their
programs write is a matrix, strongest row first: `directions_img_00_region_mouth_NAME.npy`, also
`..._projected.npy`, and `image_00_region_mouth_name_NAME.npy`. LowRankGAN computes in float64.
"""

import re

from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, sanitise, vectors
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, linear, rows
from latty.directions.importing.source import ImportSource

MATRIX = re.compile(
    r"(?:directions_img|image)_\d+_region_(.+?)(?:_name)?(?:_[^_]+)?(?:_projected)?"
)
PLACE = re.compile(r"directions/([a-z]+)(\d*)(?:/(stylegan[23]))?")
RANGE = (-10.0, 10.0)  # its manipulate.py
LAYERS = "its own programs move all layers but the last: --layers 0-16 in an edit at 1024 px"
NOTHING = "it holds no directions (K, D)"


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or source.kind != "npy" or not vectors.width_fits(view):
        return NO
    if len(view.shape) != 2 or not evidence.traits(view).unit:
        return NO
    if MATRIX.fullmatch(source.stem):
        return CERTAIN
    place = PLACE.fullmatch(_folders(source))
    return CERTAIN if place and view.shape[0] == 1 and (place[2] or place[3]) else NO


def _folders(source: ImportSource) -> str:
    """The folders that it lies in, from "directions" on."""
    parts = [part.lower() for part in source.path.absolute().parts[-4:-1]]
    return "/".join(parts[parts.index("directions") :]) if "directions" in parts else ""


def convert(source: ImportSource) -> Imported:
    view = vectors.only(source, NOTHING)
    view = sanitise.reshaped(view, (1, *view.shape)) if len(view.shape) == 1 else view
    if len(view.shape) != 2:
        sanitise.refuse(source, NOTHING)
    matrix, place = MATRIX.fullmatch(source.path.stem), PLACE.fullmatch(_folders(source))
    word = sanitise.name_of(matrix[1] if matrix else source.path.stem, "region")
    names = [word] if view.shape[0] == 1 else [f"{word}-{i}" for i in range(view.shape[0])]
    named = [Named(n, row, usable=RANGE) for n, row in zip(names, rows(view), strict=True)]
    made_for, family = "a model of LowRankGAN or ReSeFa", ""
    if place:
        made_for = f"{place[3] or 'stylegan2'} {place[1]}{place[2]}"
        family = family_of(made_for)
    header = DirectionSet("lowrankgan", source.space or "w", (), made_for, family)
    return linear(source, named, "lowrankgan", header, {"region": word}, [LAYERS, RAW])
