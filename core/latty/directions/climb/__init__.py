"""Walking a latent up or down a score until it reaches a goal.

Gradient ascent on a classifier's output (Gottesman's controllable generation with a GAN; Nguyen et
al. 2016) with what the plain loop lacks: steps of a known length (in standard deviations of the
latents), steps taken back where they do not help, a last step cut so that it ends at the goal, caps
on steps and distance, attributes that stay (Rosen's gradient projection, 1960, with a restoration
step) and a pull toward the start among all latents of one score.
Letters: R coordinates of the way from the start, K kept attributes, T frames, L layers, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latty.directions.likeness import blurred
from latty.errors import BadData
from latty.report import Report, silent

Stop = Literal["reached", "steps", "distance", "stuck"]

SHORTEST = 2**-10  # of the longest step: below it a step that does not help ends the climb
GROWTH = 1.5
CUTS = 12  # tries to end at the goal
BEYOND = 1.05  # of the way that the gradient promises: it is short of the goal as often as not
BLOCKED = 1e-3  # share of the gradient that the kept attributes must leave
BLUR = 0.05  # heights; below it details change freely


@dataclass(frozen=True, slots=True)
class LookAt:
    """What one latent is like: the score, those to keep (K,), and its picture (1, C, H, W) where
    identity counts."""

    score: Tensor
    kept: Tensor
    picture: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ClimbRules:
    """step      longest step, in standard deviations of the latents
    steps     cap on their number
    distance  cap on the distance from the start
    identity  0..1: share of the way back toward the start, at the same score, taken at each step
    close     share of the whole way by which the last frame may lie beyond the goal
    """

    step: float = 0.3
    steps: int = 60
    distance: float = 8.0
    identity: float = 0.0
    close: float = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class ClimbPath:
    """The way: coordinates (T, R), scores (T,), kept attributes (T, K), from the start to the frame
    where it stopped, and why."""

    ways: Tensor
    scores: Tensor
    kept: Tensor
    stopped: Stop


def climb(
    look: Callable[[Tensor], LookAt],
    start: Tensor,
    goal: float,
    rules: ClimbRules,
    report: Report = silent,
) -> ClimbPath:
    """Walk from coordinates `start` (R,) until the score is `goal`, up or down by itself.

    The last frame is on the far side of the goal, or the best one there is. Raises BadData where
    the start has no score, or no gradient.
    """
    walker = _Walker(look, start, goal, rules)
    report(0, rules.steps, "steps")
    while walker.stopped is None:
        walker.advance()
        report(len(walker.frames) - 1, rules.steps, "steps")
    ways, scores, kept = (torch.stack(part) for part in zip(*walker.frames, strict=True))
    return ClimbPath(ways, scores, kept, walker.stopped)


class _Walker:
    def __init__(
        self, look: Callable[[Tensor], LookAt], start: Tensor, goal: float, rules: ClimbRules
    ) -> None:
        self.look, self.goal, self.rules, self.start = look, goal, rules, start
        with torch.no_grad():
            self.first = look(start)
        if not bool(torch.isfinite(self.first.score)):
            raise BadData("the attribute cannot be seen in the first picture", "try another seed")
        self.sign = 1.0 if goal >= float(self.first.score) else -1.0
        self.whole = abs(goal - float(self.first.score))
        self.place, self.score = start, float(self.first.score)
        self.frames = [(start, self.first.score.detach(), self.first.kept.detach())]
        self.length = rules.step
        self.stopped: Stop | None = "reached" if self.whole == 0 else None

    def advance(self) -> None:
        """One step that helps, or the reason why there is none."""
        if len(self.frames) > self.rules.steps:
            self.stopped = "steps"
            return
        up, beside, rise = self._way()
        if rise <= 0:
            self.stopped = "stuck"
            return
        promised = BEYOND * self.sign * (self.goal - self.score) / rise
        for way in (up + beside, up) if beside.any() else (up,):
            length = min(self.length, promised)
            shortest = min(length, SHORTEST * self.rules.step)
            while length >= shortest:
                place = self._inside(self.place + length * way)
                seen = self._seen(place)
                if self.sign * (float(seen.score) - self.score) > 0:
                    self._accept(place, seen, length)
                    return
                length /= 2
        far = float((self.place - self.start).norm()) >= 0.999 * self.rules.distance
        self.stopped = "distance" if far else "stuck"

    def _accept(self, place: Tensor, seen: LookAt, length: float) -> None:
        if self.sign * (float(seen.score) - self.goal) >= 0:
            place, seen = self._cut(place, seen)
            self.stopped = "reached"
        self.frames.append((place, seen.score.detach(), seen.kept.detach()))
        self.place, self.score = place, float(seen.score)
        self.length = min(self.rules.step, GROWTH * length)

    def _cut(self, place: Tensor, seen: LookAt) -> tuple[Tensor, LookAt]:
        """The shortest part of the last step that still reaches the goal."""
        low, high = 0.0, 1.0
        begin, end = self.place, place
        for _ in range(CUTS):
            if abs(float(seen.score) - self.goal) <= self.rules.close * self.whole:
                break
            middle = (low + high) / 2
            tried = torch.lerp(begin, end, middle)
            found = self._seen(tried)
            if self.sign * (float(found.score) - self.goal) >= 0:
                high, place, seen = middle, tried, found
            else:
                low = middle
        return place, seen

    def _seen(self, place: Tensor) -> LookAt:
        with torch.no_grad():
            return self.look(place)

    def _inside(self, place: Tensor) -> Tensor:
        """Not farther from the start than allowed."""
        way = place - self.start
        return self.start + _shortened(way, self.rules.distance)

    def _way(self) -> tuple[Tensor, Tensor, float]:
        """Where to go (R,), of length 1, what to add to it for what is kept, and how much a unit of
        the way raises what is climbed."""
        with torch.enable_grad():
            leaf = self.place.detach().clone().requires_grad_()
            seen = self.look(leaf)
            if not seen.score.requires_grad:
                raise BadData("this scorer has no gradient", "take one that is differentiable")
            slope = self.sign * _gradient(seen.score, leaf)
            kept = [_gradient(value, leaf) for value in seen.kept]
            apart = self._apart(seen, leaf)
        rows = torch.stack(kept) if kept else slope.new_zeros(0, len(slope))
        lengths = rows.norm(dim=1).clamp_min(1e-12)
        rows = rows / lengths[:, None]
        free = _off(slope, rows)
        if not float(free.norm()) > BLOCKED * float(slope.norm()):
            return free, torch.zeros_like(free), 0.0
        up = free / free.norm()
        added = torch.zeros_like(up)
        if kept:
            drift = (seen.kept - self.first.kept).detach() / lengths
            added = added - _shortened(_restoring(rows, drift) / self.length, 1.0)
        if apart is not None:
            home = _off(-apart, torch.cat([rows, up[None]]))
            added = added + _shortened(self.rules.identity * home / self.length, 1.0)
        return up, added, float(slope @ up)

    def _apart(self, seen: LookAt, leaf: Tensor) -> Tensor | None:
        """The gradient of the distance from the start, in the latent and in the low-passed picture,
        scaled like the way itself; None where identity does not count."""
        way = leaf.detach() - self.start
        if not self.rules.identity or not float(way.norm()) > 0:
            return None
        if seen.picture is None or self.first.picture is None:
            return way
        difference = blurred(seen.picture - self.first.picture, BLUR).square().mean()
        slope = _gradient(difference, leaf)
        size = way.square().sum() / (2 * difference.detach()).clamp_min(1e-12)
        return (way + _shortened(size * slope, float(way.norm()))) / 2


def _gradient(value: Tensor, leaf: Tensor) -> Tensor:
    """d value / d leaf, 0 where value does not depend on it."""
    if not value.requires_grad:
        return torch.zeros_like(leaf)
    (slope,) = torch.autograd.grad(value, leaf, retain_graph=True, allow_unused=True)
    return torch.zeros_like(leaf) if slope is None else torch.nan_to_num(slope)


def _off(vector: Tensor, rows: Tensor) -> Tensor:
    """The part of `vector` (R,) orthogonal to all rows (K, R) of unit length."""
    return vector - _restoring(rows, rows @ vector) if len(rows) else vector


def _restoring(rows: Tensor, values: Tensor) -> Tensor:
    """The shortest v (R,) with rows @ v = values (K,), nearly parallel rows taken as one."""
    gram = (rows @ rows.T).double()
    weights = torch.linalg.pinv(gram, rtol=1e-4, hermitian=True) @ values.double()
    shortest: Tensor = rows.T @ weights.to(rows)
    return shortest


def _shortened(vector: Tensor, most: float) -> Tensor:
    share: Tensor = (most / vector.norm().clamp_min(1e-12)).clamp_max(1)
    return vector * share
