"""The recipe inside a finished file: found by content, read without trusting the file."""

import struct
import zlib
from pathlib import Path

from latty.errors import BadData, Missing
from latty.presets.formats import HEAD, LIMIT, WRITERS, recognised


def extract(path: Path) -> str:
    """The text of the recipe in a file, or in the first picture of a folder of frames.

    Raises BadData where there is none or the file is damaged, Missing where there is no file.
    """
    if path.is_dir():
        path = min(path.glob("*.png"), default=path)
    try:
        text = _found(path)
    except FileNotFoundError:
        raise Missing(f"no file {path.name}") from None
    except (OSError, ValueError, IndexError, struct.error, zlib.error):
        raise BadData(f"{path.name} is damaged or is no picture") from None
    if text is None:
        hint = "pictures and films that latty wrote have one, unless another program saved them"
        raise BadData(f"{path.name} holds no recipe", hint)
    if len(text) > LIMIT:
        raise BadData(f"the recipe in {path.name} is larger than {LIMIT >> 20} MiB")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise BadData(f"the recipe in {path.name} is damaged") from None


def _found(path: Path) -> bytes | None:
    """The bytes of the recipe: of a picture, or all of a sidecar."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(0)
        if head[:1] == b"{":
            return file.read(LIMIT + 1)
        form = recognised(head)
        return WRITERS.load(form.writer).recall(file) if form else None
