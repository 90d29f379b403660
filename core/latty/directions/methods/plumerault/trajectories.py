"""Latents whose pictures follow a transform of the first picture, step by step (Plumerault et al.,
arXiv:2001.10238, algorithm 1).

The target is always a transform of the original picture; each amount starts from the latent of the
amount before it. Adam has one second moment for each latent instead of one for each number of it:
steps are then along the gradient, and what does not help is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from latty import files
from latty.checkpoints.safetensors import pieces, read_tensors
from latty.directions.likeness import Target, measured, smaller, target
from latty.directions.transform import Transform, additive
from latty.directions.whitened import Whitened
from latty.report import Report

FIRST, SECOND = 0.9, 0.999  # Adam's decays
SLACK = 0.25  # of the amount asked: how far beyond it (and below 0) a measured one may lie
FOLLOWED = 0.12  # a median error below this share of the first one: the pictures do follow
LOST = 0.35  # above it they do not, and larger amounts are not tried
SHORTEST = 0.1  # share of the limits below which the reach is not halved again


@dataclass(frozen=True, slots=True)
class Pace:
    """How trajectories are walked.

    amounts  steps of equal size to the end, on each side
    steps    of the optimiser for each amount
    lr       in standard deviations of the latents
    sigma    of the low-pass, in heights of the picture
    size     px at which pictures are compared
    renorm   keeps latents within the length that samples have
    """

    amounts: int
    steps: int
    lr: float
    sigma: float
    size: int
    renorm: bool


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """One row per latent reached: whitened coordinates before and after (P, R), the amount asked,
    the amount measured in the picture, and the error as a share of that of the first picture."""

    before: Tensor
    after: Tensor
    asked: Tensor
    found: Tensor
    error: Tensor

    def arrays(self) -> dict[str, Tensor]:
        """The arrays by name, (P, R) and (P,)."""
        return {name: getattr(self, name).cpu().contiguous() for name in self.__slots__}


def joined(parts: Sequence[Records]) -> Records:
    """All rows of several records."""
    names = Records.__slots__
    return Records(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


class Tick:
    """Counts optimiser steps over many trajectories and tells a report."""

    def __init__(self, report: Report, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def __call__(self, done: int) -> None:
        """`done` steps are behind us; the count never goes back."""
        self.done = min(max(self.done, done), self.total)
        self.pulse()

    def pulse(self) -> None:
        """Still at work, and to be stopped."""
        self.report(self.done, self.total, "steps")


class Trajectories:
    """The trajectories of one transform; `blocks` holds those that are done, and so does `work`."""

    def __init__(
        self, name: str, transform: Transform, space: Whitened, pace: Pace, work: Path | None
    ) -> None:
        self.name, self.transform, self.space, self.pace = name, transform, space, pace
        self.work = work
        self.reach: float | None = None  # share of the transform's limits, found by the first block
        self.blocks: list[Records] = []

    def additive(self, amounts: Tensor) -> Tensor:
        """Amounts (P,) on the scale on which they add up."""
        return additive(self.transform, amounts)

    def steps(self, count: int, batch: int) -> int:
        """How many optimiser steps `follow` takes for so many trajectories, at most."""
        return -(-count // batch) * 2 * self.pace.amounts * self.pace.steps

    def follow(self, seeds: range, batch: int, tick: Tick, before: int) -> None:
        """Every block of seeds, or what `work` already holds of it; `before` steps were done."""
        for i, first in enumerate(range(0, len(seeds), batch)):
            done = before + self.steps(i, 1)
            path = self.work / f"{self.name}-{i:04}.safetensors" if self.work else None
            if path is not None and path.is_file():
                arrays = read_tensors(path)
                self.reach = float(arrays.pop("reach"))
                self.blocks.append(Records(**arrays))
            else:
                records, self.reach = self._block(seeds[first : first + batch], tick, done)
                self.blocks.append(records)
                if path is not None:
                    arrays = {**records.arrays(), "reach": torch.tensor(self.reach)}
                    files.write(path, pieces({}, arrays))
            tick(before + self.steps(i + 1, 1))

    def _block(self, seeds: range, tick: Tick, done: int) -> tuple[Records, float]:
        """The records of some seeds, both ways, and the reach that was right for them."""
        with torch.no_grad():
            codes, start = self.space.start(seeds)
            first = smaller(self.space.draw(codes), self.pace.size)
        walk = _Descent(self, codes, start, first, tick, done)
        reach = self.reach
        opening = walk.opening(1.0 if reach is None else reach)
        while reach is None:
            reach = walk.reach
            if _error(opening) < FOLLOWED or reach < SHORTEST:
                break
            closer = walk.opening(reach / 2)
            if _error(closer) < _error(opening):  # of small changes the optimiser sees nothing
                opening, reach = closer, None
        parts = list(opening)
        for end, latest in zip(self.transform.limits, opening, strict=True):
            for k in range(2, self.pace.amounts + 1):
                if float(latest.error.median()) > LOST:
                    break
                latest = walk.step(latest.after.to(start.device), end * reach, k)
                parts.append(latest)
        return joined(parts), reach


def _error(records: Sequence[Records]) -> float:
    """The larger of the median errors."""
    return max(float(one.error.median()) for one in records)


class _Descent:
    """Trajectories of one block: codes (N, L, D) and coordinates (N, R) they start from, and their
    first pictures."""

    def __init__(
        self,
        owner: Trajectories,
        codes: Tensor,
        start: Tensor,
        first: Tensor,
        tick: Tick,
        done: int,
    ) -> None:
        self.space, self.transform, self.pace = owner.space, owner.transform, owner.pace
        self.codes, self.start, self.first, self.tick, self.done = codes, start, first, tick, done
        self.end = done + owner.steps(1, 1)  # finding the reach may take more steps than a block
        self.reach = 1.0

    def opening(self, reach: float) -> list[Records]:
        """The first amount on each side; `reach` is the share of the limits that is walked to."""
        self.reach = reach
        return [self.step(self.start, end * reach, 1) for end in self.transform.limits]

    def step(self, place: Tensor, end: float, k: int) -> Records:
        """From coordinates (N, R) to those of the amount `end` * k / amounts."""
        pace, amount = self.pace, end * k / self.pace.amounts
        t = torch.full((len(place),), amount, device=place.device)
        goal = target(self.transform, self.first, t, pace.sigma)
        place = self._descend(place, goal)
        with torch.no_grad():
            after = self._pictures(place)
            span = sorted((-SLACK * amount, (1 + SLACK) * amount))
            found, _ = measured(self.transform, self.first, after, span, pace.sigma)
            error = goal.error(after) / goal.error(self.first).clamp_min(1e-12)
        values = (self.start, place, t, found, error.clamp_max(1e6))
        return Records(*(value.detach().cpu() for value in values))

    def _pictures(self, place: Tensor) -> Tensor:
        return smaller(self.space.draw(self.space.codes(self.codes, place)), self.pace.size)

    def _descend(self, place: Tensor, goal: Target) -> Tensor:
        """Coordinates (N, R) with a smaller error; steps get shorter toward the end."""
        pace, start = self.pace, self.start
        most = start.norm(dim=1, keepdim=True).clamp_min(start.shape[1] ** 0.5)
        momentum, second = torch.zeros_like(place), torch.zeros_like(place[:, :1])
        for i in range(1, pace.steps + 1):
            with torch.enable_grad():
                leaf = place.detach().requires_grad_()
                (slope,) = torch.autograd.grad(goal.error(self._pictures(leaf)).sum(), leaf)
            slope = torch.nan_to_num(slope)
            momentum = FIRST * momentum + (1 - FIRST) * slope
            second = SECOND * second + (1 - SECOND) * slope.square().mean(1, keepdim=True)
            size = (second / (1 - SECOND**i)).sqrt().clamp_min(1e-20)
            left = 1 - (i - 1) / pace.steps
            place = place - pace.lr * left * momentum / (1 - FIRST**i) / size
            if pace.renorm:
                length = place.norm(dim=1, keepdim=True).clamp_min(1e-12)
                place = place * (most / length).clamp_max(1)
            self.done += 1
            self.tick(min(self.done, self.end))
        return place
