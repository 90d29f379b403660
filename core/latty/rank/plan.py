"""What a ranking walks: which directions, from which seeds, how far; and the scenes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from latty.attributes import parse_attributes
from latty.directions.base import Info
from latty.directions.opening import find
from latty.directions.store import reference, set_info
from latty.errors import Missing
from latty.models import open_model
from latty.models.base import Generator
from latty.scene import Edit, Label, Layers, Scene

Wanted = Sequence[tuple[str, int, str]]  # (scorer, index in it, name)
STILL = 50_000  # first of the seeds without edits


@dataclass(frozen=True, slots=True)
class RankPlan:
    """What is walked, and how.

    ref     a direction set: its name or file; names of it, () = all
    wanted  the attributes: (scorer, index in it, name)
    span    strengths -span..span; None = each direction's usable range
    layers  None = where each direction works best
    label   the class that is drawn
    samples seeds beside the walks, that show the range and spread of each attribute
    """

    ref: str
    model: str
    wanted: tuple[tuple[str, int, str], ...]
    seeds: tuple[int, ...]
    names: tuple[str, ...] = ()
    span: float | None = None
    steps: int = 7
    truncation: float = 1.0
    layers: Layers | None = None
    batch: int = 50
    samples: int = 200
    foreign: bool = False
    label: Label = None

    def chosen(self) -> list[Info]:
        """The directions, in file order. Raises Missing, BadData."""
        infos = set_info(self.ref).infos
        if unknown := sorted(set(self.names) - {info.name for info in infos}):
            raise Missing(
                f"no direction '{unknown[0]}' in {self.ref}", "see: latty list directions"
            )
        return [info for info in infos if not self.names or info.name in self.names]

    def strengths(self, info: Info) -> tuple[float, ...]:
        low, high = info.usable if self.span is None else (-self.span, self.span)
        return tuple(torch.linspace(low, high, self.steps).tolist())

    def still(self) -> list[Scene]:
        """Scenes without edits."""
        base = Scene(self.model, truncation=self.truncation, label=self.label)
        return [replace(base, seed=seed) for seed in range(STILL, STILL + self.samples)]

    def walk(self, info: Info) -> list[Scene]:
        """Seed by seed, the scenes of every strength."""
        base = Scene(self.model, truncation=self.truncation, label=self.label)
        edit = Edit(reference(self.ref, info.name), 0.0, self.layers)
        return [
            replace(base, seed=seed, edits=(replace(edit, strength=strength),))
            for seed in self.seeds
            for strength in self.strengths(info)
        ]

    def walks(self) -> list[tuple[str, list[Scene]]]:
        """The scenes without edits, under "", and those of each direction, under its name."""
        return [("", self.still()), *((info.name, self.walk(info)) for info in self.chosen())]


def planned(
    ref: str, model: str | None, scorers: str, device: str = "auto", **rest: Any
) -> "tuple[RankPlan, Generator]":
    """The plan for a set and attributes such as "smile,geometry", and the model; None = the one
    that the set was made for. The class is the set's own where `rest` names none. Raises Missing,
    BadData, DeviceError."""
    header = set_info(ref)
    name = model or header.model
    generator = open_model(name, device)
    wanted = tuple(parse_attributes(scorers, generator))
    if rest.get("label") is None and generator.info.num_classes:
        rest["label"] = header.label
    plan = RankPlan(ref, name, wanted, **rest)
    for info in plan.chosen():  # what does not fit is told before anything is drawn
        find(reference(ref, info.name), generator, plan.foreign)
    return plan, generator
