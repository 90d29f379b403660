"""A folder of files that grows in the work folder beside its place, and gets its name whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from latty.errors import OutputError
from latty.folders import Folder
from latty.render import work

NOTE = work.RECIPE  # in the work folder: what the folder is made of


def refuse_early(folder: Path, overwrite: bool) -> None:
    """What is certain to stop it, before torch is imported; a run that was killed goes on. Raises
    WouldOverwrite, OutputError."""
    if not work.Work(folder).made():
        work.refuse_early([folder], "", overwrite)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {folder.parent}: {error.strerror}") from None


@contextmanager
def growing(held: work.Work, key: str) -> Iterator[Folder]:
    """What is made so far of the folder with this key; what another key left is not. When the block
    is left without an error it is the file that `work.publish` gives its name. Raises OSError."""
    drawn = held.folder / work.PICTURES
    _resume(held, key)
    drawn.mkdir(exist_ok=True)
    try:
        with held.folder.folder(work.PICTURES) as inside:
            for name in inside.names():
                if name.startswith("."):  # a draft of a writer that was killed
                    inside.remove(name)
            yield inside
        held.folder.rename(work.PICTURES, held.folder, held.file.name)
    finally:
        with suppress(OSError):  # it holds something, or has its name
            drawn.rmdir()


def _resume(held: work.Work, key: str) -> None:
    text = json.dumps(key)
    try:
        mine = held.folder.read(NOTE, 4096) == text.encode()
    except OSError:
        mine = False
    if not mine:
        held.folder.remove(work.PICTURES)
        held.note(NOTE, text, lasting=False)
    elif held.made() and held.folder.status(work.PICTURES) is None:
        held.folder.rename(held.file.name, held.folder, work.PICTURES)
    held.fresh()
