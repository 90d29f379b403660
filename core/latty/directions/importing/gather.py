"""Several files understood together: a set for each model and space, and what is left out.

One file that nobody can read, or that is something else, hides no other: it is left out with one
line that says why.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, LINEAR, DirectionSet, Value
from latty.directions.importing import sanitise
from latty.directions.importing.base import CODES, Codes, Imported
from latty.directions.importing.source import ImportSource, open_file
from latty.errors import LattyError
from latty.store import name_from
from latty.text import clean

if TYPE_CHECKING:
    from torch import Tensor

ENTRY = "folder"
HOW_DRAWN = ("class", "truncation", "truncated")  # of latents: one way for a whole pool
DEPTH = 3  # folders inside folders that are looked into
SUFFIXES = (".npy", ".npz", ".pkl", ".pickle", ".pt", ".pth", ".csv", ".safetensors")
FILES_LIMIT, BYTES_LIMIT = 500, 64 * 2**20  # a folder of generators is no folder of directions
NOTHING = "no importer knows it"
GENERATOR = "a generator: import it by itself"
LARGE = f"more than {BYTES_LIMIT >> 20} MiB: too large to be directions"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What some files hold.

    sets    what tells one from the others -> directions or latents; "" where there is one
    left    file -> why it was left out
    """

    sets: Mapping[str, Imported]
    left: Mapping[str, str]


def inside(source: ImportSource) -> dict[str, Path]:
    """The files of a folder, and of the folders in it, that can hold directions or latents."""
    names = [n for n in source.files if PurePath(n).suffix.lower() in SUFFIXES]
    near = [name for name in names if name.count("/") <= DEPTH]
    return {name: source.files[name] for name in near[: FILES_LIMIT + 1]}


def gathered(files: Mapping[str, Path], asked: ImportSource) -> Gathered:
    """Files by name, each judged by its content as `asked` says. Raises BadData for too many."""
    if len(files) > FILES_LIMIT:
        sanitise.refuse(asked, f"it holds more than {FILES_LIMIT} files", "name some of them")
    found: dict[str, Imported] = {}
    left: dict[str, str] = {}
    for name, path in files.items():
        one = _judged(path, asked)
        if isinstance(one, str):
            left[name] = one
        else:
            found[name] = one
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, one in found.items():
        groups.setdefault(_key(name, one), []).append(name)
    parts = [{name: found[name] for name in names} for names in _split(groups, found)]
    merged = [_merged(part, asked) for part in parts]
    return Gathered(dict(zip(_labels(parts), merged, strict=True)), left)


def _judged(path: Path, asked: ImportSource) -> Imported | str:
    """What a file is, or why it is nothing."""
    from latty.directions.importing.recognise import judge

    try:
        if not path.is_file() or path.stat().st_size > BYTES_LIMIT:
            return LARGE
        source = asked.asked(open_file(path))
        if not source.wanted and is_generator(source):
            return GENERATOR
        return judge(source) or NOTHING
    except LattyError as error:
        return str(error).removeprefix(f"{clean(path.name)}: ")
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def is_generator(source: ImportSource) -> bool:
    """Whether a file is a model."""
    from latty.models.recognition import recognise

    if source.meta.get("kind") == "generator":
        return True
    return source.checkpoint is not None and recognise(source.checkpoint) is not None


# --- what goes together ---------------------------------------------------------------------------


def _key(name: str, one: Imported) -> tuple[object, ...]:
    """What is the same for all that one set holds."""
    header = one.header
    common = (one.kind, header.space, header.model, header.family, header.model_digest)
    if isinstance(header, Codes):
        known = dict(header.params)
        return (*common, *(known.get(word) for word in HOW_DRAWN), one.shape[1:])
    if header.form != LINEAR:
        return (*common, name)
    return (*common, header.method, one.shape[-1])


def _split(
    groups: Mapping[tuple[object, ...], list[str]], found: Mapping[str, Imported]
) -> list[list[str]]:
    """Vectors go with those that have one for each layer, unless these differ in their layers."""
    parts: list[list[str]] = []
    for names in groups.values():
        layered = {found[name].shape for name in names if len(found[name].shape) == 3}
        if len({shape[1] for shape in layered}) < 2 or found[names[0]].kind == CODES:
            parts.append(names)
            continue
        sizes: dict[tuple[int, ...], list[str]] = {}
        for name in names:
            sizes.setdefault(found[name].shape[1:], []).append(name)
        parts += sizes.values()
    return parts


