"""What models there are, for the list of them: those here, those opened by a path, the zoo.

No Textual here; headers are read without torch, in a thread.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from latty import home
from latty.checkpoints.safetensors import read_header
from latty.errors import LattyError
from latty.files import stamp_of
from latty.models.store import MODELS, said_size
from latty.text import size_words

Kind = Literal["here", "path", "zoo", "wrong"]
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model: what opens it (`ref`), and what is known of it before it is open.

    kind   here: by name; path: a file somewhere; zoo: to be fetched; wrong: words of an error
    what   a line about it     by_hand: only a browser can fetch it
    """

    ref: str
    name: str
    kind: Kind
    family: str = ""
    height: int = 0
    width_px: int = 0
    space: str = ""
    size: int = 0
    what: str = ""
    by_hand: bool = False

    @property
    def px(self) -> str:
        """The size of its pictures in words, "" where it is not known."""
        return size_words(self.height, self.width_px) if self.height else ""

    @property
    def facts(self) -> str:
        """Family, size and space, as far as they are known."""
        parts = self.family, self.px, self.space, weight(self.size)
        return ", ".join(part for part in parts if part)


def weight(size: int) -> str:
    """Bytes as people say them; "" for none."""
    for unit, word in UNITS:
        if size >= unit:
            return f"{size / unit:.0f} {word}" if size >= 10 * unit else f"{size / unit:.1f} {word}"
    return f"{size} B" if size else ""


def state(recent: tuple[str, ...], zoo: str) -> tuple[object, ...]:
    """What changes when `look` would find something else."""
    found: list[object] = [recent, zoo]
    for place in (str(home.models_dir()), *recent, *([zoo] if zoo else [])):
        with suppress(RuntimeError):  # a user nobody knows
            found.append((place, stamp_of(Path(place).expanduser())))
    return tuple(found)


def look(recent: tuple[str, ...], zoo: str) -> list[ModelEntry]:
    """All of them. `zoo`: the user's own zoo.toml, "" = latty's."""
    files = MODELS.files()
    here = [_of_file(name, name, files[name], "here") if name in files
            else ModelEntry(name, name, "here", name, what="draws at any size, from a recipe")
            for name in MODELS.names()]  # fmt: skip
    paths = [_of_file(ref, path.stem, path, "path") for ref in recent
             if (path := Path(ref)).is_file()]  # fmt: skip
    return [*here, *paths, *_zoo(zoo, {one.name for one in here})]


def _of_file(ref: str, name: str, path: Path, kind: Kind) -> ModelEntry:
    meta: Mapping[str, str] = {}
    with suppress(LattyError):  # another kind of checkpoint: it says what it is when it is opened
        meta = read_header(path).meta if path.is_file() else {}
    size, (height, width) = 0, said_size(meta) or (0, 0)
    with suppress(OSError):
        size = path.stat().st_size
    what = ref if kind == "path" else meta.get("title", "")
    family, space = meta.get("family", ""), meta.get("space", "")
    return ModelEntry(ref, name, kind, family, height, width, space, size, what)


def _zoo(own: str, here: set[str]) -> list[ModelEntry]:
    from latty.models import zoo

    try:
        entries = zoo.read(Path(own).expanduser() if own else None)
    except (LattyError, RuntimeError) as error:
        return [ModelEntry("", "the zoo cannot be read", "wrong", what=str(error))]
    return [ModelEntry(entry.name, entry.name, "zoo", entry.family, entry.resolution,
                  entry.resolution,
                  size=entry.size or 0, what=entry.what(), by_hand=entry.by_hand)
            for entry in entries.values() if entry.name not in here]  # fmt: skip


def rows(known: list[ModelEntry], words: str, open_zoo: bool) -> list[ModelEntry | None]:
    """The list under a filter; None is the head of the zoo, which is folded at first."""
    parts = words.lower().split()
    seen = [one for one in known
            if all(part in f"{one.name} {one.facts} {one.what} {one.kind}".lower()
                   for part in parts)]  # fmt: skip
    here = [one for one in seen if one.kind in ("here", "path")]
    there = [one for one in seen if one.kind not in ("here", "path")]
    head: list[ModelEntry | None] = [None] if there else []
    return [*here, *head, *(there if open_zoo or parts else [])]
