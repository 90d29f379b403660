"""What directions there are, for the list of them: read from files, sorted, fitted to a model.

No Textual here. `SetReader.look` reads the folders and is called in a thread; all else is pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from latty import home
from latty.checkpoints.safetensors import read_header as read_container
from latty.directions.base import Info
from latty.directions.file import ARRAY, KIND, LINEAR, DirectionSet, read_header
from latty.directions.registries import METHODS
from latty.errors import LattyError
from latty.files import Stamp, stamp_of
from latty.text import spoken
from latty_tui.drawing.engine import OpenModel
from latty_tui.library.marks import Marks

INSIDE = "activation:"
SHARES = ("corr", "accuracy", "crossed", "r2")  # scores that are 1 at best; others have no best
STARRED = "starred"
OTHERS = "others"  # the head of what was made for other models
SEARCH = "search"  # the line that leads to a search, where the model has no direction yet


@dataclass(frozen=True, slots=True, eq=False)
class SetEntry:
    """A set of directions, as its file tells: `error` says why it cannot be read. Another content
    is another entry."""

    name: str
    path: Path
    shipped: bool
    header: DirectionSet | None = None
    sizes: tuple[int, ...] = ()  # of one vector, where they are vectors
    error: str = ""

    @property
    def method(self) -> str:
        return self.header.method if self.header else "cannot be read"


@dataclass(frozen=True, slots=True)
class DirectionEntry:
    """One direction of a entry; `misfit` says why it cannot be used, "" = it can."""

    ref: str
    entry: SetEntry
    info: Info
    share: float | None  # 0..1: its first score against the best there is
    misfit: str = ""


class SetReader:
    """Reads each file once, and again when it has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamp, SetEntry | None]] = {}
        self._last: tuple[SetEntry, ...] = ()

    def look(self) -> tuple[SetEntry, ...]:
        """Every set, by name; the very same tuple while nothing has changed."""
        seen: dict[Path, tuple[Stamp, SetEntry | None]] = {}
        for folder in (home.shipped_dir() / "directions", home.directions_dir()):
            for path, state in _listed(folder):
                known = self._known.get(path)
                seen[path] = known if known and known[0] == state else (state, _read(path))
        if seen != self._known or not self._last:
            self._known = seen
            entries: dict[str, SetEntry] = {}
            for _, entry in seen.values():
                if entry is not None:
                    entries.setdefault(entry.name, entry)  # a name that ships wins
            self._last = tuple(entries[name] for name in sorted(entries))
        return self._last


def _listed(folder: Path) -> Iterable[tuple[Path, Stamp]]:
    """What is a file there, or leads to one."""
    try:
        paths = [path for path in sorted(folder.glob("*.safetensors")) if path.is_file()]
    except OSError:
        return
    for path in paths:
        if state := stamp_of(path):
            yield path, state


def _read(path: Path) -> SetEntry | None:
    """None for a file that holds something else."""
    name, shipped = path.stem, path.parent != home.directions_dir()
    try:
        container = read_container(path)
        if container.meta.get("kind") != KIND:
            return None
        header = read_header(path)
    except LattyError as error:
        return SetEntry(name, path, shipped, error=error.message)
    sizes = container.shapes.get(ARRAY, ())[1:] if header.form == LINEAR else ()
    return SetEntry(name, path, shipped, header, sizes)


def misfit(entry: SetEntry, model: OpenModel | None, coming: str = "") -> str:
    """Why a set cannot be used with a model, in a few words; "" = it can. Of a model that is not
    open yet only its name is known: `coming`."""
    if (header := entry.header) is None:
        return entry.error
    if model is None:
        named = {"", coming, Path(coming).stem}
        return f"made for {header.model}" if coming and header.model not in named else ""
    if header.model_digest and model.digest:
        if header.model_digest != model.digest:
            return f"made for {header.model}"
    elif header.family and header.family != model.family:
        return f"made for {header.family} models"
    if header.space.startswith(INSIDE):
        layer = header.space.removeprefix(INSIDE)
        return "" if layer in model.activations else f"{model.name} has no layer {layer}"
    full = (model.num_layers, model.width)
    fitting = [(model.z_dim,)] if header.space == "z" else [full[1:], full]
    if not entry.sizes or entry.sizes in fitting:
        return ""
    has, wants = (" x ".join(map(str, size)) for size in (entry.sizes, fitting[0]))
    return f"has {has} numbers, {model.name} moves by {wants} in {header.space}"


@lru_cache(maxsize=512)
def directions(entry: SetEntry, why: str = "") -> tuple[DirectionEntry, ...]:
    """The directions of a set, in its order."""
    infos = entry.header.infos if entry.header else ()
    best = max((abs(info.scores[0][1]) for info in infos if info.scores), default=0.0)
    found = []
    for info in infos:
        share = None
        if info.scores and best > 0:
            name, score = info.scores[0]
            share = min(1.0, abs(score) / (1.0 if name in SHARES else best))
        found.append(DirectionEntry(f"{entry.name}/{info.name}", entry, info, share, why))
    return tuple(found)


def words_of(method: str) -> str:
    """What a method is, in its own words; "" for one that is not installed."""
    return METHODS.summary(method) if method in METHODS else ""


@dataclass(frozen=True, slots=True)
class DirectionRow:
    """A line of the list: a head (a method, a set) that folds, or a direction."""

    key: str  # of a head: what is folded
    level: int
    title: str = ""
    count: int = 0
    open: bool = True
    entry: SetEntry | None = None
    found: DirectionEntry | None = None
    misfit: str = ""


