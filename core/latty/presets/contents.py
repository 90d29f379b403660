"""What the names of a preset stand for, by content: SHA-256 of the files of models, direction sets,
stored latents and scorers.

A name means another file tomorrow; a digest does not. Recipes and pins say digests, and what is
here is compared with them before anything is drawn. Nothing here imports torch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from latty import latents
from latty.directions.file import LINEAR
from latty.directions.store import SETS, set_info, split
from latty.errors import BadData, UsageError
from latty.files import cached
from latty.presets.digests import DIGESTS, named_here, same
from latty.presets.pins import DIGEST, Pins
from latty.presets.values import Preset
from latty.scene import MIXING, references, to_table

SHOWN = 12  # digits of a digest in a message
TABLES = {kind: kind for kind in DIGESTS} | {"model": "models"}  # of pins
TOLD = 5  # differences in one message
WHAT = {"model": "model", "directions": "direction set", "latents": "latents", "scorers": "scorer",
        "sounds": "sound"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that has other content than was said.

    kind   "model", "directions", "latents", "scorers" or "sounds"
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


def sources(preset: Preset) -> Iterator[tuple[str, str, str]]:
    """(kind, source, reference) of everything that a preset names: the source of the direction
    "mine/smile" is "mine". Raises Missing, BadData."""
    for ref in preset.sounds:
        yield "sounds", ref, ref
    for _, kind, ref in references(to_table(preset.scene)):
        if kind == "latent":
            yield "latents", latents.split(ref)[0], ref
        elif kind == "model":
            yield "model", ref, ref
        elif not ref.startswith(MIXING):
            yield "directions", split(ref)[0], ref
            for scorer in scorers_of(split(ref)[0]):
                yield "scorers", scorer, scorer


@cached(256)
def _scorers(path: Path) -> tuple[str, ...]:
    header = set_info(str(path))
    params = dict(header.params)
    if header.form == LINEAR:
        return ()
    kept = params.get("keep", ())
    named = [f"{params.get('scorer', '')}/", *(kept if isinstance(kept, tuple) else ())]
    found = (str(one).rpartition("/")[0] for one in named)
    return tuple(dict.fromkeys(one for one in found if one))


def scorers_of(source: str) -> tuple[str, ...]:
    """The scorers that the directions of a set climb. Raises Missing, BadData."""
    return _scorers(SETS.find(source))


def _key(kind: str, source: str) -> str:
    """By which pins say it: a sound, whose path depends on where one is, by its file's name."""
    return PurePath(source).name if kind == "sounds" else source


def difference(kind: str, name: str, said: Any, source: str) -> Difference | None:
    """Where the content of `source`, spelled `name` by who said a digest, is another one. Who says
    no digest says nothing. Raises Missing, BadData, OutputError."""
    if not isinstance(said, str) or not said or same(said, kind, source):
        return None
    return Difference(kind, name, said, DIGESTS[kind](source), _hint(kind, said))


def _hint(kind: str, said: str) -> str:
    name = named_here(kind, said)
    return f"that {WHAT[kind]} is here as '{name}'" if name else ""


def pinned(preset: Preset) -> Iterator[Difference]:
    """What of a preset has other content than it pins. A set, latents or a scorer that are pinned
    and not named any more are not looked at. Raises Missing, BadData, OutputError."""
    if (pins := preset.pins) is None:
        return
    named = (pair[:2] for part in preset.parts for pair in sources(part))
    for kind, source in dict.fromkeys(named):
        is_own = kind == "model" and source == preset.scene.model
        said = pins.model if is_own else dict(getattr(pins, TABLES[kind])).get(_key(kind, source))
        if (found := difference(kind, source, said, source)) is not None:
            yield found


def pins_of(preset: Preset) -> Pins:
    """The pins of what is here now. Raises Missing, BadData, OutputError."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in DIGESTS}
    for part in preset.parts:
        for kind, source, _ in sources(part):
            if digits := DIGESTS[kind](source):
                found[kind][_key(kind, source)] = digits
    model = found["model"].pop(preset.scene.model, None)
    tables = {TABLES[kind]: tuple(sorted(table.items())) for kind, table in found.items()}
    return Pins(model, **tables)


def spelled(preset: Preset) -> list[str]:
    """The pins of what is here now as words of a command line: "model:demo=e2fa8acf9d68". Raises
    Missing, BadData, OutputError."""
    pins = pins_of(preset)
    found = [("model", preset.scene.model, pins.model)] if pins.model else []
    found += [
        (kind, source, said) for kind in DIGESTS for source, said in getattr(pins, TABLES[kind])
    ]
    return [f"{kind}:{source}={(said or '')[:SHOWN]}" for kind, source, said in found]


def check_spelled(words: Sequence[str]) -> None:
    """Raises Changed where what is here has another content, UsageError for what is no pin, and
    what looking for it does."""
    found = []
    for word in words:
        kind, mark, rest = word.partition(":")
        source, equals, said = rest.rpartition("=")
        if kind not in DIGESTS or not mark or not equals or not DIGEST.accepts(said):
            raise UsageError(f"--pin {word} is no pin", "as in model:demo=e2fa8acf9d68")
        found.append(difference(kind, source, said, source))
    differs = tuple(one for one in found if one is not None)
    if differs:
        told = "; ".join(one.words("the one that was pinned") for one in differs[:TOLD])
        raise BadData(told, "put that back, or submit it again")
