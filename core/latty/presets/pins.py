"""`[pins]`: which content the names of a preset stand for, as digests of files."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from latty.tables.rules import Rule, mapping, matching, option

FEWEST = 8  # digits


def _digest() -> Rule:
    """SHA-256 of a file in hexadecimal digits, or its first ones."""
    words = f"{FEWEST} to 64 hexadecimal digits of a SHA-256"

    def is_one(value: object) -> bool:
        return (
            isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{FEWEST},64}}", value) is not None
        )

    schema = {"type": "string", "pattern": f"^[0-9a-f]{{{FEWEST},64}}$"}
    return matching(words, is_one, schema)


DIGEST = _digest()
Digests = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pins:
    """Which content the names of a preset stand for: digests of files, by name."""

    model: str | None = option(None, DIGEST, "Of the scene's model.")
    models: Digests = option((), mapping(DIGEST), "Of other models, in panels.")
    directions: Digests = option((), mapping(DIGEST), "Of direction sets, by name or file.")
    latents: Digests = option((), mapping(DIGEST), "Of stored latents, by name or file.")
    scorers: Digests = option((), mapping(DIGEST), "Of scorers that directions climb.")
    sounds: Digests = option((), mapping(DIGEST), "Of sounds, by file.")
    fonts: Digests = option((), mapping(DIGEST), "Of the fonts of texts, by file.")

    def without(self, untrue: Collection[tuple[str, str]], model: str) -> "Pins":
        """The same without what they say of these: pairs of a kind of content and a name; `model`
        is that of the scene."""
        rest: dict[str, Digests] = {
            table: tuple(one for one in getattr(self, table) if (kind, one[0]) not in untrue)
            for table, kind in PINNED.items()
        }
        return Pins(None if ("model", model) in untrue else self.model, **rest)

    def respelled(self, names: Mapping[tuple[str, str], str]) -> "Pins":
        """The same where pairs of a kind of content and a name have other names."""
        tables: dict[str, Any] = {
            table: tuple((names.get((kind, name), name), digits) for name, digits in said)
            for table, kind in PINNED.items()
            if (said := getattr(self, table))
        }
        return replace(self, **tables)


PINNED = {  # tables, and the kind of content of which each says several
    "models": "model",
    "directions": "directions",
    "latents": "latents",
    "scorers": "scorers",
    "sounds": "sounds",
    "fonts": "fonts",
}
