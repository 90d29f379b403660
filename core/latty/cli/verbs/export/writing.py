"""Writes a model, directions or latents in a format, whole or not at all."""

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latty import files, latents, locks, reading
from latty.cli.verbs.export.formats import DIRECTIONS, MODEL, Exporter, chosen
from latty.directions.file import NORMALS, read
from latty.directions.importing.base import Codes
from latty.directions.store import SETS, resolve
from latty.errors import BadData, UsageError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Written:
    """What an export wrote, and what the files do not hold."""

    paths: tuple[Path, ...]
    kind: str
    notes: tuple[str, ...]


def export(ref: str, word: str, output: Path, overwrite: bool = False, layers: int = 0) -> Written:
    """Write what `ref` names as `word` says. Raises UsageError, Missing, BadData, WouldOverwrite,
    OutputError, Locked."""
    found = chosen(ref, word)
    with locks.writing(output):
        if found.of == MODEL:
            return _model(ref, found, output, overwrite)
        made = _directions(ref, found) if found.of == DIRECTIONS else _codes(ref, found, layers)
        return _arrays(made, found, output, overwrite)


def _model(ref: str, form: Exporter, output: Path, overwrite: bool) -> Written:
    from latty.checkpoints.safetensors import pieces
    from latty.models import opening
    from latty.models.store import model_file

    path = model_file(ref)
    if path is None:
        raise BadData(f"{ref} is a program, and has no weights to export", "choose another model")
    model = opening.convert(path)
    family = form.registry.constant(form.entry, "FAMILY")
    if model.family != family:
        raise BadData(f"{ref} is of the family {model.family}; --as {form.word} is for {family}",
                      "latty's own file is safetensors, too: latty inspect")  # fmt: skip
    made = form.export(model)
    _free(output, form.suffix, overwrite)
    tensors = {name: tensor.contiguous() for name, tensor in sorted(made.tensors.items())}
    kept = {key: model.meta[key] for key in ("license",) if model.meta.get(key)}
    files.write(output, pieces(kept, tensors))
    return Written((output,), MODEL, made.notes)


def _directions(ref: str, form: Exporter) -> Any:
    one = None if ref in SETS.names() or Path(ref).expanduser().is_file() else resolve(ref)
    path = SETS.find(ref) if one is None else one[0]
    header, arrays = read(path)
    if one is not None:
        rows = {name: array[one[2]][None] for name, array in arrays.items()}
        header, arrays = replace(header, infos=(header.infos[one[2]],)), rows
    made = form.export(header, arrays)
    if NORMALS in arrays:
        lost = "not in the file: the normals, along which locks and conditions hold"
        made = replace(made, notes=(*made.notes, lost))
    return made


def _codes(ref: str, form: Exporter, layers: int) -> Any:
    found, array = latents.look(ref), latents.read(ref).array
    names = found.names
    if "#" in ref:
        index = found.index(latents.split(ref)[2])
        array, names = array[index][None], names[index : index + 1]
    space: Literal["z", "w"] = "z" if found.space == "z" else "w"
    header = Codes(space, found.model, found.family, names, found.model_digest, found.params)
    return form.export(header, array, layers)


def _arrays(made: Any, form: Exporter, output: Path, overwrite: bool) -> Written:
    """One file under the name given; several in the folder given."""
    several = len(made.files) > 1
    if several and output.suffix:
        raise UsageError(f"--output: {output} is one file, and this writes {len(made.files)}",
                         "name a folder, or one direction: SET/NAME")  # fmt: skip
    folder = several or (not output.suffix and "" not in made.files)
    targets = [output / name if folder else output for name in made.files]
    wanted = dict(zip(targets, map(_bytes, made.files.values()), strict=True))
    done = set() if overwrite else _broken_off(wanted)
    for target in targets:
        _free(target, form.suffix, overwrite or target in done)
    for target, data in wanted.items():
        files.sweep(target)
        if target not in done:
            files.write(target, [data])
    return Written(tuple(targets), form.of, made.notes)


def _broken_off(wanted: Mapping[Path, bytes]) -> set[Path]:
    """What an earlier try wrote before it was broken off: some of the files are there, just so."""
    there = {path for path in wanted if path.exists()}
    with suppress(OSError):
        if len(there) < len(wanted) and all(
            reading.content(path, len(wanted[path])) == wanted[path] for path in there
        ):
            return there
    return set()


def _free(path: Path, suffix: str, overwrite: bool) -> None:
    if path.suffix != suffix:
        raise UsageError(f"--output: {path} is no {suffix}", f"this format is a {suffix} file")
    files.refuse_existing(path, overwrite)


def _bytes(arrays: "Mapping[str, Tensor]") -> bytes:
    """An .npy of one array "", else an .npz; numbers alone, never a pickle."""
    import numpy as np

    held = io.BytesIO()
    plain: dict[str, Any] = {
        name: np.ascontiguousarray(tensor.float().numpy()) for name, tensor in arrays.items()
    }
    if list(plain) == [""]:
        np.lib.format.write_array(held, plain[""], allow_pickle=False)
    else:
        np.savez(held, **plain)
    return held.getvalue()
