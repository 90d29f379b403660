"""What the names of a preset stand for, by content: SHA-256 of the files of models, direction sets,
stored latents, scorers, sounds and fonts.

A name means another file tomorrow; a digest does not. Recipes and pins say digests, and what is
here is compared with them before anything is drawn. Nothing here imports torch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty import latents
from latty.directions import climbed
from latty.directions.file import LINEAR
from latty.directions.store import SETS, new_names, set_info, split
from latty.errors import BadData
from latty.files import cached
from latty.presets.digests import DIGESTS, digest_of, named_here, same
from latty.presets.naming import everything
from latty.presets.values import Preset
from latty.scene import MIXING, Scene, references, to_table
from latty.tables.words import Path as Key

SHOWN = 12  # digits of a digest in a message
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
