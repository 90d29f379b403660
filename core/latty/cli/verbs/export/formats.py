"""The formats of `latty export`: every entry that can write what it reads, and what a name is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty.cli import importable
from latty.directions.registries import IMPORTERS
from latty.directions.store import SETS
from latty.errors import BadData, Missing, UsageError, did_you_mean
from latty.latents import LATENTS
from latty.models.registries import LAYOUTS
from latty.models.store import MODELS
from latty.plugins import Registry

MODEL, DIRECTIONS, CODES = "model", "directions", "latents"


@dataclass(frozen=True, slots=True)
class Exporter:
    """A way to write: the entry that says it, its word, what it writes of, the suffix."""

    registry: Registry[Any]
    entry: str
    word: str
    of: str
    suffix: str

    @property
    def export(self) -> Any:
        """The function of the entry."""
        return self.registry.load(self.entry).export


def exporters() -> Iterator[Exporter]:
    """Every entry with the literal EXPORTS."""
    for registry in (LAYOUTS, IMPORTERS):
        for entry in registry.names():
            said = registry.constant(entry, "EXPORTS")
            if isinstance(said, dict):
                yield Exporter(registry, entry, said["as"], said["of"], said["suffix"])


def chosen(ref: str, word: str) -> Exporter:
    """The format of that word for what `ref` names. Raises UsageError, Missing, BadData."""
    able = [one for one in exporters() if one.word == word]
    if not able:
        words = sorted({one.word for one in exporters()})
        raise UsageError(f"--as: no format '{word}'", did_you_mean(word, words) or ", ".join(words))
    kind = _kind(ref, {one.of for one in able})
    found = next((one for one in able if one.of == kind), None)
    if found is None:
        words = sorted({one.word for one in exporters() if one.of == kind})
        raise BadData(f"{ref} is {_a(kind)}; --as {word} is for {able[0].of}",
                      f"for it there is: {', '.join(words)}")  # fmt: skip
    return found


def _a(kind: str) -> str:
    return "a model" if kind == MODEL else kind


def _kind(ref: str, able: set[str]) -> str:
    """What a name or file is; of several, what the format is for. Raises Missing, BadData,
    OutputError."""
    source = ref.partition("#")[0]
    stores = {MODEL: MODELS, DIRECTIONS: SETS, CODES: LATENTS}
    named = [kind for kind, store in stores.items() if source in store]
    named = [kind for kind in named if kind in able] or named
    if len(named) > 1:
        raise BadData(f"'{ref}' names {' and '.join(map(_a, named))}", "name the file: latty list")
    if named:
        return named[0]
    path = Path(source).expanduser()
    if path.exists() and not path.is_dir():  # a pipe is told as what it is
        if importable.is_model(path):
            return MODEL
        found = importable.find(path)
        if found is not None and found.entry == importable.OURS:
            return found.kind
        raise BadData(f"{path.name} is no file of latty", "import it first: latty import")
    if ref.count("/") == 1 and ref.partition("/")[0] in SETS.names():
        return DIRECTIONS
    for store in stores.values():
        if (fault := store.fault(source)) is not None:
            raise fault
    names = [name for store in stores.values() for name in store.names()]
    raise Missing(f"no model, directions or latents '{ref}'", did_you_mean(ref, names))
