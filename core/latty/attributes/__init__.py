"""Attributes: one file per scorer, and the user's own. What a picture is like, in numbers."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty.attributes import names as attributes_names
from latty.attributes.names import Attribute as Attribute
from latty.attributes.names import attribute as attribute
from latty.attributes.names import attributes as attributes
from latty.attributes.names import parse_attributes as parse_attributes
from latty.report import Report, silent

if TYPE_CHECKING:  # torch takes seconds to import: names must not wait for it
    from torch import Tensor

    from latty.attributes.base import Scorer
    from latty.models.base import Generator, Labels


def open_scorer(ref: str) -> "Scorer":
    """The scorer of that name (registry, then the user's), or of a TOML's path.

    Raises Missing, with the nearest name, and BadData where its files cannot be used.
    """
    path = attributes_names.card_file(ref)
    if path is None:
        return _entry(ref)
    return _opened(path, attributes_names.state(path))


@lru_cache(maxsize=8)
def _entry(name: str) -> "Scorer":
    scorer: Scorer = attributes_names.SCORERS.load(name)()
    return scorer


@lru_cache(maxsize=4)
def _opened(path: Path, state: object) -> "Scorer":
    """Read once per content: `state` is part of the key only."""
    from latty.attributes.classifier import open_card

    return open_card(path)


def attribute_names(generator: "Generator", scorer: str) -> tuple[str, ...]:
    """The attributes that `scores_of` gives for this generator."""
    return attributes_names.names_of(scorer, generator)


def scores_of(
    generator: "Generator", codes: "Tensor", label: "Labels" = None, scorer: str = "factors"
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (N, A) of codes (N, L, D).

    "factors" gives the exact ones where the generator knows them (procedural models); every other
    scorer looks at the pictures.
    """
    from latty.models.base import HasFactors

    if scorer == attributes_names.FACTORS and isinstance(generator, HasFactors):
        return tuple(generator.factor_names()), generator.factors(codes)
    judge = open_scorer(scorer)
    return judge.names, judge.score(generator.synthesis(codes, label))


def sampled_scores(
    generator: "Generator",
    seeds: range,
    scorer: str = attributes_names.FACTORS,
    label: int | None = None,
    batch: int = 100,
    report: Report = silent,
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (n, A) float32 on the CPU of one picture per seed, NaN = none.

    They are computed once and kept; a killed run goes on where it stopped (see `_sampled`).
    """
    from latty.attributes import sampled

    return sampled.sampled_scores(generator, seeds, scorer, label, batch, report)
