"""Attributes: one file per scorer. What a picture is like, in numbers."""

from functools import lru_cache
from typing import TYPE_CHECKING

from core import plugins

if TYPE_CHECKING:  # torch takes seconds to import: names must not wait for it
    from torch import Tensor

    from core.attributes._base import Scorer
    from core.models._base import Generator, Labels


@lru_cache(maxsize=4)
def open_scorer(name: str) -> "Scorer":
    """The scorer of that name, ready to score. Raises Missing, BadData."""
    scorer: Scorer = plugins.load(__name__, name, "SCORER")()
    return scorer


def attribute_names(generator: "Generator", scorer: str) -> tuple[str, ...]:
    """The attributes that `scores_of` gives for this generator."""
    from core.models._base import HasFactors

    if isinstance(generator, HasFactors):
        return tuple(generator.factor_names())
    return open_scorer(scorer).names


def scores_of(
    generator: "Generator", codes: "Tensor", label: "Labels" = None, scorer: str = "factors"
) -> "tuple[tuple[str, ...], Tensor]":
    """Attribute names and scores (N, A) of codes (N, L, D).

    Exact factors where the generator knows them (procedural models), else `scorer` looks at the
    pictures.
    """
    from core.models._base import HasFactors

    if isinstance(generator, HasFactors):
        return tuple(generator.factor_names()), generator.factors(codes)
    judge = open_scorer(scorer)
    return judge.names, judge.score(generator.synthesis(codes, label))
