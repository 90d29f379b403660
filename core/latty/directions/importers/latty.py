"""Files of latty's own, direction sets and latents: checked, and kept as they are."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latty.directions.file import ARRAY, KIND, read, read_header
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, CODES, NO, Codes, Imported
from latty.directions.importing.source import ImportSource
from latty.latents import file as latents_file
from latty.latents import from_file

if TYPE_CHECKING:
    from torch import Tensor


def recognise(source: ImportSource) -> int:
    ours = source.meta.get("kind") in (KIND, latents_file.KIND)
    return CERTAIN if source.kind == "safetensors" and ours else NO


def convert(source: ImportSource) -> Imported:
    if not recognise(source):
        sanitise.refuse(source, "it is no file of latty's", "see docs/importing.md")
    found = _latents(source) if source.meta["kind"] == latents_file.KIND else _directions(source)
    if source.space not in ("", found.header.space):
        sanitise.refuse(source, f"what it holds is in {found.header.space}", "leave out --space")
    return found


def _directions(source: ImportSource) -> Imported:
    header = read_header(source.path)
    shape = source.table[ARRAY].shape if ARRAY in source.table else (len(header.infos),)
    notes = dict(header.params).get("notes")
    told = tuple(str(note) for note in notes) if isinstance(notes, tuple) else ()
    return Imported(header, shape, partial(_arrays, source.path), told)


def _arrays(path: Path) -> "dict[str, Tensor]":
    return read(path)[1]


def _latents(source: ImportSource) -> Imported:
    said = latents_file.look(source.path)
    space: Literal["z", "w"] = "z" if said.space == "z" else "w"
    header = Codes(space, said.model, said.family, said.names, said.model_digest, said.params)
    return Imported(header, said.shape, partial(_codes, source.path), said.notes)


def _codes(path: Path) -> "dict[str, Tensor]":
    return {CODES: from_file(path).array}
