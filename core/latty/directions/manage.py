"""What a user does to direction sets: rename, flip, delete, copy, export, keep an offset.

Every function works on files and returns what JSON can say; a set that ships is never changed (see
`copied`).
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from latty import files, locks
from latty.directions import bin, select
from latty.directions.base import Info
from latty.directions.file import (
    ARRAY,
    OFFSET,
    DirectionSet,
    new_name,
    read,
    write,
    write_header,
)
from latty.directions.renaming import renamed
from latty.directions.store import SETS
from latty.errors import BadData, Missing, UsageError, WouldOverwrite, did_you_mean
from latty.store import name_from

if TYPE_CHECKING:
    from torch import Tensor

    from latty.models.base import ModelInfo

MINE = "mine"  # the set of what is made by hand


def rename(path: str, name: str, to: str) -> list[str]:
    """Another name for a direction; the names of the set then. Raises UsageError for what is no
    name, WouldOverwrite for one that is taken, Missing, BadData, Locked, OutputError."""
    try:
        new_name(to)
    except ValueError as error:
        raise UsageError(str(error), "choose another name") from None
    with _opened(path) as (file, header, arrays):
        _index(header, name)
        if to != name and to in header.names:
            raise WouldOverwrite(f"there is a direction '{to}' already", "choose another name")
        if to != name:
            with suppress(Missing):  # the form's method may not be installed: a name can be changed
                header = select.explicit(header, arrays)[1]
            header = renamed(header, name, to)
            write_header(file, header)
    return list(header.names)


def flip(path: str, name: str) -> None:
    """The same direction the other way round: what +1 did, -1 does. Raises Missing, BadData,
    Locked."""
    with _opened(path) as (file, header, arrays):
        write(file, *select.turned(header, arrays, _index(header, name)))


def delete(path: str, names: Sequence[str]) -> int:
    """Take directions out of a set, the file too with the last of them; how many are left. Raises
    Missing, BadData, Locked."""
    with _opened(path) as (file, header, arrays):
        gone = {_index(header, name) for name in names}
        left = [index for index in range(len(header.infos)) if index not in gone]
        if left:
            write(file, *select.selected(header, arrays, left))
        elif not files.remove(file):
            raise Missing(f"no direction set '{file.stem}' there any more")
    return len(left)


def delete_set(path: str) -> None:
    """The whole file, one of the store's. Raises Missing, UsageError, OutputError, Locked."""
    SETS.remove(_stored(path).stem, around=bin.changing)


def rename_set(path: str, name: str) -> str:
    """Another name for a set of the store's; its path then. Raises Missing, UsageError,
    WouldOverwrite, OutputError, Locked."""
    file = _stored(path)
    target = SETS.rename(file.stem, name)
    bin.renamed(file, target)
    return str(target)


def copied(path: str, name: str) -> str:
    """A direction of a set that ships, copied to the user's "my-SET", where it can be changed; the
    path of that set. One that is there already, under that name, is kept. Raises Locked."""
    source = Path(path)
    header, arrays = read(source)
    one = select.selected(header, arrays, [_index(header, name)])
    own, number = name_from(f"my-{source.stem}")[:60], 1
    while True:
        target = SETS.place(own if number == 1 else f"{own}-{number}")
        with locks.writing(target), bin.changing(target):
            there = read(target) if target.exists() else None
            if there is not None and name in there[0].names:
                return str(target)
            both = one if there is None else select.joined(there, one)
            if both is not None:
                write(target, *both)
                return str(target)
        number += 1


def export(path: str, name: str | None, to: str, overwrite: bool = False) -> list[str]:
    """A direction, or a whole set (None), as a file elsewhere: .safetensors with all that is known
    of it, or .npy with the bare vector for other tools. What there is to know about it, in words.

    Raises UsageError for another suffix, WouldOverwrite, BadData where there is no vector, Locked,
    OutputError.
    """
    target = Path(to).expanduser()
    if target.suffix not in (".safetensors", ".npy"):
        raise UsageError(f"{target.name}: a direction is .safetensors or .npy", "name it so")
    with locks.writing(target):
        files.refuse_existing(target, overwrite)
        header, arrays = read(Path(path))
        if target.suffix == ".safetensors":
            if name is not None:
                header, arrays = select.selected(header, arrays, [_index(header, name)])
            write(target, header, arrays)
            return [f"{len(header.infos)} of {header.method}, in {header.space}"]
        return _export_vector(header, arrays, name, target)


def keep_offset(
    name: str, offset: "Tensor", info: "ModelInfo", words: str, set_name: str = MINE
) -> str:
    """Keep codes (L, D) that were added to a picture as a direction of the set "mine": strength 1
    adds them again. Its name, SET/NAME; a model of its own has a set of its own.

    Raises BadData for an offset of nothing, WouldOverwrite for a name that is taken, Locked.
    """
    sigma = float(offset.norm())
    if not sigma > 0:
        raise BadData("the edits change no codes: there is nothing to keep", "edit the picture")
    kept = Info(name, sigma, (-2.0, 2.0))
    header = DirectionSet(OFFSET, "w", (kept,), info.name, info.family, info.digest,
                          params=((name, words),))  # fmt: skip
    arrays = {ARRAY: (offset / sigma).float().cpu()[None]}
    for target in (SETS.place(set_name), SETS.place(name_from(f"{set_name}-{info.name}")[:60])):
        with locks.writing(target):
            there = read(target) if target.exists() else None
            both = (header, arrays) if there is None else select.joined(there, (header, arrays))
            if both is None:
                continue
            if there is not None and name in there[0].names:
                what = f"there is a direction '{target.stem}/{name}' already"
                raise WouldOverwrite(what, "choose another name")
            write(target, *both)
        return f"{target.stem}/{name}"
    raise BadData(f"the set '{set_name}' holds directions of another kind", "rename that set")


def _export_vector(
    header: DirectionSet, arrays: select.Arrays, name: str | None, target: Path
) -> list[str]:
    import numpy as np

    if name is None:
        raise UsageError("a .npy holds one vector", "export the set as .safetensors")
    index = _index(header, name)
    if ARRAY not in arrays:
        what = f"{name} is no vector: it is a {header.form} direction, curved in latents"
        raise BadData(what, "export it as .safetensors")
    vector = np.atleast_2d(arrays[ARRAY][index].numpy().astype("<f4"))
    buffer = io.BytesIO()
    np.save(buffer, vector, allow_pickle=False)
    files.write(target, [buffer.getvalue()])
    size = " x ".join(map(str, vector.shape))
    return [f"{size} numbers in {header.space}; one sigma is {header.infos[index].sigma:.4g} of it"]


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def _opened(path: str) -> Iterator[tuple[Path, DirectionSet, select.Arrays]]:
    """A set that may be changed, and nobody else changes. Raises UsageError for one that ships,
    Locked, Missing, BadData."""
    file = _own(Path(path))
    with locks.writing(file), bin.changing(file):
        yield file, *read(file)


def _own(path: Path) -> Path:
    if SETS.ships_file(path):
        raise UsageError(f"'{path.stem}' ships with latty and stays as it is", "change a copy")
    return path


def _stored(path: str) -> Path:
    file = SETS.kept(_own(Path(path)))
    if file is None:
        raise Missing(f"{path} is no direction set of the store", "change the file itself")
    return file


def _index(header: DirectionSet, name: str) -> int:
    if name not in header.names:
        raise Missing(f"no direction '{name}' there any more", did_you_mean(name, header.names))
    return header.names.index(name)
