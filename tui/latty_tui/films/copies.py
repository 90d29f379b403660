"""What a preset names of an archive lies in latty's cache, which is cleaned: a preset that is saved
names copies beside its own file. Those of jobs are hard links, as long as a disk has them: one
content takes its place once, until the last job that needs it is taken off the list.
"""

import filecmp
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

from latty.attributes.store import files_of
from latty.directions import climbed
from latty.errors import OutputError
from latty.files import write
from latty.presets import Preset, contents
from latty.presets.naming import path_from, respelled
from latty.reading import opened
from latty.scene import MIXING
from latty.unpacked import unpacked

PIECE = 2**20  # bytes at once
Put = Callable[[Path, Path], object]  # a copy of a file that is there, under a name that is free


def copy(source: Path, target: Path) -> None:
    """Raises OSError, OutputError."""
    with opened(source) as file:
        write(target, iter(partial(file.read, PIECE), b""))


def link(source: Path, target: Path, others: Iterable[Path] = ()) -> None:
    """A hard link to one of `others` that has the same content, or to the file itself; a copy where
    no disk holds both. Nothing may ever be written into any of them. Raises OSError, OutputError.
    """
    for one in (*others, source):
        with suppress(OSError):
            if one.samefile(source) or filecmp.cmp(source, one, shallow=False):
                os.link(one, target)
                return
    copy(source, target)


def beside(preset: Preset, path: Path, put: Put = copy) -> Preset:
    """The preset that names copies, in the folder NAME-files beside NAME.toml, of what it names of
    an archive, and pins these; the same where that is nothing. Raises BadData, OutputError."""
    folder = path.absolute().with_name(f"{path.stem}-files")
    copied: dict[str, str] = {}
    pinned: dict[tuple[str, str], str] = {}

    def file(kind: str, source: str) -> str:
        if (packed := unpacked(source)) is None:
            return source
        if source not in copied:
            scorers = contents.scorers_of(source) if kind == "directions" else {}
            beside = [path for one in scorers if unpacked(one) for path in files_of(one)]
            copied[source] = path_from(str(_copied(Path(source), folder, beside, put)), Path())
        there = path_from(str(Path(copied[source]).absolute()), path.absolute().parent)
        pinned.update(dict.fromkeys([(kind, source), (kind, packed.name)], there))
        return copied[source]

    def reference(kind: str, text: str) -> str:
        if text.startswith(MIXING):
            return text
        content, source = contents.source_of(kind, text)
        return respelled(text, source, file(content, source))

    made = _respelled(preset, reference, partial(file, "sounds"), partial(file, "fonts"))
    if made.pins is None:
        return made
    return replace(made, pins=made.pins.respelled(pinned))


def _respelled(
    preset: Preset,
    reference: Callable[[str, str], str],
    sound: Callable[[str], str],
    font: Callable[[str], str],
) -> Preset:
    made = preset.with_sounds(sound).with_panels(lambda _, one: one.with_references(reference))
    texts = (one.in_font(font(one.font)) if one.font else one for one in made.texts)
    return replace(made, scene=made.scene.with_references(reference), texts=tuple(texts))


def _copied(source: Path, folder: Path, scorers: Sequence[Path], put: Put) -> Path:
    """A copy in that folder, under another name where another file has its own; the files of the
    scorers that a set climbs lie where it looks for them."""
    try:
        for number in count(1):
            more = f"-{number}" if number > 1 else ""
            target = folder / f"{source.stem}{more}{source.suffix}"
            targets = {climbed.folder(target) / one.name: one for one in scorers} | {target: source}
            if all(_fits(one, place) for place, one in targets.items()):
                for place, one in targets.items():
                    if not place.exists():
                        place.parent.mkdir(parents=True, exist_ok=True)
                        put(one, place)
                return target
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: {error.strerror}") from None
    raise AssertionError("count() does not end")


def _fits(source: Path, target: Path) -> bool:
    """Whether nothing has that name, or a copy has. Raises OSError."""
    return not target.exists() or filecmp.cmp(source, target, shallow=False)
