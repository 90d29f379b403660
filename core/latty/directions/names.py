"""Which direction sets there are and what is in them, by name, without torch or numpy."""

from pathlib import Path

from latty import home
from latty.checkpoints.safetensors import read_header as read_container
from latty.directions.file import KIND, DirectionSet, read_header
from latty.errors import BadData, Missing, OutputError, did_you_mean


def _shipped() -> Path:
    return home.shipped_dir() / "directions"


def _files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.safetensors")) if _is_set(path)}


def _is_set(path: Path) -> bool:
    try:
        return read_container(path).meta.get("kind") == KIND
    except (BadData, Missing, OutputError):
        return False


def set_files() -> dict[str, Path]:
    """Name -> file of every set that ships or lies in the store; shipped names win."""
    return {**_files(home.directions_dir()), **_files(_shipped())}


def set_names() -> list[str]:
    return sorted(set_files())


def set_file(ref: str) -> Path:
    """The file of a set's name or path; raises Missing with the nearest name."""
    path = Path(ref)
    if path.name == ref:
        for folder in (_shipped(), home.directions_dir()):
            if _is_set(folder / f"{ref}.safetensors"):
                return folder / f"{ref}.safetensors"
    try:
        path = path.expanduser()
        if path.is_file():
            return path
    except (OSError, RuntimeError, ValueError):  # a name no file can have, a user nobody knows
        raise Missing(f"there is no file {ref!r}", "check the path") from None
    if path.suffix or len(path.parts) > 1:
        raise Missing(f"there is no file {ref}", "check the path, or see: latty list directions")
    raise Missing(f"no direction set '{ref}'", did_you_mean(ref, set_files()))


def set_info(ref: str) -> DirectionSet:
    """The header of a set: method, space, names, scores. Raises Missing, BadData."""
    return read_header(set_file(ref))


def direction_names(ref: str) -> list[str]:
    """The names in one set, in file order."""
    return list(set_info(ref).names)


def split(ref: str) -> tuple[str, str]:
    """ "SET/NAME" or "path#NAME" as (set or path, name or index). Raises BadData."""
    source, mark, name = ref.rpartition("#") if "#" in ref else ref.partition("/")
    if not mark or not source or not name:
        raise BadData(f"'{ref}' names no direction", _whole_name(ref))
    return source, name


def _whole_name(word: str) -> str:
    """What somebody meant who wrote a direction without its set."""
    for name in set_names():
        if word in direction_names(name):
            return f"write {name}/{word}"
    return "write SET/NAME, SET/INDEX, PATH#NAME or seed:NUMBER"


def resolve(ref: str) -> tuple[Path, DirectionSet, int]:
    """File, header and index of a direction, by name or number. Raises Missing, BadData."""
    source, name = split(ref)
    path = set_file(source)
    header = read_header(path)
    if name in header.names:
        return path, header, header.names.index(name)
    if not name.isdecimal():
        raise Missing(f"no direction '{name}' in {source}", did_you_mean(name, header.names))
    if int(name) >= len(header.infos):
        count = len(header.infos)
        raise Missing(f"no direction {name} in {source}", f"it holds 0 to {count - 1}")
    return path, header, int(name)


def reference(source: str, name: str) -> str:
    """How an edit names direction `name` of the set or file `source`: the inverse of `split`."""
    is_path = "/" in source or source.endswith(".safetensors")
    return f"{source}#{name}" if is_path else f"{source}/{name}"
