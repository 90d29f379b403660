"""Attributes: one file per scorer, and the user's own. What a picture is like, in numbers."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty import home
from latty.attributes.card import read_card, weights_digest
from latty.attributes.names import (
    attribute,
    card_file,
    exact,
    names_of,
    parse_attributes,
    units_of,
)
from latty.attributes.registries import SCORERS
from latty.checkpoints.checkpoint import digest
from latty.errors import LattyError
from latty.files import stamp_of

if TYPE_CHECKING:  # torch takes seconds to import: names must not wait for it
    from torch import Tensor

    from latty.attributes.base import Scorer
    from latty.models.base import Generator, Labels

__all__ = [
    "attribute",
    "digest_of",
    "names_of",
    "open_scorer",
    "parse_attributes",
    "scores_of",
    "units_of",
]


def open_scorer(ref: str) -> "Scorer":
    """The scorer of that name (registry, then the user's), or of a TOML's path.

    Raises Missing, with the nearest name, and BadData where its files cannot be used.
    """
    if (path := card_file(ref)) is None:
        return _entry(ref)
    while True:
        before = stamp_of(path)
        try:
            files = (path, path.parent / read_card(path).weights)
            return _opened(path, tuple(map(stamp_of, files)))
        except LattyError:
            if stamp_of(path) == before:  # else it was replaced, with its weights, meanwhile
                raise


def digest_of(ref: str) -> str:
    """`Scorer.digest` of that scorer: of cards, and of our own entries that say it, without torch.
    Entries of other packages are always asked: a literal that was forgotten in a new version of one
    would make kept scores those of the old. Raises Missing, BadData."""
    if (path := card_file(ref)) is not None:
        return weights_digest(path)
    if not SCORERS.owner(ref):
        if (said := SCORERS.constant(ref, "DIGEST")) is not None:
            return str(said)
        weights = home.shipped_dir() / "scorers" / SCORERS.constant(ref, "WEIGHTS", "")
        if weights.is_file():
            return digest(weights)
    return _entry(ref).digest


@lru_cache(maxsize=8)
def _entry(name: str) -> "Scorer":
    return SCORERS.load(name)()


@lru_cache(maxsize=4)
def _opened(path: Path, state: object) -> "Scorer":
    """Read once per content: `state` is part of the key only."""
    from latty.attributes.classifier import open_card

    return open_card(path)


def scores_of(
    generator: "Generator", codes: "Tensor", scorer: str, label: "Labels" = None
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (N, A) of codes (N, L, D): exact where the generator knows them
    (procedural models), else of its pictures. Raises what `open_scorer` does."""
    if (known := exact(scorer, generator)) is not None:
        return tuple(known.factor_names()), known.factors(codes)
    judge = open_scorer(scorer)
    return judge.names, judge.score(generator.synthesis(codes, label))
