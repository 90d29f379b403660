"""Reading weight files. A file is looked at by content, never by name, and nothing in it is run.

    sniff        what a file is, and the words for everything that is no checkpoint
    inert        a stack machine for the data subset of pickle; symbols: its table of names, and
                 names: which others may stand in a file as records that nothing is done with
    torchzip, torchlegacy, numpyfile, safetensors      the containers; ziparchive: strict zip
    tally        what one file may cost, counted once whoever looks at it
    values       TensorView, Record, TfNetwork: what a file holds, as views that cost nothing
    walk         names as state_dict spells them; weights: checks that name the tensor
    checkpoint   Checkpoint; inspection: what `latty inspect` says

`open_checkpoint` and `inspect` are the only doors. Neither imports torch, numpy, or anything that
a file names.
"""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latty.checkpoints.checkpoint import Checkpoint

__all__ = ["Checkpoint", "inspect", "open_checkpoint"]


def open_checkpoint(path: str | PathLike[str]) -> "Checkpoint":
    """Any checkpoint, read and not run.

    Raises Missing (66), OutputError (74), or Refusal (65), whose `code` says what is wrong.
    """
    from latty.checkpoints.checkpoint import read

    return read(Path(path))


def inspect(path: str | PathLike[str]) -> dict[str, Any]:
    """What is in a file, for JSON: kind, sha256, tensors, every global it asks for, settings.

    A file that `open_checkpoint` would refuse says so under "refused" (code, message, hint).
    """
    from latty.checkpoints.inspection import facts

    return facts(Path(path))
