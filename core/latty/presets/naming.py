"""What a scene names by a text: models, directions, latents. Where they are, and are they there?

Names come from file headers alone: nothing here imports torch or numpy.
"""

import filecmp
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty.directions import store as directions
from latty.directions.store import resolve, set_info
from latty.errors import BadData, LattyError, Missing
from latty.models.store import MODELS, model_file
from latty.presets import sounds
from latty.presets.archives.opening import Names, is_member
from latty.presets.digests import model_digest, named_here
from latty.presets.finding import whole_path
from latty.scene import MIXING, SEED_LIMIT, latents_between, references
from latty.store import Store
from latty.tables import words
from latty.tables.rules import Fault

FONT, SOUND = "font", "sound"  # files, of which no store keeps any
MOST = 4096  # models, directions, latents, sounds and fonts that a preset names
# By what an archive tells names apart, by the kind of what a field refers to.
PACKED = {"model": "model", "latent": "latents", "latents": "latents", SOUND: "sounds",
          FONT: "fonts", "move": "directions", "direction": "directions",
          "directions": "directions"}  # fmt: skip

Find = Callable[[str], object]  # raises LattyError for a reference that leads nowhere


def fault(kind: str, ref: str) -> LattyError | None:
    """Why a reference of this kind leads nowhere, None where it leads somewhere."""
    if words.unsafe_character(ref) or not ref:
        return None  # the validator has told
    try:
        FIND[kind](ref)
    except LattyError as error:
        return error
    return None


def _find_move(ref: str) -> None:
    """Raises Missing, BadData unless it is "seed:N" or names a direction that is there."""
    kind, _, seed = ref.partition(":")
    if kind != "seed":
        resolve(ref)
    elif not (seed.isascii() and seed.isdecimal() and len(seed) < 11 and int(seed) < SEED_LIMIT):
        raise Missing(f"'{words.shown(ref)}' names no seed", 'write for example "seed:42"')


def _find_latent(ref: str) -> None:
    """Raises Missing, BadData unless there is a latent of that number or name, or of each end of
    a range."""
    from latty import latents

    found, between = latents.look(ref), latents_between(ref)
    for which in between[1:] if between else [latents.split(ref)[2]]:
        found.index(str(which))


FIND: dict[str, Find] = {  # what a field of a scene refers to -> who looks it up
    "model": model_file,
    "move": _find_move,
    "direction": resolve,
    "directions": directions.several,
    "latent": _find_latent,
    SOUND: sounds.look,
}


def is_model(ref: str, digest: str) -> bool:
    """Whether a text names the model of that SHA-256; "" is that of none."""
    with suppress(LattyError):  # told where it is looked up
        return bool(digest) and model_digest(ref) == digest
    return False


def maker(ref: str) -> str:
    """The model that a set was made for, as it is called now: what has its content under another
    name where its own name means none, or another one. Raises Missing, BadData, OutputError."""
    header = set_info(ref)
    if is_model(header.model, header.model_digest):
        return header.model
    return named_here("model", header.model_digest, header.family or None) or header.model


def called_now(kind: str, ref: str, where: words.Path, pins: object) -> str:
    """The name under which that is here which `pins`, of data that may be anything, say that `ref`
    at this place of a preset means; "" where none has this content."""
    with suppress(LattyError, KeyError, TypeError, AttributeError):
        found: Any = pins
        name, packed = parts(kind, ref)[2], PACKED[kind]
        if where == ("scene", "model") and "model" in found:
            return named_here(packed, found["model"])
        return named_here(packed, found["models" if packed == "model" else packed][name])
    return ""


def no_sounds(data: Mapping[str, Any]) -> Iterator[tuple[words.Path, LattyError]]:
    """(key, why) of every text in the data of a preset that names no sound."""
    for where, text, _ in sounds.named(data):
        if (error := fault(SOUND, text)) is not None:
            yield where, error


# --- where a path begins --------------------------------------------------------------------------


def parts(kind: str, text: str) -> tuple[str, Store, str]:
    """In words what is meant, where those with a name are, and the file or name itself. Raises
    BadData for a text that names nothing."""
    if kind == "model":
        return kind, MODELS, text
    if kind in ("latent", "latents"):
        from latty import latents

        return "latents", latents.LATENTS, latents.split(text)[0]
    return "direction set", directions.SETS, directions.split(text)[0]


def respelled(text: str, old: str, new: str) -> str:
    """The text with another file or name in it, in the place of `old` at its beginning."""
    if old == new:
        return text
    rest, is_path = text[len(old) :], "/" in new or "." in new  # no name of a store has them
    return f"{new}#{rest[1:]}" if rest.startswith("/") and is_path else new + rest


@dataclass(slots=True)
class Placed:
    """The data of a preset with its paths from where they begin, and what was found on the way."""

    data: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)


def placed(
    data: Mapping[str, Any],
    folder_of: Callable[[words.Path], Path | None],
    names_of: Callable[[words.Path], Names | None],
    origin: Callable[[words.Path], words.Path] = tuple,
) -> Placed:
    """Every path in a scene begins in the folder of the file that says it; a name of the store is
    no path. What an archive says stands for what it holds. The data may hold anything. Raises
    Missing for a model that an archive needs.

    folder_of  that folder for a key; None for the current one
    names_of   what the texts of the file stand for that says a key, where it is in an archive
    origin     the key of the file that says what is at a key: it is looked for once
    """
    found, known = Placed(dict(data)), dict[tuple[words.Path, str, str], str]()
    for where, kind, text in everything(data):
        said = origin(where), kind, str(text)
        if said in known:
            if known[said] != text:
                found.data = _with(found.data, where, known[said])
            continue
        known[said] = text
        if len(known) > MOST:  # each is looked for on the disk
            found.faults.append(Fault(where, f"is one of more than {MOST} names: too many"))
            break
        folder = folder_of(where) if isinstance(text, str) and text else None
        if folder is None or text.startswith(MIXING) or words.unsafe_character(text):
            continue
        try:
            store, file = source_of(kind, text)
        except BadData:
            continue  # told where it is looked up
        if (names := names_of(where)) is not None:
            place = names.place(PACKED[kind], file) or _not_packed(store, file, where, found)
        else:
            place = _place(store, file, folder, where, found)
        if place != file:
            known[said] = respelled(text, file, place)
            found.data = _with(found.data, where, known[said])
    return found


