"""The curves of what a traversal keeps: nothing is drawn, and its model is seldom opened."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from latty.attributes import parse_attributes
from latty.models.base import Generator
from latty.rank.traversal.header import TraversalHeader
from latty.rank.traversal.keeping import score
from latty.rank.traversal.kept_model import KeptFactors, KeptModel
from latty.rank.walk_curves import Curves, curves_of
from latty.report import Report


def model_of(header: TraversalHeader, device: str, model: str | None) -> Generator:
    """What scores are asked of; a `model` that is named is opened at once. Raises Missing, BadData,
    DeviceError."""
    found = (KeptFactors if header.factors else KeptModel)(header, device, model)
    if header.factors and model is not None:
        found.opened()
    return cast(Generator, found)


def kept_curves(
    folder: Path, header: TraversalHeader, scorers: str, generator: Generator, report: Report
) -> Curves:
    """The curves of attributes such as "smile,geometry". Raises Missing, UsageError, BadData,
    OutputError."""
    wanted = parse_attributes(scorers, generator)
    found = score(wanted, folder, header, generator, report)
    assert found is not None  # some are wanted
    made = curves_of(
        [one.name for one in header.directions],
        [one.name for one in wanted],
        header.starts,
        [one.strengths for one in header.directions],
        found,
    )
    random = tuple(one.strengths for one in header.baseline)
    return replace(made, random_strengths=random, units=tuple(u.unit for u in header.directions))
