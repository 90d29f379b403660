"""What the files of directions say of them: usable range, unit, layers; read once, in a thread."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from latty.directions.file import LINEAR, DirectionSet
from latty.errors import LattyError, Missing, did_you_mean
from latty.scene import ALL, MIXING, Edit, Layers
from latty.text import spoken


@dataclass(frozen=True, slots=True)
class DirectionFacts:
    """One direction, in the words of its file's header, its name as people read it. `wrong` says
    why there are none."""

    name: str
    usable: tuple[float, float] = (-3.0, 3.0)
    layers: Layers = ALL
    unit: str = ""
    space: str = ""
    vector: bool = True
    wrong: str = ""

    @property
    def placed(self) -> bool:
        """Whether an edit can go to a place along it, not only by a way."""
        return self.vector or bool(self.unit)


def guessed(ref: str) -> DirectionFacts:
    """What a reference says by itself."""
    if ref.startswith(MIXING):
        return DirectionFacts(f"seed {ref.removeprefix(MIXING)}", (0.0, 1.0), vector=False)
    return DirectionFacts(spoken(ref.rpartition("#" if "#" in ref else "/")[2] or ref))


def read(ref: str) -> DirectionFacts:
    """What the file says; blocking, a millisecond or so."""
    return read_all([ref])[ref]


def read_all(refs: Iterable[str]) -> dict[str, DirectionFacts]:
    """The same for many; the header of a set is read once."""
    from latty.directions.store import set_info, split

    look = cache(set_info)
    found = {}
    for ref in refs:
        plain = guessed(ref)
        try:
            if not ref.startswith(MIXING):
                source, name = split(ref)
                plain = _known(look(source), source, name)
        except (LattyError, OSError) as error:
            plain = replace(plain, wrong=str(error))
        found[ref] = plain
    return found


def _known(header: DirectionSet, source: str, name: str) -> DirectionFacts:
    """A direction of a set. Raises Missing."""
    if name in header.names:
        index = header.names.index(name)
    elif name.isdecimal() and int(name) < len(header.infos):
        index = int(name)
    else:
        raise Missing(f"no direction '{name}' in {source}", did_you_mean(name, header.names))
    info = header.infos[index]
    vector = header.form == LINEAR
    return DirectionFacts(
        spoken(info.name), info.usable, info.layers, info.unit, header.space, vector
    )


class FactBook:
    """What is known so far. `look_up` reads the rest in a thread."""

    def __init__(self) -> None:
        self._known: dict[str, DirectionFacts] = {}

    def __getitem__(self, ref: str) -> DirectionFacts:
        return self._known.get(ref) or guessed(ref)

    def lacks(self, refs: Iterable[str]) -> set[str]:
        """Those that were not read yet, or could not be."""
        return {ref for ref in refs if ref not in self._known or self._known[ref].wrong}

    async def look_up(self, refs: Iterable[str]) -> bool:
        """Read what their files say; whether that is anything new."""
        wanted = tuple(refs)
        found = await asyncio.to_thread(read_all, wanted)
        new = any(self._known.get(ref) != known for ref, known in found.items())
        self._known.update(found)
        return new


def strength_words(edit: Edit) -> str:
    """A strength as people read it: "+1.5σ", "+0.2" of an own unit, "70%" of the way to a seed."""
    if edit.direction.startswith(MIXING):
        return f"{edit.strength * 100:.4g}%"
    unit = "σ" if edit.unit == "sigma" else ""
    if not edit.strength:
        return f"0{unit}"
    digits = 1 if abs(edit.strength * 10 - round(edit.strength * 10)) < 1e-6 else 2
    if abs(edit.strength) >= 10:
        digits = 1 if abs(edit.strength) < 99.95 else 0
    return f"{edit.strength:+.{digits}f}{unit}"
