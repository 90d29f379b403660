"""The presets that one stands for."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from latty.errors import BadData, LattyError
from latty.presets.archives.opening import each
from latty.presets.each import LARGEST, MOST
from latty.presets.formats import media_of
from latty.presets.reading import load
from latty.reading import is_stream
from latty.render.sources import PresetSource, read
from latty.tables.words import LONGEST_FILE, shown


def has_no_file(ref: str) -> bool:
    """Whether a text names no file of a preset: a pipe, a picture, a folder of them."""
    path = Path(ref).expanduser()
    return is_stream(ref) or path.is_dir() or (path.is_file() and bool(media_of(path)))


def how_many(ref: str, overrides: Sequence[str] = (), force: bool = False) -> int:
    """How many presets a text stands for; 1 of what cannot be read, which is told where it is.
    Raises BadData for more than MOST outputs that nobody forces, and for more than LARGEST."""
    path, count, files = Path(ref).expanduser(), 1, 1
    with suppress(LattyError, OSError):
        if has_no_file(ref):
            return 1
        loaded = load(path if path.is_file() else ref, overrides, None)
        count, files = loaded.each.count, loaded.each.files
    name = shown(ref, LONGEST_FILE)
    if count > 1 and files > LARGEST:
        raise BadData(f"{name} makes more than {LARGEST:,} files", "say fewer values")
    if count > 1 and files > MOST and not force:
        what = f"{name} makes {files:,} files, more than {MOST:,}"
        raise BadData(what, "latty render --force makes them all the same")
    return count


def every(
    ref: str, overrides: Sequence[str] = (), force: bool = False
) -> Iterator[tuple[str, int, int]]:
    """(text, number, of so many) of each preset that a text stands for: of an archive each that is
    in it, of one with [[each]] each that it stands for. Raises as `how_many`."""
    for one in each(ref):
        count = how_many(one, overrides, force)
        yield from ((one, number, count) for number in range(count))


def read_all(ref: str, anyway: bool = False) -> Iterator[PresetSource]:
    """The presets that one stands for, one after the other. Raises what `sources.read` does."""
    yield from (read(ref, (), anyway, number) for number in range(how_many(ref)))
