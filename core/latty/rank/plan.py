"""What is walked: which directions, from which seeds or stored latents, how far; its scenes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from latty.attributes.names import exact, parse_attributes
from latty.directions.base import Info, layers_of
from latty.directions.opening import find
from latty.directions.store import reference, set_info
from latty.errors import BadData, Missing, did_you_mean
from latty.latents import look, made_for_another
from latty.models import open_model
from latty.models.base import Generator, ModelInfo
from latty.presets.tracks import Track
from latty.rank.baseline import random_set, usual
from latty.report import Report, silent
from latty.scene import FP32, Edit, Label, Layers, Scene

Wanted = Sequence[tuple[str, int, str]]  # (scorer, index in it, name)
Start = int | str  # a seed, or the reference of a stored latent
STILL = 50_000  # first of the seeds without edits


@dataclass(frozen=True, slots=True)
class RankPlan:
    """What is walked, and how.

    ref     a direction set: its name or file; names of it, () = all
    wanted  the attributes: (scorer, index in it, name)
    span    strengths -span..span; None = each direction's usable range
    leap    of these strengths every so many-th, counted from the middle
    layers  None = where each direction works best
    label   the class that is drawn
    batch   pictures that are drawn at once; 0 = as many as suit the model
    samples seeds beside the walks, that show the range and spread of each attribute
    latents stored latents where the walks start, in the place of seeds
    random  the file of random directions that are walked beside; "" = none
    precision  in which the model draws
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
    batch: int = 0
    samples: int = 200
    foreign: bool = False
    label: Label = None
    leap: int = 1
    latents: tuple[str, ...] = ()
    random: str = ""
    precision: str = FP32

    @property
    def starts(self) -> tuple[Start, ...]:
        """Where each walk of a direction starts."""
        return self.latents or self.seeds

    @property
    def said(self) -> dict[str, Any]:
        """What it says, for a name of what is made of it; ModelInfo.numbers says the
        precision, and the content of the random directions comes of all the rest."""
        return {key: value for key, value in asdict(self).items()
                if key != "precision"} | {"random": ""}  # fmt: skip

    def chosen(self) -> list[Info]:
        """The directions, in file order. Raises Missing, BadData."""
        infos = set_info(self.ref).infos
        known = [info.name for info in infos]
        if unknown := sorted(set(self.names) - set(known)):
            hint = did_you_mean(unknown[0], known) or "see: latty list directions"
            raise Missing(f"no direction '{unknown[0]}' in {self.ref}", hint)
        return [info for info in infos if not self.names or info.name in self.names]

    def baseline(self) -> list[Info]:
        """The random directions that are walked beside them."""
        return [*set_info(self.random).infos] if self.random else []

    def moves(self) -> list[tuple[str, Info]]:
        """What is walked, each with the reference of its direction: the set's, then the random."""
        own = [(reference(self.ref, info.name), info) for info in self.chosen()]
        return own + [(reference(self.random, info.name), info) for info in self.baseline()]

    def strengths(self, info: Info) -> tuple[float, ...]:
        """The strengths of a direction at which pictures are drawn, rising."""
        low, high = info.usable if self.span is None else (-self.span, self.span)
        track = Track(((0.0, low), (1.0, high)))
        return tuple(track.at(i / (self.steps - 1)) for i in self.kept)

    @property
    def kept(self) -> range:
        """Which of the steps are kept: the middle one and every `leap`-th from there."""
        return range((self.steps // 2) % self.leap, self.steps, self.leap)

    def base(self, start: Start) -> Scene:
        """The scene without edits where a walk starts."""
        base = Scene(self.model, truncation=self.truncation, label=self.label,
                     precision=self.precision)  # fmt: skip
        if isinstance(start, int):
            return replace(base, seed=start)
        return replace(base, latent=start)

    def still(self) -> list[Scene]:
        """Scenes without edits, of samples."""
        return [self.base(seed) for seed in range(STILL, STILL + self.samples)]

    def scenes(self, ref: str, info: Info, start: Start) -> list[Scene]:
        """The scenes of one walk, a strength each."""
        edit = Edit(ref, 0.0, self.layers)
        return [
            replace(self.base(start), edits=(replace(edit, strength=strength),))
            for strength in self.strengths(info)
        ]


def _label(plan: RankPlan, usual: Label, info: ModelInfo) -> Label:
    """The class that is drawn: the one that is said, that of the stored latents, the set's `usual`.
    Raises BadData where latents are of another model, and where they have another class."""
    own, title = None, ""
    if plan.latents:  # all of one file
        if not plan.foreign and (other := made_for_another(plan.latents[0], info)):
            raise BadData(other, "take latents of this model; --foreign takes what fits")
        found = look(plan.latents[0])
        found.space_in(info)
        own, title = found.label, found.title
    if not info.num_classes:
        return plan.label
    if plan.label is None:
        return usual if own is None else own
    if own is not None and own != plan.label:
        what = f"--label {plan.label}: the latents of {title} are of class {own}"
        raise BadData(what, "leave --label out")
    return plan.label


def planned(
    ref: str,
    model: str | None,
    scorers: str = "",
    device: str = "auto",
    baseline: int | None = 0,
    pictures: bool = True,
    report: Report = silent,
    **rest: Any,
) -> "tuple[RankPlan, Generator]":
    """The plan for a set and attributes such as "smile,geometry", and the model; None = the one
    that the set was made for. The class is that of the stored latents, else the set's own, where
    `rest` names none. `baseline` random directions (None: as many as suit) in the same space and
    layers, at the same strengths, are walked beside; more of them suit where no `pictures` are
    wanted, and the model knows all that is asked of its codes. `report` hears what is waited for.

    Raises Missing, BadData, DeviceError.
    """
    header = set_info(ref)
    name = model or header.model
    report(0, 0, f"opening {name}")
    generator = open_model(name, device, rest.pop("precision", FP32))
    wanted = tuple(parse_attributes(scorers, generator)) if scorers else ()
    plan = RankPlan(ref, name, wanted, **{"seeds": (), **rest}, precision=generator.info.precision)
    plan = replace(plan, label=_label(plan, header.label, generator.info))
    if plan.layers is not None:
        layers_of(str(plan.layers), generator.info)
    if len(plan.kept) < 3:
        what = f"{plan.steps} steps with a leap of {plan.leap} leave {len(plan.kept)} strengths"
        raise BadData(what, "three are the least: more --steps, or a smaller --leap")
    for info in plan.chosen():  # what does not fit is told before anything is drawn
        find(reference(ref, info.name), generator, plan.foreign)
    if baseline is None:
        drawn = pictures or any(exact(scorer, generator) is None for scorer, _, _ in wanted)
        baseline = usual(len(plan.chosen()), 0 if drawn else len(plan.starts) * len(plan.kept))
    return with_baseline(plan, generator, baseline, report), generator


def with_baseline(
    plan: RankPlan, generator: Generator, count: int, report: Report = silent
) -> RankPlan:
    """The plan with so many random directions beside its own, each with the layers and the range of
    one of these. Raises OutputError, ConfigError."""
    if not count:
        return plan
    space = set_info(plan.ref).space
    made = random_set(generator, space, plan.chosen(), count, plan.label, report)
    return replace(plan, random=str(made))
