"""What a direction of a transform really does: walks along it, pictures compared with transforms of
the first one; from that its curve, and the figures that go with it.

The figures follow Plumerault et al. (arXiv:2001.10238, section 3): barycentre and area of the
saliency, and brightness, over a traverse.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latty.attributes import open_scorer
from latty.directions.base import Info, keep_layers, rounded
from latty.directions.likeness import measured, smaller
from latty.directions.methods.plumerault.calibrated import CalibratedDirection
from latty.directions.methods.plumerault.monotone import fitted
from latty.directions.transform import Transform, additive, amount
from latty.directions.traverse import figures
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.models.memory import at_once
from latty.scene import Label

WAYS = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)  # sigma, for the calibration
TRAVERSE = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # sigma, for the figures
ASKED = (-0.3, -0.15, 0.15, 0.3)  # of the whole rise of the curve, for the error
EDGE = 4.0  # sigma from the mean where the curve ends
PIECES = 24
REACHED = 0.02  # share of an amount by which the curve may miss it
SCORES = {"geometry": ("x", "y", "area"), "brightness": ("luma",)}


@dataclass(frozen=True, slots=True)
class Measuring:
    """Walks of one direction from seeds that were not fitted.

    span   amounts that are looked for
    sigma  of the low-pass, in heights; size  px at which pictures are compared
    batch  pictures drawn at once, of large ones fewer; pulse  is called after each of them
    """

    generator: Generator
    transform: Transform
    label: Label
    span: tuple[float, float]
    sigma: float
    size: int
    batch: int
    pulse: Callable[[], None]

    def calibrated(self, direction: CalibratedDirection, seeds: range) -> CalibratedDirection:
        """The same direction with the curve that fits walks from these seeds."""
        z, codes, first = self._start(seeds)
        starts, stops, amounts = [], [], []
        latents = z if direction.space == "z" else codes
        place = direction.place(latents, self.generator)
        for way in WAYS:
            pictures, _ = self._moved(direction, z, codes, _by(direction, way))
            found, _ = measured(self.transform, first, pictures, self.span, self.sigma)
            starts.append(place)
            stops.append(place + way)
            amounts.append(additive(self.transform, found))
        middle = float(place.mean())
        knots = torch.linspace(middle - EDGE, middle + EDGE, PIECES + 1)
        curve = fitted(torch.cat(starts), torch.cat(stops), torch.cat(amounts), knots)
        return replace(direction, curve=curve)

    def info(self, direction: CalibratedDirection, seeds: range) -> Info:
        """Its line in the header, with figures from these seeds."""
        z, codes, first = self._start(seeds)
        columns, scores = [], []
        for way in TRAVERSE:
            pictures, judged = self._moved(direction, z, codes, _by(direction, way), judge=True)
            columns.append(measured(self.transform, first, pictures, self.span, self.sigma)[0])
            scores.append(judged)
        table = torch.cat([torch.stack(columns, 1)[..., None], torch.stack(scores, 1)], 2)
        table = _filled(table.cpu().double())  # (N, S, A)
        middle, spread = table.mean((0, 1)), table[:, len(TRAVERSE) // 2].std(0)
        spread[0] = table[..., 0].std()
        each = [figures(TRAVERSE, table, a, middle, spread) for a in range(table.shape[2])]
        names = [name for attributes in SCORES.values() for name in attributes]
        found = {"corr": each[0].corr, "monotone": each[0].monotone, "effect": each[0].effect}
        found |= {name: one.corr for name, one in zip(names, each[1:], strict=True)}
        found["error"] = self._error(direction, z, codes, first)
        usable = (round(each[0].low, 1), round(each[0].high, 1))
        return Info(
            direction.name,
            direction.sigma,
            usable,
            direction.layers,
            rounded(found),
            direction.unit,
        )

    def _error(
        self, direction: CalibratedDirection, z: Tensor, codes: Tensor, first: Tensor
    ) -> float:
        """Median relative difference of the amount asked and the amount measured, where the curve
        goes that far; 1 where it goes nowhere."""
        rise = float(direction.curve.values[-1] - direction.curve.values[0])
        errors = []
        for share in ASKED:
            asked = float(amount(self.transform, torch.tensor(share * rise)))
            wanted = torch.full((len(z),), asked, device=z.device)
            latents = z if direction.space == "z" else codes
            moved = direction.move_by(latents, wanted, self.generator)
            way = direction.place(moved, self.generator)
            way = way - direction.place(latents, self.generator)
            reached = (direction.change(latents, way, self.generator) - asked).abs()
            pictures, _ = self._moved(direction, z, codes, lambda latents, m=moved: m)  # type: ignore[misc]
            found, _ = measured(self.transform, first, pictures, self.span, self.sigma)
            there = reached <= REACHED * abs(asked)
            errors.append(((found - asked).abs() / max(abs(asked), 1e-9))[there])
        every = torch.cat(errors)
        return float(every.median().clamp_max(1)) if len(every) else 1.0

    def _start(self, seeds: range) -> tuple[Tensor, Tensor, Tensor]:
        z = self.generator.sample(seeds)
        codes = self.generator.mapping(z, class_labels(self.label, z, self.generator))
        return z, codes, self._pictures(codes)[0]

    def _moved(
        self,
        direction: CalibratedDirection,
        z: Tensor,
        codes: Tensor,
        move: Callable[[Tensor], Tensor],
        judge: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Pictures, as they are compared, and scores (N, A) if asked for, of moved latents."""
        if direction.space == "z":
            moved = self.generator.mapping(move(z), class_labels(self.label, z, self.generator))
        else:
            moved = move(codes)
        return self._pictures(keep_layers(codes, moved, direction.layers), judge)

    def _pictures(self, codes: Tensor, judge: bool = False) -> tuple[Tensor, Tensor]:
        drawn, scores = [], []
        for part in torch.split(codes, at_once(self.generator, self.batch)):
            images = self.generator.synthesis(part, class_labels(self.label, part, self.generator))
            drawn.append(smaller(images, self.size))
            scores.append(_judged(images) if judge else images.new_zeros(0))
            self.pulse()
        return torch.cat(drawn), torch.cat(scores)


def _judged(images: Tensor) -> Tensor:
    """Scores (N, 4) of images: barycentre, area, brightness; of odd channels, in grey."""
    if images.shape[1] not in (1, 3, 4):
        images = images.mean(1, keepdim=True)
    parts = []
    for scorer, wanted in SCORES.items():
        judge = open_scorer(scorer)
        parts.append(judge.score(images)[:, [judge.names.index(name) for name in wanted]])
    return torch.cat(parts, 1)


def _filled(table: Tensor) -> Tensor:
    """A picture without a subject has no place: it counts as one in the middle of the others."""
    rest = torch.nan_to_num(table.nanmean(1, keepdim=True))
    return torch.where(table.isnan(), rest, table)


def _by(direction: CalibratedDirection, way: float) -> Callable[[Tensor], Tensor]:
    """Moves latents by `way` sigma."""

    def move(latents: Tensor) -> Tensor:
        step = way * direction.sigma * direction.vector.to(latents)
        return latents + step

    return move
