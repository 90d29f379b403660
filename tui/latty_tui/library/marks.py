"""What the user marks: stars and tags of directions, and models that were opened by a path.

They are kept in marks.json in the data folder, beside what they are about.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from latty import home
from latty.files import replace_whole

FILE = "marks.json"
SCHEMA = 1
RECENT = 10  # paths
LONGEST = 40  # characters of a tag


@dataclass(frozen=True, slots=True)
class Marks:
    """Frozen: each change is another one, to be written with `save`."""

    stars: frozenset[str] = frozenset()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recent: tuple[str, ...] = ()

    @classmethod
    def load(cls) -> Self:
        """Those of the file; none where there is none that can be read."""
        with suppress(OSError, ValueError, RecursionError):
            table = json.loads(_file().read_bytes())
            if isinstance(table, dict) and table.get("schema") == SCHEMA:
                tags = table.get("tags")
                return cls(
                    frozenset(_texts(table.get("stars"))),
                    {ref: found for ref, some in (tags if isinstance(tags, dict) else {}).items()
                     if (found := tuple(_texts(some)))},
                    tuple(_texts(table.get("recent")))[:RECENT],
                )  # fmt: skip
        return cls()

    def save(self) -> None:
        """Write them in one step. Raises OSError."""
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        table = {
            "schema": SCHEMA,
            "stars": sorted(self.stars),
            "tags": {ref: list(tags) for ref, tags in sorted(self.tags.items())},
            "recent": list(self.recent),
        }
        replace_whole(file, [json.dumps(table, indent=1).encode()])

    def starred(self, ref: str) -> "Marks":
        """With the star of `ref` turned around."""
        return replace(self, stars=self.stars ^ {ref})

    def tagged(self, ref: str, tags: Iterable[str]) -> "Marks":
        """With other tags of `ref`."""
        rest = {key: value for key, value in self.tags.items() if key != ref}
        found = tuple(dict.fromkeys(tags))
        return replace(self, tags={**rest, ref: found} if found else rest)

    def moved(self, ref: str, to: str | None) -> "Marks":
        """After `ref` was renamed, or deleted (None)."""
        tags = self.tags.get(ref, ())
        bare = self.tagged(ref, ())
        if to is None:
            return replace(bare, stars=self.stars - {ref})
        stars = self.stars - {ref} | ({to} if ref in self.stars else set())
        return replace(bare.tagged(to, tags) if tags else bare, stars=stars)

    def opened(self, path: str) -> "Marks":
        """With a path that was opened, the latest first."""
        rest = [one for one in self.recent if one != path]
        return replace(self, recent=(path, *rest)[:RECENT])


def read_tags(text: str) -> tuple[str, ...]:
    """Tags of one line, with or without #. Raises ValueError."""
    words = tuple(word.lstrip("#") for word in text.replace(",", " ").split())
    for word in words:
        if not word or not word.isprintable() or len(word) > LONGEST:
            raise ValueError(f"'{word[:LONGEST]}' is no tag: one word, at most {LONGEST} letters")
    return words


def _file() -> Path:
    return home.data_dir() / FILE


def _texts(value: Any) -> Iterable[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
