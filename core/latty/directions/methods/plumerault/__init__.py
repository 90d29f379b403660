"""Directions that move, scale or brighten the picture by a known amount (Plumerault et al. 2020).

arXiv:2001.10238. Gradient descent finds latents whose pictures follow a transform of the first one;
a direction u and a rising curve g are fitted to them with g(<u, after>) - g(<u, before>) = amount;
walks along u then calibrate g, which is kept: a strength can be asked in image widths, as a scale
factor or as brightness. A transform is one file of the folder `transforms`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from latty.directions.base import Info, layers_of
from latty.directions.file import NORMALS
from latty.directions.methods.plumerault import trajectories as following
from latty.directions.methods.plumerault.calibrated import (
    FACTOR,
    KNOTS,
    ROWS,
    VALUES,
    CalibratedDirection,
    direction,
    turned,
)
from latty.directions.methods.plumerault.measuring import Measuring
from latty.directions.methods.plumerault.monotone import Curve, joint
from latty.directions.methods.plumerault.pictures import KeepsPictures
from latty.directions.registries import TRANSFORMS
from latty.directions.whitened import PILOT, Whitened, whitened
from latty.errors import BadData, Interrupted
from latty.models.base import AnySize, Generator, Label
from latty.report import Report, silent

FINDS = "moving, scaling and brightening, by a known amount"
NEEDS = ""
ORDER = 60
COST = {"gradient": ("transforms", "trajectories", 2, "amounts", "steps")}
FORM = ("transforms", "trajectories", "steps")  # of the parameters, what is asked first

LEAST_SHARE, MOST_SHARE = 0.25, 0.9  # of the records, for the fit
WIDER = 2.5  # a walk may change the picture by this many times the reach of the trajectories
PIECES = 24  # of the curve

__all__ = ["METHOD", "ROWS", "Plumerault", "direction", "quick", "turned"]


@dataclass
class Plumerault(KeepsPictures):
    """Directions of transforms."""

    transforms: tuple[str, ...] = ("x", "y", "scale", "brightness")
    # what to find directions for: x, y, scale, brightness or files of your own
    trajectories: int = 32  # first pictures that are followed
    amounts: int = 5  # steps of the transform to its end, on each side
    steps: int = 15  # of gradient descent for each of them
    lr: float = 0.1  # first length of a step, in standard deviations of the latents
    sigma: float = 0.023  # of the low-pass on the difference, in heights of the picture
    size: int = 32  # px at which pictures are compared; larger ones are averaged down
    renorm: bool = True  # keep latents within the length that samples have
    ridge: float = 10.0  # how strongly the direction is drawn to the mean way of all trajectories
    rounds: int = 10  # of fitting the direction and the curve in turns
    probes: int = 48  # seeds for the calibration, and as many for the figures
    batch: int = 16  # trajectories followed at once
    space: Literal["auto", "z", "w"] = "auto"  # auto = where directions of this model act best
    layers: str = "all"  # code layers that move together ("0-3"), in w
    label: Label = None  # the class or mixture to draw, where there are classes
    seed: int = 200_000  # first of the sampled seeds

    form: ClassVar[str] = "plumerault"

    def __post_init__(self) -> None:
        """Each transform has one name from here on."""
        self.transforms = tuple(map(TRANSFORMS.spelled, self.transforms))

    def missing(self, generator: Generator) -> str:
        """Gradients of pictures are all it takes."""
        return generator.info.unfit_to_train

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Follow, fit, calibrate, measure. Raises BadData, Missing for an unknown transform."""
        asked = self._asked()
        seeds = range(self.seed, self.seed + self.trajectories)
        pictures = self.pictures(asked, seeds, work)
        small = generator.at_size(self.size) if isinstance(generator, AnySize) else generator
        space = generator.info.space if self.space == "auto" else self.space
        layers = layers_of(self.layers, generator.info)
        place = whitened(small, space, self.label, layers, self.seed)
        self.space_, self.complete_ = str(space), True
        self.seeds_ = f"{self.seed}-{self.seed + PILOT + 2 * self.probes - 1}"
        found: list[tuple[CalibratedDirection, Info]] = []
        pace = following.Pace(self.amounts, self.steps, self.lr, self.sigma, self.size, self.renorm)
        done = [following.Trajectories(n, TRANSFORMS.load(n), place, pace, work) for n in asked]
        each = done[0].steps(self.trajectories, self.batch)
        tick = following.Tick(report, each * len(done))
        for i, one in enumerate(done):
            try:
                one.follow(seeds, self.batch, tick, i * each)
                if pictures is not None:
                    pictures.keep(one, seeds, self.batch, tick.pulse)
                found.append(self._measured(self._direction(one, place), one, small, tick))
                tick((i + 1) * each)
            except Interrupted:
                if len(found) == i and one.blocks:  # trajectories are there, figures are not
                    plain = self._direction(one, place)
                    info = Info(plain.name, plain.sigma, layers=plain.layers, unit=plain.unit)
                    found.append((plain, info))
                if not found:
                    raise
                self.complete_ = len(found) == len(done) and bool(found[-1][1].scores)
                break
        self._keep(found)
        return self

    def _asked(self) -> tuple[str, ...]:
        """The names of the transforms."""
        least = dict.fromkeys(("trajectories", "amounts", "steps", "batch", "rounds", "size"), 1)
        for name, low in {**least, "probes": 2}.items():
            if (count := getattr(self, name)) < low:
                raise BadData(f"{name} is {count}, below {low}", f"take {low} at least")
        if not self.lr > 0 or not self.sigma >= 0 or not self.ridge > 0:
            raise BadData("lr and ridge must be above 0, sigma 0 or more")
        if not self.transforms or len(set(self.transforms)) < len(self.transforms):
            raise BadData(
                "no transforms, or one of them twice", f"there is: {', '.join(TRANSFORMS.names())}"
            )
        return self.transforms

    def _direction(self, one: following.Trajectories, place: Whitened) -> CalibratedDirection:
        """The direction and the curve of the records that did follow."""
        rows = following.joined(one.blocks)
        good = _followed(rows.error)
        amounts = one.additive(rows.found[good])
        direction, curve = joint(
            rows.before[good], rows.after[good], amounts, self.ridge, self.rounds, PIECES
        )
        way = direction.float() @ place.basis.cpu()
        sigma = float(way.norm().clamp_min(1e-12))
        reader = place.inverse.cpu() @ direction.float() * sigma
        offset = float(place.mean.cpu() @ reader) / sigma  # coordinates count from the origin
        curve = Curve(curve.knots + offset, curve.values)
        unit, factor = one.transform.unit, one.transform.factor
        return CalibratedDirection(
            one.name, place.space, place.layers, way / sigma, reader, sigma, curve, unit, factor
        )

    @torch.no_grad()
    def _measured(
        self,
        direction: CalibratedDirection,
        one: following.Trajectories,
        generator: Generator,
        tick: following.Tick,
    ) -> tuple[CalibratedDirection, Info]:
        """The same with the curve that walks from other seeds show, and figures from yet others."""
        assert one.reach is not None
        low, high = (end * min(1.0, WIDER * one.reach) for end in one.transform.limits)
        rule = Measuring(
            generator=generator,
            transform=one.transform,
            label=self.label,
            span=(low, high),
            sigma=self.sigma,
            size=self.size,
            batch=self.batch,
            pulse=tick.pulse,
        )
        first = self.seed + PILOT
        direction = rule.calibrated(direction, range(first, first + self.probes))
        return direction, rule.info(direction, range(first + self.probes, first + 2 * self.probes))

    def _keep(self, found: Sequence[tuple[CalibratedDirection, Info]]) -> None:
        directions = [direction for direction, _ in found]
        self.infos_ = tuple(info for _, info in found)
        self.directions_ = torch.stack([one.vector for one in directions])
        self.extra_ = {
            NORMALS: torch.stack([one.reader for one in directions]),
            KNOTS: torch.stack([one.curve.knots for one in directions]).float(),
            VALUES: torch.stack([one.curve.values for one in directions]).float(),
            FACTOR: torch.tensor([float(one.factor) for one in directions]),
        }


def _followed(error: Tensor) -> Tensor:
    """Which records (P,) the fit takes: a small error, a quarter of all at least, and never the
    worst tenth."""
    limit = max(following.FOLLOWED, float(error.quantile(LEAST_SHARE)))
    return error <= min(limit, float(error.quantile(MOST_SHARE)))


def quick(generator: Generator) -> dict[str, Any]:
    """Short trajectories of two transforms."""
    params = {"transforms": ("x", "brightness"), "trajectories": 3, "amounts": 2, "steps": 2}
    return {**params, "size": 16, "probes": 2, "rounds": 2}


METHOD = Plumerault
