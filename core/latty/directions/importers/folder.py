"""A folder of direction files of one model, InterFaceGAN's or GANSpace's: one set of them all.

Whatever else lies there is left out, a line each; other folders are told apart by their own
importers first. Directions of several models, spaces or methods become a set each: `gather`.
"""

from dataclasses import replace

from latty.directions.file import LINEAR, DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import MAYBE, NO, Imported
from latty.directions.importing.gather import Gathered, gathered, inside
from latty.directions.importing.source import FOLDER, ImportSource


def recognise(source: ImportSource) -> int:
    if source.kind != FOLDER or not inside(source):
        return NO
    return MAYBE if any(_is_set(one) for one in _found(source).sets.values()) else NO


def convert(source: ImportSource) -> Imported:
    found = _found(source) if source.kind == FOLDER else Gathered({}, {})
    if not found.sets:
        sanitise.refuse(source, "it holds no files of directions", "name one of its files")
    if len(found.sets) > 1:
        kinds = sorted(_kind(one) for one in found.sets.values())
        several = "; ".join(kinds[:3]) + ("; ..." if len(kinds) > 3 else "")
        sanitise.refuse(source, f"it holds several kinds of directions: {several}",
                        "import the folder: a set of each")  # fmt: skip
    one = next(iter(found.sets.values()))
    if not isinstance(one.header, DirectionSet) or one.header.form != LINEAR:
        sanitise.refuse(source, "it holds more than vectors", "import its files one by one")
    left = tuple(f"left out: {name}: {why}" for name, why in found.left.items())
    return replace(one, notes=(*one.notes, *left))


def _found(source: ImportSource) -> Gathered:
    wanted = "" if source.wanted == "folder" else source.wanted
    return gathered(inside(source), replace(source, wanted=wanted))


def _is_set(found: Imported) -> bool:
    return isinstance(found.header, DirectionSet)


def _kind(found: Imported) -> str:
    size, header = "x".join(map(str, found.shape[1:])), found.header
    method = header.method if isinstance(header, DirectionSet) else found.kind
    return f"{method}, {size} in {header.space}, for {header.model}"
