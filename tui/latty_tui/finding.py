"""What can be found by its words: commands, directions, models, presets, pages of help.

No Textual here. An `Index` prepares its things once; a search goes through thousands of them within
a few milliseconds, so that every key of a question is answered at once.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

APART = re.compile(r"[\s_/\-.:,;()]+")  # what lies between words, of names too: mouth_open


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that can be gone to, opened or done.

    kind  what it is in a word: "direction", "preset", the panel of a command
    run   goes there or does it
    key   the keys that do the same; where = the set or the folder it is of
    more  a sentence about it; words = other words by which people look for it, one after the other
    why   why it cannot be done now, "" = it can
    id    by which it is known again as one that was taken lately
    """

    name: str
    kind: str
    run: Callable[[], object]
    key: str = ""
    where: str = ""
    more: str = ""
    words: str = ""
    why: str = ""
    id: str = ""

    @property
    def known_by(self) -> str:
        """Its id, or its kind and name."""
        return self.id or f"{self.kind} {self.where} {self.name}"


class Prepared(NamedTuple):
    """A thing, and its texts as they are compared: in small letters, words apart by one space,
    `words` and `all` with one at both ends."""

    thing: Thing
    name: str
    words: str
    all: str


def spelled(text: str) -> str:
    """A text as texts are compared."""
    return APART.sub(" ", text.lower()).strip()


def _prepared(thing: Thing) -> Prepared:
    name, words = spelled(thing.name), thing.words.lower()
    others = spelled(f"{thing.where} {thing.kind} {thing.more}")
    return Prepared(thing, name, f" {words} ", f" {name} {words} {others} ")


@dataclass(slots=True)
class Index:
    """Things in the order in which they stand where no word tells them apart: those that were taken
    lately, the latest first; those that can be done now; those of the kind that is near.

    near    that kind
    recent  what was taken lately is known by
    """

    near: str = ""
    recent: Sequence[str] = ()
    _all: list[Prepared] = field(default_factory=list)
    _last: tuple[str, list[Prepared]] = ("", [])  # what was asked last, and what has its words

    def add(self, things: Iterable[Thing]) -> None:
        """More of them, after their like."""
        lately = {id: place for place, id in enumerate(self.recent)}
        self._all += map(_prepared, things)
        self._all.sort(
            key=lambda one: (
                lately.get(one.thing.known_by, len(lately)),
                bool(one.thing.why),
                one.thing.kind != self.near,
            )
        )
        self._last = "", self._all

    def search(self, words: str) -> list[Thing]:
        """Those that have every word, the best first; of no word all."""
        asked = spelled(words)
        before, among = self._last
        if not asked.startswith(before):
            among = self._all
        for part in asked.split():
            among = [one for one in among if part in one.all]
        self._last = asked, among
        if not asked:
            return [one.thing for one in among]
        found = [one for level in _levels(among, asked) for one in level]
        return [one.thing for one in found or self._loosely(asked)]

    def _loosely(self, asked: str) -> list[Prepared]:
        """Names that hold the letters in this order, those that hold them closely first."""
        letters = re.compile(".*?".join(map(re.escape, asked.replace(" ", ""))))
        seen = [(found.end() - found.start(), at) for at, one in enumerate(self._all)
                if (found := letters.search(one.name)) is not None]  # fmt: skip
        return [self._all[at] for _, at in sorted(seen)]


def _levels(among: list[Prepared], asked: str) -> tuple[list[Prepared], ...]:
    """What has all words, by how well it is named by them: by its very name, by how it begins, by
    whole words, by a part of the name, elsewhere."""
    levels: tuple[list[Prepared], ...] = [], [], [], [], []
    same, begun, worded, within, rest = levels
    word, start, parts = f" {asked} ", f" {asked}", [f" {part}" for part in asked.split()]
    for one in among:
        name = one.name
        if name == asked or word in one.words:
            same.append(one)
        elif name.startswith(asked) or start in one.words:
            begun.append(one)
        elif asked in name:
            (worded if start in name else within).append(one)
        elif len(parts) > 1 and all(part in f" {name}{one.words}" for part in parts):
            worded.append(one)
        else:
            rest.append(one)
    return levels
