"""Scores of pictures in a file of their own: long work that was killed goes on from these."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from latty import files, home
from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.errors import LattyError, OutputError
from latty.folders import owned

if TYPE_CHECKING:  # torch takes seconds to import: where scores lie is known without it
    from torch import Tensor


def cache(key: str) -> Path:
    """The folder where scores are kept whose numbers depend on `key`. Raises ConfigError for one of
    another user's."""
    return owned(home.cache_dir() / "scores" / key)


def content(scores: "Tensor", batch: int) -> bytes:
    """The file of scores (N, A), and of how many pictures were drawn at once."""
    meta = {"sha256": _digest(scores), "batch": str(batch)}
    return b"".join(pieces(meta, {"scores": scores}))


def keep(file: Path, scores: "Tensor", batch: int) -> None:
    """The same scores (N, A) as a file; where it cannot be written, perhaps in somebody else's
    folder, they are made again when they are wanted."""
    with suppress(OutputError):
        files.write(file, [content(scores, batch)])


def read(file: Path | None, count: int, attributes: int) -> "tuple[Tensor, int] | None":
    """The scores (N, A) in a file, and how many pictures were drawn at once; None where they are
    not there, or not whole."""
    if file is None or not file.is_file():
        return None
    try:
        meta, scores = read_header(file).meta, read_tensors(file).get("scores")
    except (LattyError, OSError):
        return None
    if scores is None or scores.shape != (count, attributes):
        return None
    if meta.get("sha256") != _digest(scores) or not meta.get("batch", "").isdecimal():
        return None
    return scores, int(meta["batch"])


def is_whole(file: Path, count: int, attributes: int) -> bool:
    """Whether `read` finds scores in the file."""
    return read(file, count, attributes) is not None


def _digest(scores: "Tensor") -> str:
    return sha256(scores.contiguous().numpy().tobytes()).hexdigest()
