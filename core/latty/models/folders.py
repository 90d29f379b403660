"""A folder that holds a checkpoint opens as the file in it: which file that is.

Hugging Face keeps pytorch_model.bin or model.safetensors beside a config.json, large ones in shards
beside an index; GANLatentDiscovery generator.pt beside args.json. By content, as everywhere.
"""

from pathlib import Path

from latty import reading
from latty.checkpoints import open_checkpoint
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.shards import names_in
from latty.checkpoints.sniff import HEAD, SHARDS, sniff
from latty.errors import BadData, LattyError, OutputError
from latty.models.recognition import recognise
from latty.text import clean

# The kinds of files that may be a model.
WEIGHTS = ("zip", "torch-legacy", "pickle", "safetensors", "onnx")
# What training leaves beside the weights, in files of their kinds.
OTHERS = ("training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt")
SAME = ("model.safetensors", "pytorch_model.bin")  # one model twice, as Hugging Face has it
FILES_LIMIT = 10_000  # entries of a folder that are looked at
LISTED, LOOKED_AT = 8, 40


def checkpoint_in(folder: Path) -> Path:
    """The one checkpoint of a folder, or the one that is a generator; the index of its shards.
    Raises BadData where there is none, or one line that lists them where there are several;
    OutputError."""
    found = checkpoints_in(folder)
    found = [path for path in found if is_generator(path)] if 1 < len(found) <= LOOKED_AT else found
    if len(found) == 1:
        return found[0]
    if not found:
        what = f"{clean(folder.name)} is a folder without a checkpoint of a generator"
        raise BadData(what, "name a file in it")
    names = ", ".join(clean(path.name) for path in found[:LISTED])
    more = ", ..." if len(found) > LISTED else ""
    what = f"{clean(folder.name)} is a folder of {len(found)} checkpoints: {names}{more}"
    raise BadData(what, "name the one that is meant")


def checkpoints_in(folder: Path) -> list[Path]:
    """Every file of a folder that may be a model, in order of their names; shards count as the one
    model that their index names. Raises OutputError."""
    try:
        paths = [path for path in sorted(folder.iterdir())[:FILES_LIMIT] if path.is_file()]
        kinds = {path: _kind(path) for path in paths if path.name not in OTHERS}
    except OSError as error:
        raise OutputError(f"cannot read {clean(folder.name)}: {error.strerror}") from None
    indices = [path for path, kind in kinds.items() if kind == SHARDS]
    if indices:
        held = {name for path in indices for name in names_in(path)}
        kinds = {path: kind for path, kind in kinds.items() if path.name not in held}
    found = [path for path, kind in kinds.items() if kind in (*WEIGHTS, SHARDS)]
    names = [path.name for path in found]
    if all(name in names for name in SAME):
        found = [path for path in found if path.name != SAME[1]]
    return found


def generators_in(folder: Path) -> list[Path]:
    """Those of a folder's checkpoints that are generators, as far as so many are looked at. Raises
    OutputError."""
    return [path for path in checkpoints_in(folder)[:LOOKED_AT] if is_generator(path)]


def is_generator(path: Path) -> bool:
    """Whether a file is a model that latty knows; one that cannot be read is none."""
    try:
        checkpoint = open_checkpoint(path)
        return checkpoint.meta.get("kind") == "generator" or recognise(checkpoint) is not None
    except LattyError:
        return False


def _kind(path: Path) -> str:
    try:
        with reading.opened(path) as file:
            return sniff(file.read(HEAD))
    except Refusal:
        return ""
