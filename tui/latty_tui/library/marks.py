"""What the user marks: stars and tags of directions, and models that were opened by a path.

They are kept in marks.json in the data folder, beside what they are about.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from latty import home, locks, reading
from latty.errors import BadData, LattyError
from latty.files import replace_whole, sweep
from latty.folders import Folder, private

FILE = "marks.json"
SCHEMA = 1
RECENT = 10  # paths
PATIENCE = 2.0  # seconds for another studio to write its marks
LONGEST = 40  # characters of a tag


@dataclass(frozen=True, slots=True)
class Marks:
    """Frozen: each change is another one, to be written with `save`."""

    stars: frozenset[str] = frozenset()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recent: tuple[str, ...] = ()

    @classmethod
    def load(cls) -> "Marks":
        """Those of the file; none where there is none. A file that cannot be read is set aside:
        raises BadData that says where. Raises OSError."""
        file = _file()
        try:
            return _marks_of(reading.json_file(file))
        except FileNotFoundError:
            return cls()
        except (BadData, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, LattyError):
                raise
            with Folder(file.parent) as folder:
                aside = folder.set_aside(file.name)
            raise BadData(f"{error}: it is set aside as {aside}") from None

    def save(self, before: "Marks") -> "Marks":
        """Write what differs from `before`, and keep what others have written since; the marks that
        come of it. Raises OSError, LattyError: BadData, when all is written, as `load`."""
        file, fault = _file(), None
        private(file.parent)
        with locks.locked(file.with_suffix(".lock"), "writing marks", patience=PATIENCE):
            sweep(file)
            try:
                now = Marks.load()
            except BadData as error:
                now, fault = before, error
            merged = self._since(before, now)
            table = {
                "schema": SCHEMA,
                "stars": sorted(merged.stars),
                "tags": {ref: list(tags) for ref, tags in sorted(merged.tags.items())},
                "recent": list(merged.recent),
            }
            replace_whole(file, [json.dumps(table, indent=1).encode()])
        if fault is not None:
            raise fault
        return merged

    def _since(self, before: "Marks", now: "Marks") -> "Marks":
        """`now` with all that was changed from `before` to these."""
        stars = (now.stars | self.stars - before.stars) - (before.stars - self.stars)
        tags = dict(now.tags)
        for ref in {*before.tags, *self.tags}:
            if before.tags.get(ref) != self.tags.get(ref):
                tags[ref] = self.tags.get(ref, ())
        recent = self.recent if now.recent == before.recent else (*self.recent, *now.recent)
        return Marks(
            stars,
            {ref: found for ref, found in tags.items() if found},
            tuple(dict.fromkeys(recent))[:RECENT],
        )

    def starred(self, ref: str) -> "Marks":
        """With the star of `ref` turned around."""
        return replace(self, stars=self.stars ^ {ref})

    def tagged(self, ref: str, tags: Iterable[str]) -> "Marks":
        """With other tags of `ref`."""
        rest = {key: value for key, value in self.tags.items() if key != ref}
        found = tuple(dict.fromkeys(tags))
        return replace(self, tags={**rest, ref: found} if found else rest)

    def moved(self, ref: str, to: str) -> "Marks":
        """After `ref` was renamed."""
        tags = self.tags.get(ref, ())
        bare = self.tagged(ref, ())
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


def _marks_of(table: Any) -> Marks:
    """Raises BadData."""
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        raise BadData(f"{_file()} is damaged, or of another version of latty")
    tags = table.get("tags")
    return Marks(
        frozenset(_texts(table.get("stars"))),
        {ref: found for ref, some in (tags if isinstance(tags, dict) else {}).items()
         if (found := tuple(_texts(some)))},
        tuple(_texts(table.get("recent")))[:RECENT],
    )  # fmt: skip


def _texts(value: Any) -> Iterable[str]:
    return (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
