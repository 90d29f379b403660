"""Which scorers and attributes there are, by name, without importing torch or opening a network.

An attribute is "smile", looked up in `factors` first, then in the other scorers of the registry,
then in the user's; or "SCORER/NAME", where SCORER may be the path of a TOML, too.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latty import home
from latty.errors import LattyError, Missing, UsageError, did_you_mean
from latty.plugins import Registry

if TYPE_CHECKING:
    from latty.models.base import Generator

SCORERS = Registry["type[Scorer]"](
    "latty.attributes.scorers", "SCORER", needs=("names", "units", "digest", "score")
)
FACTORS = "factors"  # exact where a generator knows them; the first to be asked for bare names
SUFFIX = ".toml"


class Attribute(NamedTuple):
    """One column of a scorer's scores. `name` is what to call it among others."""

    scorer: str
    column: int
    name: str


# --- scorers --------------------------------------------------------------------------------------


def card_files() -> dict[str, Path]:
    """Name -> TOML of every scorer in the user's store that has no name of the registry."""
    found = sorted(home.scorers_dir().glob(f"*{SUFFIX}"))
    return {path.stem: path for path in found if path.stem not in SCORERS}


def scorer_names() -> list[str]:
    """Every name `open_scorer` takes: `factors`, the rest of the registry, the user's."""
    rest = [name for name in SCORERS.names() if name != FACTORS]
    return [FACTORS, *rest, *card_files()]


def card_file(ref: str) -> Path | None:
    """The TOML of a name or path; None for a scorer of the registry. Raises Missing."""
    if ref in SCORERS:
        return None
    if ref in card_files():
        return card_files()[ref]
    if ref.endswith(SUFFIX):
        path = Path(ref).expanduser()
        if not path.is_file():
            raise Missing(f"there is no file {ref}", "check the path")
        return path
    raise Missing(f"no scorer '{ref}'", did_you_mean(ref, scorer_names()))


def state(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Changes whenever a TOML or its weights change, as far as the file system can tell."""
    from latty.attributes import card

    files = [path, path.parent / card.read(path).weights]
    facts = [file.stat() for file in files if file.is_file()]
    return tuple((fact.st_mtime_ns, fact.st_size, fact.st_ino) for fact in facts)


def names_of(scorer: str, generator: "Generator | None" = None) -> tuple[str, ...]:
    """The attributes of one scorer: the generator's own factors where it knows them.

    Raises Missing, BadData.
    """
    if scorer == FACTORS and generator is not None:
        from latty.models.base import HasFactors

        if isinstance(generator, HasFactors):
            return tuple(generator.factor_names())
    path = card_file(scorer)
    if path is not None:
        from latty.attributes import card

        return card.read(path).names
    return _written(scorer)


@lru_cache(maxsize=32)
def _written(entry: str) -> tuple[str, ...]:
    """ATTRIBUTES as an entry's source spells them; entries of other packages are opened."""
    written = SCORERS.constant(entry, "ATTRIBUTES")
    if written is not None:
        return tuple(written)
    from latty.attributes import open_scorer

    return open_scorer(entry).names


# --- attributes -----------------------------------------------------------------------------------


def attributes(generator: "Generator | None" = None) -> tuple[Attribute, ...]:
    """Every attribute there is, in the order in which bare names are looked up."""
    return tuple(_all(generator))


def _all(generator: "Generator | None") -> Iterator[Attribute]:
    for scorer in scorer_names():
        try:
            names = names_of(scorer, generator)
        except LattyError:  # a TOML that cannot be read says so when it is asked for by name
            continue
        for index, name in enumerate(names):
            yield Attribute(scorer, index, name)


def attribute(ref: str, generator: "Generator | None" = None) -> tuple[str, int]:
    """The scorer and column of "NAME" or "SCORER/NAME". Raises Missing with the nearest name."""
    found = _found(ref.strip(), generator)
    return found.scorer, found.column


def _found(ref: str, generator: "Generator | None") -> Attribute:
    scorer, slash, name = ref.rpartition("/")
    if slash and scorer and not ref.endswith(SUFFIX):
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
    found: list[Attribute] = []
    for word in (part.strip() for part in text.split(",")):
        if word:
            found += (known for known in _meant(word, generator) if known not in found)
    if not found:
        raise UsageError("no attribute is named", "for example: smile,geometry/area")
    names = [known.name for known in found]
    return [
        known
        if names.count(known.name) == 1
        else known._replace(name=f"{known.scorer}/{known.name}")
        for known in found
    ]


def _meant(word: str, generator: "Generator | None") -> list[Attribute]:
    scorer = word.removesuffix("/*")
    whole = word != scorer or word.endswith(SUFFIX)
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
