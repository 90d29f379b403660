"""Which importer knows a file, and what it makes of it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from latty.checkpoints.refusals import Refusal
from latty.directions.file import SPACE
from latty.directions.importing import binding
from latty.directions.importing.base import NO, Imported
from latty.directions.importing.source import FOLDER, ImportSource, KnownModel, read_source
from latty.directions.registries import IMPORTERS
from latty.errors import BadData, UsageError, did_you_mean
from latty.text import clean

T = TypeVar("T")

DAMAGED = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError),
    *(OverflowError, RecursionError, ZeroDivisionError),
)
GUIDE = "see docs/importing.md"


def names() -> list[str]:
    """Every importer, for `--as`."""
    return IMPORTERS.names()


def check(wanted: str, space: str) -> None:
    """Raises UsageError for an importer or a space that there is not."""
    if wanted and wanted not in names():
        raise UsageError(f"no importer '{wanted}'", did_you_mean(wanted, names()))
    if space and not SPACE.fullmatch(space):
        raise UsageError(f"no space '{space}'", "it is z, w or activation:LAYER")


def look(
    path: Path, wanted: str = "", space: str = "", layers: int = 0, model: KnownModel | None = None
) -> Imported | None:
    """What a file or folder is, without its numbers; None where no importer knows it.

    wanted  the importer to use, whatever it thinks of the file
    space   "z", "w" or "activation:LAYER" in place of what the file or its name says
    layers  how many layers its vectors have, 1 = none; 0 = what it looks like
    model   what it is for

    Raises Missing, UsageError, OutputError, BadData.
    """
    check(wanted, space)
    source = read_source(path)
    return judge(replace(source, wanted=wanted, space=space, layers=layers, model=model))


def judge(source: ImportSource) -> Imported | None:
    """The same, for a source that is open."""
    name = source.wanted or _surest(source)
    if not name:
        return None
    found = _looked(source, name, partial(IMPORTERS.load(name).convert, source))
    found = replace(found, entry=name, load=partial(_guarded, source, name, found.load))
    return binding.bound(found, source, name)


def importer_of(source: ImportSource) -> str:
    """The importer that the user named, or the one that is surest; "" for none. One that is named
    for a folder may be meant for each of its files: then it is none of the folder's."""
    if not source.wanted:
        return _surest(source)
    sure = partial(IMPORTERS.load(source.wanted).recognise, source)
    return source.wanted if source.kind != FOLDER or _guarded(source, source.wanted, sure) else ""


def _surest(source: ImportSource) -> str:
    """The name of the importer that is surest, the first of equals; "" for none."""
    best, score = "", NO
    for name, importer in IMPORTERS.loaded():
        sure = _looked(source, name, partial(importer.recognise, source))
        if sure > score:
            best, score = name, sure
    return best


def _looked(source: ImportSource, name: str, work: Callable[[], T]) -> T:
    """What `work` gives, which spends the time that the file has left."""
    if source.checkpoint is None:
        return _guarded(source, name, work)
    with source.checkpoint.looking():
        source.checkpoint.tally.check_time()
        return _guarded(source, name, work)


def _guarded(source: ImportSource, name: str, work: Callable[[], T]) -> T:
    """What `work` gives; whatever a damaged file makes of it becomes one line that names it."""
    file = clean(source.path.name)
    try:
        return work()
    except Refusal as refusal:
        raise (refusal if file in refusal.message else refusal.about(source.path.name)) from None
    except MemoryError:
        raise BadData(f"{file}: it needs more memory than there is", GUIDE) from None
    except DAMAGED:  # a damaged file found a case that no check names
        raise BadData(f"{file}: it is damaged, or no file of the kind {name}", GUIDE) from None
