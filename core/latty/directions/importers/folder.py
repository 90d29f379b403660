"""A folder of direction files of one model, InterFaceGAN's or GANSpace's: one set of them all.

Every array, pickle and tensor at its top must be directions, and all of one space, shape and model;
other folders are told apart by their own importers first.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, LINEAR, DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import MAYBE, NO, Imported
from latty.directions.importing.source import FOLDER, ImportSource
from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".npy", ".npz", ".pkl", ".pt", ".pth", ".csv")
FILES_LIMIT, BYTES_LIMIT = 500, 64 * 2**20  # a folder of generators is no folder of directions


def recognise(source: ImportSource) -> int:
    if source.kind != FOLDER:
        return NO
    try:
        found = _found(source)
    except BadData:  # one of its files is damaged: the others' importers may know the folder
        return NO
    return MAYBE if found and all(_is_set(one) for one in found.values()) else NO


def convert(source: ImportSource) -> Imported:
    found = _found(source)
    if not found:
        sanitise.refuse(source, "it holds no files of directions alone", "name one of its files")
    names = list(found)
    parts = [found[name] for name in names]
    headers = [part.header for part in parts if isinstance(part.header, DirectionSet)]
    first = headers[0] if headers else None
    if first is None or len(headers) != len(parts) or any(h.form != LINEAR for h in headers):
        sanitise.refuse(source, "it holds more than vectors", "import its files one by one")
    kinds = {_kind(header, part.shape) for header, part in zip(headers, parts, strict=True)}
    if len(kinds) > 1:
        several = "; ".join(sorted(kinds)[:3]) + ("; ..." if len(kinds) > 3 else "")
        sanitise.refuse(source, f"it holds several kinds of directions: {several}",
                      "import its files one by one, or move those of one kind")  # fmt: skip
    infos = [info for header in headers for info in header.infos]
    words = sanitise.unique(info.name for info in infos)
    told = sanitise.params({}, importer="folder", source=source.path.name, files=tuple(names))
    header = replace(
        first,
        infos=tuple(replace(info, name=word) for info, word in zip(infos, words, strict=True)),
        params=told,
    )
    shape = (len(infos), *parts[0].shape[1:])
    sanitise.check_directions(source, shape)
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return Imported(header, shape, lambda: _load(parts), tuple(notes))


def _found(source: ImportSource) -> dict[str, Imported]:
    """What each file at the top is; {} where one is nothing, or too large to be a direction."""
    from latty.directions.importing.recognise import judge

    names = [n for n in source.files if "/" not in n and PurePath(n).suffix.lower() in SUFFIXES]
    if not 1 <= len(names) <= FILES_LIMIT or source.wanted not in ("", "folder"):
        return {}
    found: dict[str, Imported] = {}
    for name in names:
        path = source.files[name]
        if not path.is_file() or path.stat().st_size > BYTES_LIMIT:
            return {}
        one = judge(replace(source.open(name), wanted=""))
        if one is None:
            return {}
        found[name] = one
    return found


def _is_set(found: Imported) -> bool:
    return isinstance(found.header, DirectionSet)


def _kind(header: DirectionSet, shape: Sequence[int]) -> str:
    size = "x".join(map(str, shape[1:]))
    return f"{header.method}, {size} in {header.space}, for {header.model}"


def _load(parts: Sequence[Imported]) -> "dict[str, Tensor]":
    import torch

    return {ARRAY: torch.cat([part.load()[ARRAY] for part in parts])}
