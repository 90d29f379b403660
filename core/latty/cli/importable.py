"""Whether files and folders are directions or latents of another program: for import and inspect.

Neither torch nor numpy is imported, unless a model is named. `python -m latty.cli.importable FILE`
prints what a file holds, "directions" or "latents": a look that others may end.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.errors import BadData, LattyError, UsageError

if TYPE_CHECKING:
    from latty.checkpoints import Checkpoint as Checkpoint
    from latty.directions.base import Info
    from latty.directions.importing.base import Imported
    from latty.directions.importing.gather import Gathered
    from latty.directions.importing.source import ImportSource, KnownModel

OURS = "latty"  # the importer of our own files
SAMPLES = 256  # codes whose length is taken for usual


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """What the command line says of files: the importer, the space, the layers, the model."""

    wanted: str = ""
    space: str = ""
    layers: int = 0
    model: "KnownModel | None" = None

    def of(self, source: "ImportSource") -> "ImportSource":
        """The source with all of it. Raises UsageError for words that there are not."""
        from latty.directions.importing import recognise

        recognise.check(self.wanted, self.space)
        if not 0 <= self.layers <= 64:
            raise UsageError(f"--layers: {self.layers} is no number of layers", "1 to 64")
        return replace(source, wanted=self.wanted, space=self.space, layers=self.layers,
                       model=self.model)  # fmt: skip


def opened(path: Path) -> "Checkpoint | None":
    """A checkpoint, read once for all who look at it; None for what is none. Raises Missing,
    OutputError, BadData for one that is refused."""
    from latty.checkpoints import open_checkpoint
    from latty.checkpoints.refusals import Refusal
    from latty.directions.importing.source import NO_CHECKPOINT

    try:
        return open_checkpoint(path)
    except Refusal as refusal:
        if refusal.code in NO_CHECKPOINT:
            return None
        raise


def find(
    path: Path, asked: ImportChoices | None = None, read: "Checkpoint | None" = None
) -> "Imported | None":
    """What an importer makes of a file or folder; None for generators, and for what no importer
    knows. Raises Missing, UsageError, OutputError, BadData.

    read    the file, where it is open
    """
    from latty.directions.importing.source import read_source

    return _judged((asked or ImportChoices()).of(read_source(path, read)))


def _judged(source: "ImportSource") -> "Imported | None":
    from latty.directions.importing import gather, recognise

    if not source.wanted and gather.is_generator(source):
        return None
    return recognise.judge(source)


def find_all(
    paths: Sequence[Path], asked: ImportChoices, read: "Checkpoint | None" = None
) -> "Gathered | None":
    """What importers make of a folder or of several files: a set for each model and space; None for
    what no importer knows. Raises as `find`."""
    from latty.directions.importing import gather, recognise
    from latty.directions.importing.source import FOLDER, ImportSource, read_source

    if len(paths) > 1:
        whole = Path(os.path.commonpath([path.absolute().parent for path in paths]))
        files = {path.absolute().relative_to(whole).as_posix(): path for path in paths}
        return gather.gathered(files, asked.of(ImportSource(whole, FOLDER)))
    first = asked.of(read_source(paths[0], read))
    if first.kind != FOLDER or recognise.importer_of(first) not in ("", gather.ENTRY):
        one = _judged(first)
        return None if one is None else gather.Gathered({"": one}, {})
    wanted = "" if first.wanted == gather.ENTRY else first.wanted
    found = gather.gathered(gather.inside(first), replace(first, wanted=wanted))
    return found if found.sets or found.left else None


def is_model(path: Path) -> bool:
    """Whether a file is a generator; one that cannot be read is none."""
    from latty.directions.importing import gather
    from latty.directions.importing.source import read_source

    try:
        return gather.is_generator(read_source(path))
    except BadData:
        return False


def known_model(ref: str, device: str) -> "KnownModel":
    """The model that files are for, and the usual length of its codes. Raises what opening does."""
    import torch

    from latty.directions.importing.source import KnownModel
    from latty.models import open_model

    generator = open_model(ref, device)
    info = generator.info
    with torch.inference_mode():
        codes = generator.mapping(generator.sample(range(SAMPLES)))
        typical = float(codes.double().square().sum(-1).mean().sqrt())
    return KnownModel(info.name, info.family, info.digest, info.z_dim, info.width,
                      info.num_layers, typical)  # fmt: skip


def facts(path: Path, read: "Checkpoint | None" = None) -> dict[str, Any]:
    """For `latty inspect`: what an importer would make of it, {} where none knows it."""
    try:
        found = find_all([path], ImportChoices(), read)
    except BadData as error:
        return {"note": str(error)}
    if found is None:
        return {}
    told = [_facts(one) for one in found.sets.values()]
    left = {"left out": dict(found.left)} if found.left else {}
    if not told:
        return {"note": f"a folder of nothing that can be imported: {_first(found)}", **left}
    tried = {} if told[0]["format"] == OURS else {"try": f"latty import {path}"}
    if len(told) == 1:
        return {**told[0], **left, **tried}
    sets = {name: f"{one['format']}, {one['shape']} in {one['space']}, {one['holds']}"
            for name, one in zip(found.sets, told, strict=True)}  # fmt: skip
    return {"holds": "several sets", "sets": sets, **left, **tried}


def _first(found: "Gathered") -> str:
    return next((f"{name}: {why}" for name, why in found.left.items()), "")


def _figures(info: "Info") -> dict[str, Any]:
    """What is known of one direction, by name."""
    low, high = info.usable
    return {"sigma": info.sigma, "usable": f"{low:+g} to {high:+g}", "layers": str(info.layers),
            **dict(info.scores)}  # fmt: skip


def _facts(found: "Imported") -> dict[str, Any]:
    header = found.header
    hidden = ("notes", "importer", "source", "files")
    known = {name: value for name, value in header.params if name not in hidden}
    return {
        "holds": found.kind,
        "format": found.entry,
        "space": header.space,
        "shape": "x".join(map(str, found.shape)),
        "model": header.model,
        "names": list(found.names),
        "directions": {one.name: _figures(one) for one in getattr(header, "infos", ())},
        "notes": list(found.notes),
        "knows": known,
    }


def stated(settings: Sequence[str]) -> dict[str, Any]:
    """The settings that `--set KEY=VALUE` states. Raises UsageError."""
    from latty.presets import overrides

    return overrides.settings(settings)


def models_in(folder: Path) -> tuple[list[Path], bool]:
    """The generators of a folder, and whether they are all the checkpoints that it holds. Raises
    OutputError."""
    from latty.models import folders

    models = folders.generators_in(folder)
    return models, len(models) == len(folders.checkpoints_in(folder))


def held(path: Path) -> Path | None:
    """The one checkpoint in a folder of nothing else, or the latents of a pool. Raises BadData
    where there are several, OutputError."""
    if not path.is_dir():
        return None
    from latty.latents import pools
    from latty.models import folders

    if pools.is_pool(path):
        return path / pools.FILE

    found, (models, alone) = folders.checkpoints_in(path), models_in(path)
    if models and alone:
        return folders.checkpoint_in(path)  # refuses several, with the list of them
    single = models[0] if len(models) == 1 else found[0] if len(found) == 1 else None
    return None if single is None or "format" in facts(path) else single


if __name__ == "__main__":
    with suppress(LattyError, OSError):
        if (found := find(Path(sys.argv[1]))) is not None:
            print(found.kind)
