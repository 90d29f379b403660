"""The curves of what a traversal keeps: nothing is drawn, and its model is seldom opened."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch

from latty.attributes import parse_attributes
from latty.errors import BadData
from latty.models import open_model
from latty.models.base import Generator
from latty.models.device import pick_device
from latty.rank.measuring import Curves, curves_of
from latty.rank.traversal.header import TraversalHeader
from latty.rank.traversal.keeping import score
from latty.report import Report


@dataclass(frozen=True, slots=True)
class KeptModel:
    """What scoring pictures asks of a model that says nothing of them itself: where networks
    run."""

    device: torch.device


def model_of(header: TraversalHeader, device: str, model: str | None) -> Generator:
    """What to score with: the model itself where it knows factors of its codes. Raises Missing,
    BadData, DeviceError."""
    if header.factors:
        generator = open_model(model or header.model, device)
        if generator.info.digest != header.model_digest:
            what = f"{model or header.model} is not the model that was walked: another digest"
            raise BadData(what, "--model names the file of that one")
        return generator
    return cast(Generator, KeptModel(pick_device(device)))


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