def _labels(parts: Sequence[Mapping[str, Imported]]) -> list[str]:
    """A word for each part, of as few facts as tell them apart."""
    if len(parts) < 2:
        return [""] * len(parts)
    facts = [_facts(part) for part in parts]
    chosen: list[int] = []
    for i in range(len(facts[0])):
        now = len({tuple(one[j] for j in chosen) for one in facts})
        if len({tuple(one[j] for j in (*chosen, i)) for one in facts}) > now:
            chosen.append(i)
    words = [name_from("-".join(one[i] for i in chosen if one[i]))[:60] for one in facts]
    return list(sanitise.unique(word or "rest" for word in words))


def _facts(part: Mapping[str, Imported]) -> tuple[str, ...]:
    name, one = next(iter(part.items()))
    method = one.header.method if isinstance(one.header, DirectionSet) else ""
    size = "x".join(map(str, one.shape[1:]))
    folders = {PurePath(name).parent.as_posix() for name in part}
    folder = next(iter(folders)).strip(".") if len(folders) == 1 else ""
    return (one.kind, one.header.model, one.header.space, folder, method, size,
            PurePath(name).stem)  # fmt: skip


def _merged(part: Mapping[str, Imported], asked: ImportSource) -> Imported:
    """One set of all, or latents one behind the other; what is alone, as curves are, as it is."""
    each = list(part.values())
    header = each[0].header
    if len(each) == 1:
        return each[0]
    if isinstance(header, Codes):
        return _latents(part, header, asked)
    headers = [one.header for one in each if isinstance(one.header, DirectionSet)]
    layers = max((one.shape[1] for one in each if len(one.shape) == 3), default=0)
    infos = [info for one in headers for info in one.infos]
    inner = (layers, each[0].shape[-1]) if layers else each[0].shape[1:]
    shape = (len(infos), *inner)
    sanitise.check_directions(asked, shape)
    names = _names(headers)
    notes = tuple(dict.fromkeys(note for one in each for note in one.notes))
    told = {**_origin(part, asked), **_common(headers)}
    made = replace(
        header,
        infos=tuple(replace(i, name=n) for i, n in zip(infos, names, strict=True)),
        params=(*told.items(), ("notes", notes)) if notes else tuple(told.items()),
    )
    return Imported(made, shape, lambda: {ARRAY: _stacked(each, layers)}, notes, ENTRY)


def _origin(part: Mapping[str, Imported], asked: ImportSource) -> dict[str, Value]:
    return {"importer": ENTRY, "source": asked.path.name, "files": tuple(part)}


def _common(headers: Sequence[DirectionSet]) -> dict[str, Value]:
    """The class that all were found for."""
    classes = {dict(header.params).get("class") for header in headers}
    known = next(iter(classes)) if len(classes) == 1 else None
    return {} if known is None else {"class": known}


def _names(headers: Sequence[DirectionSet]) -> tuple[str, ...]:
    """Every direction's name; one that is there twice says what it was conditioned on."""
    plain = [(info.name, header) for header in headers for info in header.infos]
    times = Counter(name for name, _ in plain)
    found = []
    for name, header in plain:
        conditions = dict(header.params).get("conditions")
        twice = times[name] > 1 and isinstance(conditions, tuple) and conditions
        more = f"_c_{'_'.join(map(str, conditions or ()))}" if twice else ""  # type: ignore[arg-type]
        found.append(sanitise.name_of(name + more, name))
    return sanitise.unique(found)


def _stacked(each: Sequence[Imported], layers: int) -> "Tensor":
    """(K, D), or (K, L, D) where one has a vector for each layer."""
    import torch

    arrays = [one.load()[ARRAY] for one in each]
    if layers:
        arrays = [a[:, None].expand(-1, layers, -1) if a.ndim == 2 else a for a in arrays]
    return torch.cat(arrays)


def _latents(part: Mapping[str, Imported], header: Codes, asked: ImportSource) -> Imported:
    """All one behind the other, with what all of their files know alike."""
    each = list(part.values())
    names: list[str] = []
    for name, one in part.items():
        stem, count = sanitise.name_of(PurePath(name).stem, "code"), one.shape[0]
        own = [f"{stem}-{i}" for i in range(count)] if count > 1 else [stem]
        names += one.names or own
    shape = (sum(one.shape[0] for one in each), *each[0].shape[1:])
    notes = tuple(dict.fromkeys(note for one in each for note in one.notes))

    def load() -> "dict[str, Tensor]":
        import torch

        return {CODES: torch.cat([one.load()[CODES] for one in each])}

    told = [set(one.header.params) for one in each]
    shared = [pair for pair in header.params if all(pair in params for params in told)]
    params = tuple({**dict(shared), **_origin(part, asked)}.items())
    made = replace(header, names=sanitise.unique(names), params=params)
    return Imported(made, shape, load, notes, ENTRY)