def rows(
    entries: Iterable[SetEntry],
    model: OpenModel | None,
    marks: Marks,
    folded: Mapping[str, bool],
    words: str = "",
    coming: str = "",
) -> list[DirectionRow]:
    """The list: starred ones, then methods, their sets and directions; sets that cannot be read;
    last, below one head, what does not fit. Where nothing fits the model that is open, a line that
    leads to a search.

    `folded` says of heads whether they are folded; by default those of what does not fit are.
    With `words`, all directions that have every one of them, and no head is folded.
    """
    parts = words.lower().split()
    sets = [(entry, misfit(entry, model, coming)) for entry in sorted(entries, key=_place)]
    made: list[DirectionRow] = []
    stars = [found for entry, why in sets if marks.stars and not why for found in directions(entry)
             if found.ref in marks.stars and _has(found, marks, parts)]  # fmt: skip
    _head(made, DirectionRow(STARRED, 0, STARRED, len(stars)), stars, folded, bool(parts))
    fit = [one for one in sets if not one[1]]
    damaged = [one for one in sets if one[0].error]
    others = [one for one in sets if one[1] and not one[0].error]
    if not fit and model is not None and not parts:
        made.append(DirectionRow(SEARCH, 0, "search for directions"))
    _methods(made, fit, marks, folded, parts)
    _methods(made, damaged, marks, folded, parts)
    below: list[DirectionRow] = []
    _methods(below, others, marks, folded, parts)
    if below:
        made += _others(below, len(others), folded, bool(parts))
    return made


def _methods(
    made: list[DirectionRow],
    sets: list[tuple[SetEntry, str]],
    marks: Marks,
    folded: Mapping[str, bool],
    parts: list[str],
) -> None:
    """All methods of some sets."""
    methods: dict[str, list[tuple[SetEntry, str]]] = {}
    for entry, why in sets:
        methods.setdefault(entry.method, []).append((entry, why))
    for method in sorted(methods, key=lambda name: (_inside(methods[name][0][0]), name)):
        _method(made, method, methods[method], marks, folded, parts)


def _others(
    below: list[DirectionRow], count: int, folded: Mapping[str, bool], all_open: bool
) -> Iterable[DirectionRow]:
    """One head above all that does not fit."""
    is_open = all_open or not folded.get(OTHERS, True)
    title = "sets of other models" if count > 1 else "a set of another model"
    yield DirectionRow(OTHERS, 0, title, count, is_open, misfit="made for other models")
    if is_open:
        yield from (replace(row, level=row.level + 1) for row in below)


def _place(entry: SetEntry) -> tuple[bool, str]:
    return _inside(entry), entry.name


def _inside(entry: SetEntry) -> bool:
    """Whether it moves activations: such sets come after those that move latents."""
    return entry.header is not None and entry.header.space.startswith(INSIDE)


def among_stars(rows: list[DirectionRow], index: int) -> bool:
    """Whether a row is one of the starred ones at the top."""
    return bool(rows) and rows[0].key == STARRED and rows[0].open and index <= rows[0].count


def _method(
    made: list[DirectionRow],
    method: str,
    sets: list[tuple[SetEntry, str]],
    marks: Marks,
    folded: Mapping[str, bool],
    parts: list[str],
) -> None:
    """A method with its sets; with one set, both are one line."""
    listed = [(entry, why, [found for found in directions(entry, why)
                            if not parts or _has(found, marks, parts)])
              for entry, why in sets]  # fmt: skip
    if parts:
        listed = [one for one in listed if one[2]]
    if not listed:
        return
    key, why = f"{method}{'?' if listed[0][1] else ''}", listed[0][1]
    if len(listed) > 1:
        count = sum(len(found) for _, _, found in listed)
        is_open = bool(parts) or not folded.get(key, bool(why))
        made.append(DirectionRow(key, 0, method, count, is_open, None, None, why))
        if not is_open:
            return
    for entry, why, found in listed:
        alone = len(listed) == 1
        title = f"{method} {entry.name}" if alone else entry.name
        name, level = f"{key}/{entry.name}", 0 if alone else 1
        head = DirectionRow(name, level, title, len(found), entry=entry, misfit=why)
        _head(made, head, found, folded, bool(parts))


def _head(
    made: list[DirectionRow],
    head: DirectionRow,
    found: list[DirectionEntry],
    folded: Mapping[str, bool],
    all_open: bool,
) -> None:
    """A head with its directions below it, unless it is folded; nothing for no stars."""
    if not found and head.entry is None:
        return
    is_open = all_open or not folded.get(head.key, bool(head.misfit))
    made.append(replace(head, open=is_open))
    if is_open:
        level = head.level + 1
        made += [
            DirectionRow(one.ref, level, spoken(one.info.name), 0, True, one.entry, one, one.misfit)
            for one in found
        ]


def _has(found: DirectionEntry, marks: Marks, parts: list[str]) -> bool:
    """Whether a direction has all words: in its name, typed either way, set, method, tags, or
    "starred"."""
    method = found.entry.method
    star = STARRED if found.ref in marks.stars else ""
    tags = " ".join(f"#{tag}" for tag in marks.tags.get(found.ref, ()))
    text = f"{found.ref} {spoken(found.ref)} {method} {words_of(method)} {tags} {star}".lower()
    return all(part in text for part in parts)