def source_of(kind: str, text: str) -> tuple[Store | None, str]:
    """The file or name in a text, and where those with a name are; None where no store keeps any.
    Raises BadData for a text that names nothing."""
    return (None, text) if kind in (FONT, SOUND) else parts(kind, text)[1:]


def scenes(data: Mapping[str, Any]) -> Iterator[tuple[words.Path, Any]]:
    """(key, table) of the scene of a preset and those of its panels; the data may hold anything."""
    yield ("scene",), data.get("scene")
    panels = data.get("panels")
    for index, panel in enumerate(panels if isinstance(panels, list) else ()):
        yield ("panels", index), panel


def of_scenes(data: Mapping[str, Any]) -> Iterator[tuple[words.Path, str, Any]]:
    """(key, kind, text) of everything that these scenes refer to."""
    for start, table in scenes(data):
        for path, kind, text in references(table):
            yield (*start, *path), kind, text


def everything(data: Mapping[str, Any]) -> Iterator[tuple[words.Path, str, Any]]:
    """(key, kind, text) of everything that a preset names."""
    yield from of_scenes(data)
    for where, text, _ in sounds.named(data):
        yield where, SOUND, text
    texts = data.get("text")
    for index, one in enumerate(texts if isinstance(texts, list) else []):
        if isinstance(one, dict) and FONT in one:
            yield ("text", index, FONT), FONT, one[FONT]


def _not_packed(store: Store | None, file: str, where: words.Path, found: Placed) -> str:
    """A name of this machine's, where an archive says nothing of it; notes what is no name."""
    if store is None or not (store.named(file) or file in store.built_in()):
        key = words.dotted(where)
        what = f"'{words.shown(file)}' is not in the archive"
        found.faults.append(Fault(where, what, f"say yours: --set {key}=..."))
    return file


def _place(store: Store | None, file: str, folder: Path, where: words.Path, found: Placed) -> str:
    """The name, or the path from the current folder, that a file or name means; notes what is
    doubtful about it."""
    try:
        named = Path(file).is_absolute() or file.startswith("~")
        if named or (store and (store.named(file) or file in store.built_in())):
            return file
        beside, here = folder / file, Path(file)
        is_path = len(here.parts) > 1 or bool(here.suffix) or beside.exists()
        if not is_path or (folder.exists() and folder.samefile(Path())):
            return file
        whole = whole_path(beside)
        if not here.exists():
            return whole
        if not beside.exists():
            what = f"is taken from the current folder: there is no {words.shown(whole, 4096)}"
            found.doubts.append(Fault(where, what, "paths begin in the preset's own folder"))
            return file
        if not file.startswith("./") and not _same(beside, here):
            what = "is beside the preset and in the current folder, and these two differ"
            hint = f"write './{words.shown(file)}' for the one beside the preset"
            found.faults.append(Fault(where, what, hint))
        return whole
    except (OSError, ValueError):  # no file can have the name
        return file


def passing(
    data: Mapping[str, Any], names_of: Callable[[words.Path], Names | None]
) -> Iterator[Fault]:
    """What a preset names in latty's cache, where an archive was opened; the data may hold
    anything."""
    known = dict[str, bool]()
    for where, _, text in everything(data):
        if isinstance(text, str) and text not in known:
            known[text] = is_member(text.partition("#")[0])
        if isinstance(text, str) and known[text] and names_of(where) is None:
            what = "lies in latty's cache, as an archive had it: latty clean removes it"
            yield Fault(where, what, "latty import keeps it")


def from_folder(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a preset says whose paths begin in the current folder, as one in another says it."""
    found = dict(data)
    if folder.samefile(Path()):
        return found
    for where, kind, text in everything(data):
        if (other := _from_folder(kind, text, folder)) != text:
            found = _with(found, where, other)
    for index, panel in enumerate(data.get("panels", ())):
        ref = panel.get("preset", "")
        if Path(ref).is_file():  # else one that comes with latty
            found = _with(found, ("panels", index, "preset"), path_from(ref, folder))
    return found


def _from_folder(kind: str, text: str, folder: Path) -> str:
    try:
        store, file = source_of(kind, text)
        path = Path(file)
        is_path = store is None or len(path.parts) > 1 or bool(path.suffix) or path.exists()
        if text.startswith((MIXING, "~")) or not is_path or (store and store.named(file)):
            return text
    except (BadData, OSError, ValueError):
        return text
    return respelled(text, file, path_from(file, folder))


def path_from(file: str, folder: Path) -> str:
    """A path that begins in the current folder as one that begins in another: relative where it
    lies below, else whole."""
    if file.startswith("~"):
        return file
    whole, root = Path(file).absolute(), folder.absolute()
    return str(whole.relative_to(root) if whole.is_relative_to(root) else whole)


def _same(one: Path, other: Path) -> bool:
    if one.samefile(other):
        return True
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def _with(data: Any, where: words.Path, value: str) -> Any:
    """The data with another value at a key; what holds it is copied."""
    if not where:
        return value
    made: Any = dict(data) if isinstance(data, dict) else list(data)
    made[where[0]] = _with(made[where[0]], where[1:], value)
    return made
