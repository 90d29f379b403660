"""What the names of a preset stand for, by content: SHA-256 of the files of models, direction sets,
stored latents, scorers, sounds and fonts.

A name means another file tomorrow; a digest does not. Recipes and pins say digests, and what is
here is compared with them before anything is drawn. Nothing here imports torch.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from latty import latents
from latty.directions import climbed
from latty.directions.file import LINEAR
from latty.directions.store import SETS, new_names, set_info, split
from latty.errors import BadData, UsageError
from latty.files import cached
from latty.presets.digests import DIGESTS, digest_of, named_here, same
from latty.presets.naming import everything, path_from
from latty.presets.pins import DIGEST, PINNED, Pins
from latty.presets.values import Preset
from latty.scene import MIXING, Scene, references, to_table
from latty.tables.words import Path as Key
from latty.unpacked import unpacked

SHOWN = 12  # digits of a digest in a message
TABLES = {kind: table for table, kind in PINNED.items()}  # of pins
TOLD = 5  # differences in one message
WHAT = {"model": "model", "directions": "direction set", "latents": "latents", "scorers": "scorer",
        "sounds": "sound", "fonts": "font", "archive": "archive"}  # fmt: skip
FILES = {"sound": "sounds", "font": "fonts"}  # of which no store keeps any, by kind of reference
ARCHIVE = "archive"  # of which nothing is pinned by itself


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that has other content than was said.

    kind   one of DIGESTS
    name   as the preset or recipe spells it
    said   the digest, or its first digits; found = that of what is here
    hint   where the content that was said is
    """

    kind: str
    name: str
    said: str
    found: str
    hint: str = ""

    @property
    def what(self) -> str:
        return f"the {WHAT[self.kind]} '{self.name}'"

    def words(self, other: str) -> str:
        """`other` is who said so: "the one this was made with"."""
        return f"{self.what} is not {other} ({self.said[:SHOWN]} / {self.found[:SHOWN]})"


class Changed(BadData):
    """What a recipe, pins or a job name has other content now."""

    def __init__(self, file: str, differences: "tuple[Difference, ...]", other: str) -> None:
        told = [one.words(other) for one in differences[:TOLD]]
        if differences[TOLD:]:
            told.append(f"and {len(differences) - TOLD} more")
        hints = [one.hint for one in differences[:TOLD] if one.hint]
        hints.append("--anyway renders with what is here")
        super().__init__(f"{file}: {'; '.join(told)}", "; ".join(dict.fromkeys(hints)))
        self.differences = differences


def source_of(kind: str, ref: str) -> tuple[str, str]:
    """The kind of content, and the file or name, that a reference means: the source of the
    direction "mine/smile" is "mine". Raises BadData for what refers to nothing."""
    if kind == "model" or kind in FILES:
        return FILES.get(kind, kind), ref
    if kind in ("latent", "latents"):
        return "latents", latents.split(ref)[0]
    return "directions", split(ref)[0]


def of_scene(scene: Scene) -> Iterator[tuple[str, str]]:
    """(kind, source) of everything that a scene names. Raises BadData."""
    for _, kind, ref in references(to_table(scene)):
        if not ref.startswith(MIXING):
            yield source_of(kind, ref)


def of_files(preset: Preset) -> Iterator[tuple[str, str]]:
    """The same of what is a file and in no store: sounds and fonts."""
    yield from (("sounds", one) for one in preset.sounds)
    yield from (("fonts", one.font) for one in preset.texts if one.font)


def of_part(preset: Preset) -> Iterator[tuple[str, str]]:
    """(kind, source) of all that the pictures of a scene are made of, the scorers that its
    directions climb among them. Raises Missing, BadData."""
    for kind, source in of_scene(preset.scene):
        yield kind, source
        if kind == "directions":
            yield from (("scorers", scorer) for scorer in scorers_of(source))


def sources(preset: Preset) -> list[tuple[str, str]]:
    """(kind, source) of everything that a preset names, each once. Raises Missing, BadData."""
    found = [pair for part in (preset, *preset.parts) for pair in of_part(part)]
    return [*dict.fromkeys([*found, *of_files(preset)])]


@cached(256)
def _scorers(path: Path) -> tuple[str, ...]:
    """As the set says them."""
    header = set_info(str(path))
    params = dict(header.params)
    if header.form == LINEAR:
        return ()
    kept = params.get("keep", ())
    named = [f"{params.get('scorer', '')}/", *(kept if isinstance(kept, tuple) else ())]
    found = (str(one).rpartition("/")[0] for one in named)
    return tuple(dict.fromkeys(one for one in found if one))


def scorers_of(source: str) -> dict[str, str]:
    """What opens each scorer that the directions of a set climb, and how recipes and pins spell
    it. Raises Missing, BadData."""
    path = SETS.find(source)
    return {climbed.opener(path, one): climbed.spelled(one) for one in _scorers(path)}


