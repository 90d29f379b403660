"""The recipe inside a finished file: found by content, read without trusting the file."""

import struct
import zlib
from pathlib import Path
from typing import Any

from latty import reading
from latty.errors import BadData, Missing
from latty.pictures import BoundedFile
from latty.presets.formats import HEAD, LIMIT, WRITERS, recognised


def document(path: Path) -> Any:
    """The recipe in a file as the JSON that it is. Raises BadData, Missing."""
    text = extract(path)
    try:
        return reading.json_of(text, "it", finite=True)
    except BadData as error:
        raise BadData(f"the recipe in {path.name} is damaged", error.message) from None


def check_length(text: str, file: str) -> None:
    """Raises BadData for the recipe of a file that would be too long to be read again."""
    if len(text) > LIMIT:
        what = f"the recipe of {file} is larger than {LIMIT >> 20} MiB"
        raise BadData(what, "lay out fewer pictures, or --no-recipe leaves it out")


def extract(path: Path) -> str:
    """The text of the recipe in a file, or in the first picture of a folder of frames.

    Raises BadData where there is none, the file is damaged or takes too much reading, Missing
    where there is no file, OutputError where the disk fails.
    """
    if path.is_dir():
        path = min(path.glob("*.png"), default=path)
    try:
        text = _found(path)
    except FileNotFoundError:
        raise Missing(f"no file {path.name}") from None
    except BadData:
        raise
    except (OSError, ValueError, IndexError, struct.error, zlib.error) as error:
        reading.raise_of_disk(error, path)
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
    with reading.opened(path) as opened, BoundedFile(opened, path.name) as file:
        head = file.read(HEAD)
        file.seek(0)
        if head[:1] == b"{":
            return file.read(LIMIT + 1)
        form = recognised(head)
        return WRITERS.load(form.writer).recall(file) if form else None
