"""Which direction sets there are and what is in them, by name, without torch or numpy."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from latty import home
from latty.checkpoints.safetensors import read_header as read_container
from latty.checkpoints.safetensors import says_kind
from latty.directions.file import KIND, DirectionSet, read_header
from latty.directions.renaming import names_since
from latty.errors import BadData, Missing, did_you_mean
from latty.store import Store
from latty.tables.words import shown

SETS = Store(
    "direction set",
    home.directions_dir,
    holds=partial(says_kind, kind=KIND),
    reads=read_container,
)


def set_info(ref: str) -> DirectionSet:
    """The header of a set: method, space, names, scores. Raises Missing, BadData."""
    return read_header(SETS.find(ref))


def direction_names(ref: str) -> list[str]:
    """The names in one set, in file order."""
    return list(set_info(ref).names)


def new_names(ref: str, said: str) -> Mapping[str, str] | None:
    """The names that the directions of a set have, by those that they had when its SHA-256 began
    with these digits; None where more was changed since. Raises Missing, BadData, OutputError."""
    return names_since(SETS.find(ref), said)


def split(ref: str) -> tuple[str, str]:
    """ "SET/NAME" or "path#NAME" as (set or path, name or index). Raises BadData."""
    source, mark, name = ref.rpartition("#") if "#" in ref else ref.partition("/")
    if not mark or not source or not name:
        raise BadData(f"'{ref}' names no direction", _whole_name(ref))
    return source, name


def _whole_name(word: str) -> str:
    """What somebody meant who wrote a direction without its set."""
    for name in SETS.names():
        if word in direction_names(name):
            return f"write {name}/{word}"
    return "write SET/NAME, SET/INDEX, PATH#NAME or seed:NUMBER"


def resolve(ref: str) -> tuple[Path, DirectionSet, int]:
    """File, header and index of a direction, by name or number. Raises Missing, BadData."""
    source, name = split(ref)
    path = SETS.find(source)
    header = read_header(path)
    if name in header.names:
        return path, header, header.names.index(name)
    if not name.isdecimal():
        now = header.name_now(name)
        hint = f"it is called '{now}' now" if now else did_you_mean(name, header.names)
        raise Missing(f"no direction '{name}' in {source}", hint)
    if int(name) >= len(header.infos):
        count = len(header.infos)
        raise Missing(f"no direction {name} in {source}", f"it holds 0 to {count - 1}")
    return path, header, int(name)


def several(ref: str) -> list[str]:
    """ "SET/A-B" and "SET/*" as a reference to each of those directions, in the order of the set;
    one to a single direction alone. Raises Missing, BadData."""
    source, name = split(ref)
    mark, names = ref[len(source)], direction_names(source)
    if name == "*":
        return [f"{source}{mark}{one}" for one in names]
    if "-" in name and name not in names:
        first, last = ends(name, names, source)
        return [f"{source}{mark}{one}" for one in names[first : last + 1]]
    resolve(ref)
    return [ref]


def ends(text: str, names: Sequence[str], source: str) -> tuple[int, int]:
    """The places of A and B of "A-B" among the names of a set; a name may hold a dash itself.
    Raises Missing."""
    places = {name: place for place, name in enumerate(names)}
    for one, other in _halves(text):
        first, last = places.get(one), places.get(other)
        if first is not None and last is not None and first <= last:
            return first, last
    what = f"no directions '{shown(text)}' in {shown(source)}"
    raise Missing(
        what, did_you_mean(text.rpartition("-")[2], names) or f"it holds {names[0]} to {names[-1]}"
    )


def name_since(text: str, names: Mapping[str, str]) -> str:
    """A name, or "A-B", with what names are now in their places."""
    if text in names or "-" not in text:
        return names.get(text, text)
    one, other = max(_halves(text), key=lambda pair: sum(half in names for half in pair))
    return f"{names.get(one, one)}-{names.get(other, other)}"


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind each dash."""
    for found in re.finditer("-", text):
        yield text[: found.start()], text[found.end() :]


def reference(source: str, name: str) -> str:
    """How an edit names direction `name` of the set or file `source`: the inverse of `split`."""
    is_path = "/" in source or source.endswith(SETS.suffix)
    return f"{source}#{name}" if is_path else f"{source}/{name}"
