"""Which scorers and attributes there are, by name, without importing torch or opening a network.

An attribute is "smile", looked up in the scorer of exact factors first, then in the rest of the
registry, then in the user's; or "SCORER/NAME", where SCORER may be the path of a TOML, too.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latty.attributes.card import read_card
from latty.attributes.registries import SCORERS
from latty.attributes.store import CARDS
from latty.errors import LattyError, Missing, UsageError, did_you_mean

if TYPE_CHECKING:
    from latty.models.base import Generator, HasFactors


class Attribute(NamedTuple):
    """One column of a scorer's scores. `name` is what to call it among others."""

    scorer: str
    column: int
    name: str


# --- scorers --------------------------------------------------------------------------------------


def scorer_names() -> list[str]:
    """Every name `open_scorer` takes: exact factors, the rest of the registry, the user's."""
    entries = sorted(SCORERS.names(), key=lambda name: not SCORERS.constant(name, "EXACT"))
    return [*entries, *CARDS.files()]


def card_file(ref: str) -> Path | None:
    """The TOML of a name or path; None for a scorer of the registry. Raises Missing."""
    return None if ref in SCORERS else CARDS.find(ref)


def exact(scorer: str, generator: "Generator | None") -> "HasFactors | None":
    """The generator, where it knows for certain what that scorer reads off its pictures."""
    if generator is None or not SCORERS.constant(scorer, "EXACT"):
        return None
    from latty.models.base import HasFactors

    return generator if isinstance(generator, HasFactors) else None


def names_of(scorer: str, generator: "Generator | None" = None) -> tuple[str, ...]:
    """The attributes of one scorer: the generator's own factors where it knows them.

    Raises Missing, BadData.
    """
    if (known := exact(scorer, generator)) is not None:
        return tuple(known.factor_names())
    path = card_file(scorer)
    return _written(scorer, "ATTRIBUTES") if path is None else read_card(path).names


def units_of(scorer: str, generator: "Generator | None" = None) -> tuple[str, ...]:
    """What each attribute of one scorer counts, as `Scorer.units` says it; of a generator that
    knows its own factors, what it says of them. Raises Missing, BadData."""
    if (known := exact(scorer, generator)) is not None:
        units = getattr(known, "factor_units", None)
        return tuple(units()) if units else ("",) * len(known.factor_names())
    path = card_file(scorer)
    return _written(scorer, "UNITS") if path is None else read_card(path).units


@lru_cache(maxsize=32)
def _written(entry: str, word: str) -> tuple[str, ...]:
    """ATTRIBUTES or UNITS as an entry's source spells them; entries of other packages that do not
    are opened, and have none where they cannot be used."""
    if (written := SCORERS.constant(entry, word)) is not None:
        return tuple(written)
    try:
        opened = SCORERS.load(entry)()
    except Missing:
        return ()
    return opened.names if word == "ATTRIBUTES" else opened.units


# --- attributes -----------------------------------------------------------------------------------


def _all(generator: "Generator | None") -> Iterator[Attribute]:
    """Every attribute there is, in the order in which bare names are looked up."""
    for scorer in scorer_names():
        try:
            names = names_of(scorer, generator)
        except LattyError:  # a TOML that cannot be read says so when it is asked for by name
            continue
        for index, name in enumerate(names):
            yield Attribute(scorer, index, name)


def attribute(ref: str, generator: "Generator | None" = None) -> tuple[str, int]:
    """The scorer and column of "NAME" or "SCORER/NAME". Raises Missing with the nearest name."""
    return _found(ref.strip(), generator)[:2]


def _found(ref: str, generator: "Generator | None") -> Attribute:
    scorer, slash, name = ref.rpartition("/")
    if slash and scorer and not ref.endswith(CARDS.suffix):
        names = names_of(scorer, generator)
        if name not in names:
            raise Missing(f"scorer {scorer} has no attribute '{name}'", did_you_mean(name, names))
        return Attribute(scorer, names.index(name), name)
    for known in _all(generator):
        if known.name == ref:
            return known
    every = {known.name for known in _all(generator)}
    raise Missing(f"no attribute '{ref}'", did_you_mean(ref, every))


def parse_attributes(text: str, generator: "Generator | None" = None) -> list[Attribute]:
    """The attributes of a list with commas: "smile,geometry,celeba/smiling".

    A word that is no attribute but a scorer, or "SCORER/*", stands for all of its attributes. Names
    that two scorers of the list share are spelt "SCORER/NAME". Raises Missing, UsageError.
    """
    found: dict[Attribute, None] = {}
    for word in (part.strip() for part in text.split(",")):
        if word:
            found |= dict.fromkeys(_meant(word, generator))
    if not found:
        raise UsageError("no attribute is named", "for example: smile,geometry/area")
    times = Counter(known.name for known in found)
    return [
        known if times[known.name] == 1 else known._replace(name=f"{known.scorer}/{known.name}")
        for known in found
    ]


def _meant(word: str, generator: "Generator | None") -> list[Attribute]:
    scorer = word.removesuffix("/*")
    whole = word != scorer or word.endswith(CARDS.suffix)
    if not whole and word in scorer_names():
        whole = word not in {known.name for known in _all(generator)}
    if whole:
        names = names_of(scorer, generator)
        return [Attribute(scorer, index, name) for index, name in enumerate(names)]
    try:
        return [_found(word, generator)]
    except Missing as error:
        if "/" in word:
            raise
        every = {*(known.name for known in _all(generator)), *scorer_names()}
        raise Missing(error.message, did_you_mean(word, every)) from None
