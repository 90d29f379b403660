"""Plumerault et al.'s directions: `direction.csv`, one unit vector of z in decimals.

Plumerault et al. 2020. Alone, or a folder of theirs, where each
`<transform>/<class>/directions/direction.csv` becomes one direction. barycenters.csv holds
measurements and no direction.
"""

import re
from pathlib import PurePath

from latty.checkpoints.values import Storage, TensorView, packed
from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, LIKELY, MAYBE, NO, Imported
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import FOLDER, TEXT, ImportSource

TRANSFORMS = ("horizontal_position", "vertical_position", "scale", "brightness")
FAMILIES = {120: "biggan", 140: "biggan", 160: "biggan"}  # widths of z of its Keras BigGANs
RANGE = (-5.0, 5.0)  # its traversals
NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?|[-+]?(?:nan|inf(?:inity)?)", re.I
)
LINES_LIMIT, NUMBERS_LIMIT = 10_000, 100_000
CSV = r"(?:.*/)?direction[^/]*\.csv"
MEASURED = "it holds where things are in pictures (name, x, y, mean), which is no direction"


def recognise(source: ImportSource) -> int:
    if source.kind == FOLDER:
        return LIKELY if source.matching(CSV) else NO
    if source.kind != TEXT:
        return NO
    if _is_barycentres(source):
        return CERTAIN  # to say what it is
    vectors = _vectors(source.words)
    if vectors is None:
        return NO
    return CERTAIN if "direction" in source.stem else MAYBE


def convert(source: ImportSource) -> Imported:
    if source.kind == FOLDER:
        names = source.matching(CSV)
        if not names:
            sanitise.refuse(source, "it holds no direction.csv", "name the folder of its results")
        found = [one for name in names[: sanitise.COUNT_LIMIT] for one in _read(source.open(name))]
    else:
        found = _read(source)
    width = found[0].view.shape[-1]
    header = DirectionSet("plumerault", source.space or "z", (), "a BigGAN of Plumerault et al.",
                          FAMILIES.get(width, ""))  # fmt: skip
    notes = [
        RAW,
        'its own strengths are places -5 .. 5: mode = "absolute" in an edit gives them',
        "the scale that turns them into a measured change is not in its files",
    ]
    return linear(source, found, "plumerault", header, {}, notes)


def _is_barycentres(source: ImportSource) -> bool:
    first = source.words.lstrip().split("\n", 1)[0].lower()
    return [word.strip() for word in first.split(",")][:3] == ["name", "x", "y"]


def _read(source: ImportSource) -> list[Named]:
    if _is_barycentres(source):
        sanitise.refuse(source, MEASURED, "name the file direction.csv beside it")
    vectors = _vectors(source.words)
    if vectors is None:
        sanitise.refuse(source, "it holds no line of numbers", "a direction.csv is wanted")
    name = sanitise.name_of(_name(source), "direction")
    return [Named(name, _view(vector), usable=RANGE) for vector in vectors]


def _name(source: ImportSource) -> str:
    """horizontal_position-14 for .../horizontal_position/14/directions/direction.csv."""
    folders = PurePath(source.path.absolute()).parts[-4:-1]
    for i, folder in enumerate(folders):
        if folder in TRANSFORMS:
            label = [part for part in folders[i + 1 :] if part.isdecimal()]
            return "-".join([folder, *label[:1]])
    return source.path.stem


def _vectors(words: str) -> list[list[float]] | None:
    """One vector for each line, or one number for each; None where anything else is written."""
    lines = [line for line in words.splitlines()[:LINES_LIMIT] if line.strip()]
    table = [[cell.strip() for cell in re.split(r"[,;\s]+", line.strip(" ,;\t"))] for line in lines]
    count = sum(map(len, table))
    if not 2 <= count <= NUMBERS_LIMIT or len(words.splitlines()) > LINES_LIMIT:
        return None
    if not all(NUMBER.fullmatch(cell) for row in table for cell in row):
        return None
    numbers = [[float(cell) for cell in row] for row in table]
    if all(len(row) == 1 for row in numbers):
        return [[row[0] for row in numbers]]
    return numbers if len({len(row) for row in numbers}) == 1 else None


def _view(vector: list[float]) -> TensorView:
    """As an array of float64, so that one way checks all numbers."""
    import struct

    data = struct.pack(f"<{len(vector)}d", *vector)
    shape = (len(vector),)
    return TensorView(Storage("<f8", len(vector), data), "<f8", shape, packed(shape))
