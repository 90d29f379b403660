"""Files as other programs read them, of models, direction sets and latents."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latty import files, latents
from latty.directions.registries import IMPORTERS
from latty.directions.store import SETS, resolve
from latty.errors import BadData, Missing, UsageError, WouldOverwrite, did_you_mean
from latty.latents import LATENTS
from latty.models.registries import LAYOUTS
from latty.models.store import MODELS
from latty.plugins import Registry

if TYPE_CHECKING:
    from torch import Tensor

MODEL, DIRECTIONS, CODES = "model", "directions", "latents"


@dataclass(frozen=True, slots=True)
class Exporter:
    """A way to write: the entry that says it, its word, what it writes of, the suffix."""

    registry: Registry[Any]
    entry: str
    word: str
    of: str
    suffix: str

    @property
    def export(self) -> Any:
        """The function of the entry."""
        return self.registry.load(self.entry).export


@dataclass(frozen=True, slots=True)
class Written:
    """What an export wrote, and what the files do not hold."""

    paths: tuple[Path, ...]
    kind: str
    notes: tuple[str, ...]


def exporters() -> Iterator[Exporter]:
    """Every entry with the literal EXPORTS."""
    for registry in (LAYOUTS, IMPORTERS):
        for entry in registry.names():
            said = registry.constant(entry, "EXPORTS")
            if isinstance(said, dict):
                yield Exporter(registry, entry, said["as"], said["of"], said["suffix"])


def export(ref: str, word: str, output: Path, force: bool = False, layers: int = 0) -> Written:
    """Write what `ref` names as `word` says. Raises UsageError, Missing, BadData, WouldOverwrite,
    OutputError."""
    able = [one for one in exporters() if one.word == word]
    if not able:
        words = sorted({one.word for one in exporters()})
        raise UsageError(f"--as: no format '{word}'", did_you_mean(word, words) or ", ".join(words))
    kind = _kind(ref)
    chosen = next((one for one in able if one.of == kind), None)
    if chosen is None:
        words = sorted({one.word for one in exporters() if one.of == kind})
        raise BadData(f"{ref} is {_a(kind)}; --as {word} is for {able[0].of}",
                      f"for it there is: {', '.join(words)}")  # fmt: skip
    if kind == MODEL:
        return _model(ref, chosen, output, force)
    made = _directions(ref, chosen) if kind == DIRECTIONS else _codes(ref, chosen, layers)
    return _arrays(made, chosen, output, force)


def _a(kind: str) -> str:
    return "a model" if kind == MODEL else kind


def _kind(ref: str) -> str:
    """What a name or file is. Raises Missing, BadData."""
    from latty.cli import importable

    source = ref.partition("#")[0]
    stores = {MODEL: MODELS, DIRECTIONS: SETS, CODES: LATENTS}
    named = [kind for kind, store in stores.items() if source in store.names()]
    if len(named) > 1:
        raise BadData(f"'{ref}' names {' and '.join(map(_a, named))}", "name the file: latty list")
    if named:
        return named[0]
    path = Path(source).expanduser()
    if path.is_file():
        if importable.is_model(path):
            return MODEL
        found = importable.find(path)
        if found is not None and found.entry == importable.OURS:
            return found.kind
        raise BadData(f"{path.name} is no file of latty", "import it first: latty import")
    if ref.count("/") == 1 and ref.partition("/")[0] in SETS.names():
        return DIRECTIONS
    names = [name for store in stores.values() for name in store.names()]
    raise Missing(f"no model, directions or latents '{ref}'", did_you_mean(ref, names))


def _model(ref: str, chosen: Exporter, output: Path, force: bool) -> Written:
    from latty.checkpoints.safetensors import pieces
    from latty.models import opening
    from latty.models.store import model_file

    path = model_file(ref)
    if path is None:
        raise BadData(f"{ref} is a program, and has no weights to export", "choose another model")
    model = opening.convert(path)
    family = LAYOUTS.constant(chosen.entry, "FAMILY")
    if model.family != family:
        raise BadData(f"{ref} is of the family {model.family}; --as {chosen.word} is for {family}",
                      "latty's own file is safetensors, too: latty inspect")  # fmt: skip
    made = chosen.export(model)
    _free(output, chosen.suffix, force)
    tensors = {name: tensor.contiguous() for name, tensor in sorted(made.tensors.items())}
    kept = {key: model.meta[key] for key in ("license",) if model.meta.get(key)}
    files.write(output, pieces(kept, tensors))
    return Written((output,), MODEL, made.notes)


def _directions(ref: str, chosen: Exporter) -> Any:
    from dataclasses import replace

    from latty.directions.file import NORMALS, read

    one = None if ref in SETS.names() or Path(ref).expanduser().is_file() else resolve(ref)
    path = SETS.find(ref) if one is None else one[0]
    header, arrays = read(path)
    if one is not None:
        rows = {name: array[one[2]][None] for name, array in arrays.items()}
        header, arrays = replace(header, infos=(header.infos[one[2]],)), rows
    made = chosen.export(header, arrays)
    if NORMALS in arrays:
        lost = "not in the file: the normals, along which locks and conditions hold"
        made = replace(made, notes=(*made.notes, lost))
    return made


def _codes(ref: str, chosen: Exporter, layers: int) -> Any:
    from latty.directions.importing.base import Codes

    found, array = latents.look(ref), latents.read(ref).array
    names = found.names
    if "#" in ref:
        index = found.index(latents.split(ref)[2])
        array, names = array[index][None], names[index : index + 1]
    space: Literal["z", "w"] = "z" if found.space == "z" else "w"
    header = Codes(space, found.model, found.family, names, found.model_digest, found.params)
    return chosen.export(header, array, layers)


def _arrays(made: Any, chosen: Exporter, output: Path, force: bool) -> Written:
    """One file under the name given; several in the folder given."""
    several = len(made.files) > 1
    if several and output.suffix:
        raise UsageError(f"--output: {output} is one file, and this writes {len(made.files)}",
                         "name a folder, or one direction: SET/NAME")  # fmt: skip
    folder = several or (not output.suffix and "" not in made.files)
    targets = [output / name if folder else output for name in made.files]
    for target in targets:
        _free(target, chosen.suffix, force)
    if folder:
        output.mkdir(parents=True, exist_ok=True)
    for target, arrays in zip(targets, made.files.values(), strict=True):
        files.write(target, [_bytes(arrays)])
    return Written(tuple(targets), chosen.of, made.notes)


def _free(path: Path, suffix: str, force: bool) -> None:
    if path.suffix != suffix:
        raise UsageError(f"--output: {path} is no {suffix}", f"this format is a {suffix} file")
    if path.exists() and not force:
        raise WouldOverwrite(f"{path} is there already", "choose another name, or use --force")


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