def difference(kind: str, name: str, said: Any, source: str) -> Difference | None:
    """Where the content of `source`, spelled `name` by who said a digest, is another one. Who says
    no digest says nothing. Raises Missing, BadData, OutputError."""
    if not isinstance(said, str) or not said:
        return None
    if kind == ARCHIVE:
        digits = digest_of(Path(source).expanduser())
        return None if digits.startswith(said) else Difference(kind, name, said, digits)
    if same(said, kind, source):
        return None
    return Difference(kind, name, said, DIGESTS[kind](source), _hint(kind, said, source))


def _hint(kind: str, said: str, source: str) -> str:
    name = named_here(kind, said)
    if name or kind != "directions":
        return f"that {WHAT[kind]} is here as '{name}'" if name else ""
    if names := new_names(source, said):
        new = [f"'{old}' is '{now}' now" for old, now in names.items() if old != now]
        which = f": {', '.join(new[:TOLD])}" if new else " since"
        return f"only names changed in it{which}; latty pin again"
    return "a set of which a direction was turned, added or taken out is another one, too"


def named_at(data: Mapping[str, Any], keys: Callable[[Key], bool]) -> set[tuple[str, str]]:
    """(kind, source) of what a preset's data names at the keys that are asked for. Raises
    BadData."""
    return {source_of(kind, ref) for key, kind, ref in everything(data) if keys(key)}


# --- pins -----------------------------------------------------------------------------------------


def _spelled(source: str, folder: Path) -> str:
    """A file in or below the preset's folder as from there, wherever one is."""
    path = Path(source)
    return path_from(source, folder) if path.is_absolute() else source


def _pin(pins: Pins, kind: str, source: str, folder: Path) -> tuple[str, str | None]:
    """How pins spell a source, of the ways in which its file may be said, and its digest."""
    said = dict(getattr(pins, TABLES[kind]))
    whole = os.path.abspath(source)  # noqa: PTH100  links stay
    ways = [source, _spelled(source, folder), whole, os.path.relpath(whole, folder)]
    ways += [PurePath(source).name] if kind in FILES.values() else []
    ways += [packed.name] if (packed := unpacked(source)) is not None else []
    return next(((way, said[way]) for way in ways if way in said), (source, None))


def pinned(
    preset: Preset, folder: Path, typed: Collection[tuple[str, str]] = ()
) -> Iterator[Difference]:
    """What of a preset in a folder has other content than it pins, but for the (kind, source) that
    the user names instead. What is pinned and not named any more is not looked at. Raises Missing,
    BadData, OutputError."""
    if (pins := preset.pins) is None:
        return
    for kind, source in sources(preset):
        is_own = kind == "model" and source == preset.scene.model
        own = is_own and pins.model is not None
        name, said = (source, pins.model) if own else _pin(pins, kind, source, folder)
        if (kind, source) in typed:
            continue
        if (found := difference(kind, name, said, source)) is not None:
            yield found


def _here(preset: Preset) -> dict[tuple[str, str], str]:
    """SHA-256 of what each name stands for now, in the order of DIGESTS. Raises Missing, BadData,
    OutputError."""
    named = sorted(sources(preset), key=lambda pair: [*DIGESTS].index(pair[0]))
    found = {(kind, source): DIGESTS[kind](source) for kind, source in named}
    return {pair: digits for pair, digits in found.items() if digits}


def pins_of(presets: Sequence[Preset], folder: Path) -> Pins:
    """The pins of what is here now, of a preset or of all that one stands for. Raises Missing,
    BadData, OutputError."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in PINNED}
    here = {pair: digits for preset in presets for pair, digits in _here(preset).items()}
    own = {preset.scene.model for preset in presets}
    model = here.pop(("model", own.pop()), None) if len(own) == 1 else None
    for (kind, source), digits in here.items():
        found[TABLES[kind]][_spelled(source, folder)] = digits
    return Pins(model, **{kind: tuple(sorted(table.items())) for kind, table in found.items()})


def spelled(preset: Preset, packed: Path | None = None) -> list[str]:
    """The pins of what is here now as words of a command line: "model:demo=e2fa8acf9d68"; of what
    the archive `packed` holds that of the archive. Raises Missing, BadData, OutputError."""
    pins = {(ARCHIVE, str(packed)): digest_of(packed)} if packed is not None else {}
    pins |= {pair: digits for pair, digits in _here(preset).items() if unpacked(pair[1]) is None}
    return [f"{kind}:{source}={digits[:SHOWN]}" for (kind, source), digits in pins.items()]


def check_spelled(words: Sequence[str]) -> None:
    """Raises Changed where what is here has another content, UsageError for what is no pin, and
    what looking for it does."""
    found = []
    for word in words:
        kind, mark, rest = word.partition(":")
        source, equals, said = rest.rpartition("=")
        if kind not in (*DIGESTS, ARCHIVE) or not mark or not equals or not DIGEST.accepts(said):
            raise UsageError(f"--pin {word} is no pin", "as in model:demo=e2fa8acf9d68")
        found.append(difference(kind, source, said, source))
    differs = tuple(one for one in found if one is not None)
    if differs:
        told = "; ".join(one.words("the one that was pinned") for one in differs[:TOLD])
        raise BadData(told, "put that back, or submit it again")
