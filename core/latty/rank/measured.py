"""What is measured of one direction, as a file: a ranking that was killed goes on from these."""

from pathlib import Path

from torch import Tensor

from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.errors import LattyError


def file_of(work: Path, number: int) -> Path:
    return work / f"{number}.safetensors"


def as_file(scores: Tensor, batch: int) -> bytes:
    """Scores (N, A), and how many pictures were drawn at once."""
    return b"".join(pieces({"batch": str(batch)}, {"scores": scores}))


def is_whole(file: Path, count: int, attributes: int) -> bool:
    try:
        return read_header(file).shapes.get("scores") == (count, attributes)
    except LattyError:
        return False


def kept(file: Path | None, count: int, attributes: int) -> Tensor | None:
    """The scores (N, A) in a file; None where there is none, or not a whole one."""
    if file is None or not is_whole(file, count, attributes):
        return None
    try:
        return read_tensors(file)["scores"]
    except LattyError:
        return None
