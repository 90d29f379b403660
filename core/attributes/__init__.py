"""Attributes: one file per scorer, and the user's own. What a picture is like, in numbers."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core import plugins
from core.attributes import _names
from core.attributes._names import Attribute as Attribute
from core.attributes._names import attribute as attribute
from core.attributes._names import attributes as attributes
from core.attributes._names import parse_attributes as parse_attributes
from core.report import Report, silent

if TYPE_CHECKING:  # torch takes seconds to import: names must not wait for it
    from torch import Tensor

    from core.attributes._base import Scorer
    from core.models._base import Generator, Labels


def open_scorer(ref: str) -> "Scorer":
    """The scorer of that name (registry, then the user's), or of a TOML's path.

    Raises Missing, with the nearest name, and BadData where its files cannot be used.
    """
    path = _names.card_file(ref)
    if path is None:
        return _entry(ref)
    return _opened(path, _names.state(path))


@lru_cache(maxsize=8)
def _entry(name: str) -> "Scorer":
    scorer: Scorer = plugins.load(__name__, name, "SCORER")()
    return scorer


@lru_cache(maxsize=4)
def _opened(path: Path, state: object) -> "Scorer":
    """Read once per content: `state` is part of the key only."""
    from core.attributes._classifier import open_card

    return open_card(path)


def attribute_names(generator: "Generator", scorer: str) -> tuple[str, ...]:
    """The attributes that `scores_of` gives for this generator."""
    return _names.names_of(scorer, generator)


def scores_of(
    generator: "Generator", codes: "Tensor", label: "Labels" = None, scorer: str = "factors"
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (N, A) of codes (N, L, D).

    "factors" gives the exact ones where the generator knows them (procedural models); every other
    scorer looks at the pictures.
    """
    from core.models._base import HasFactors

    if scorer == _names.FACTORS and isinstance(generator, HasFactors):
        return tuple(generator.factor_names()), generator.factors(codes)
    judge = open_scorer(scorer)
    return judge.names, judge.score(generator.synthesis(codes, label))


def sampled_scores(
    generator: "Generator",
    seeds: range,
    scorer: str = _names.FACTORS,
    label: int | None = None,
    batch: int = 100,
    report: Report = silent,
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (n, A) float32 on the CPU of one picture per seed, NaN = none.

    They are computed once and kept; a killed run goes on where it stopped (see `_sampled`).
    """
    from core.attributes import _sampled

    return _sampled.sampled_scores(generator, seeds, scorer, label, batch, report)
