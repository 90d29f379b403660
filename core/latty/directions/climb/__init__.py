"""Walking a latent up or down a score until it reaches a goal.

Gradient ascent on a classifier's output (Gottesman's controllable generation with a GAN; Nguyen et
al. 2016) with what the plain loop lacks: steps of a known length (in standard deviations of the
latents), momentum along ridges (Polyak's heavy ball, 1964), the best frame kept, a last step cut so
that it ends at the goal, caps on steps and distance, attributes that stay (Rosen's gradient
projection, 1960, with a restoration step) and a pull toward the start among all latents of one
score.
Letters: R coordinates of the way from the start, K kept attributes, T frames, L layers, D width.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from latty.directions.likeness import blurred
from latty.errors import BadData
from latty.report import Report, silent

Stop = Literal["reached", "steps", "distance", "stuck"]
Frame = tuple[Tensor, Tensor, Tensor]  # a place (R,), its score, and what is kept (K,)

SHORTEST = 2**-10  # of a whole step: below it a step that does not help ends the climb
GROWTH = 1.5
MOMENTUM = 0.8
SHARP = 0.5  # cosine below which a gradient has turned: more than 60 degrees
PATIENCE = 60  # steps of one length without a better frame end that walk
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
    """The way: coordinates (T, R), scores (T,), kept attributes (T, K), from the start to the best
    frame, and why it goes no further."""

    ways: Tensor
    scores: Tensor
    kept: Tensor
    stopped: Stop

    @property
    def forward(self) -> Tensor:
        """The frames (F,) that are ahead of all before them, the first and the last among them:
        the way without what it takes to cross a ridge."""
        rising = self.scores if self.scores[-1] >= self.scores[0] else -self.scores
        ahead = rising[1:] > rising.cummax(0).values[:-1]
        return torch.cat([ahead.new_ones(1), ahead]).nonzero()[:, 0]


def climb(
    look: Callable[[Tensor], LookAt],
    start: Tensor,
    goal: float,
    rules: ClimbRules,
    report: Report = silent,
) -> ClimbPath:
    """Walk from coordinates `start` (R,) until the score is `goal`, up or down by itself.

    First in whole steps with momentum; where that does not arrive without it, which is the plain
    loop; then on from the best frame, as far as steps are left, in steps that must help. So it
    arrives wherever the plain loop does within the caps, and takes at most thrice as many steps.

    The last frame is on the far side of the goal, or the best one there is. Raises BadData where
    the start has no score, or no gradient.
    """
    climber = _Climber(look, start, goal, rules, report)
    walk = climber.bold(MOMENTUM)
    if not walk.arrived:
        other = climber.bold(0.0)
        walk = other if other.arrived or climber.ahead(other, walk) else walk
    return walk.path("reached" if walk.arrived else climber.careful(walk))


class _Slope(NamedTuple):
    """Where to go `up` (R,), of length 1, what to add to it for what is kept, how much a unit of
    the way raises what is climbed (0 where nothing leads up), and the gradients of what is kept
    (K, R), of length 1."""

    up: Tensor
    added: Tensor
    rise: float
    rows: Tensor


class _Looked(NamedTuple):
    """What is seen at a place: as such, and as a function of `leaf` (R,)."""

    place: Tensor
    leaf: Tensor
    bare: LookAt
    seen: LookAt


class _Walk:
    """The frames of one walk: places (R,), scores and kept attributes (K,)."""

    def __init__(self, start: Tensor, seen: LookAt) -> None:
        self.frames: list[Frame] = []
        self.arrived = False
        self.take(start, seen)

    def take(self, place: Tensor, seen: LookAt) -> None:
        self.frames.append((place, seen.score.detach(), seen.kept.detach()))

    @property
    def place(self) -> Tensor:
        return self.frames[-1][0]

    @property
    def score(self) -> float:
        return float(self.frames[-1][1])

    @property
    def steps(self) -> int:
        return len(self.frames) - 1

    def path(self, stopped: Stop) -> ClimbPath:
        ways, scores, kept = (torch.stack(part) for part in zip(*self.frames, strict=True))
        return ClimbPath(ways, scores, kept, stopped)


class _Climber:
    """Two walks from one start to one goal."""

    def __init__(
        self,
        look: Callable[[Tensor], LookAt],
        start: Tensor,
        goal: float,
        rules: ClimbRules,
        report: Report,
    ) -> None:
        self.look, self.goal, self.rules, self.start = look, goal, rules, start
        self.report, self.taken, self.total = report, 0, rules.steps
        self.latest = self._looked(start)
        self.first = self.latest.bare
        score = float(self.first.score)
        if not math.isfinite(score):
            raise BadData("the attribute cannot be seen in the first picture", "try another seed")
        self.sign = 1.0 if goal >= score else -1.0
        self.whole = abs(goal - score)

    def bold(self, momentum: float) -> "_Walk":
        """Steps of one length, whether they help or not, up to the best frame: they cross ridges
        and dips that are narrower than a step. From the first sharp turn of the gradient on, the
        way is the sum of all gradients, the old ones faded by `momentum`: along a ridge, not across
        it."""
        self._begin(walk := _Walk(self.start, self.first))
        best = 0
        walk.arrived = self.whole == 0
        slope, way, ridge = None, torch.zeros_like(self.start), not momentum
        while not walk.arrived and walk.steps < self.rules.steps and walk.steps - best < PATIENCE:
            before, slope = slope, self._slope(walk.place, self.rules.step)
            if slope.rise <= 0:
                break
            ridge = ridge or (before is not None and float(before.up @ slope.up) < SHARP)
            way = slope.up + (momentum * _off(way, slope.rows) if ridge else 0)
            if (found := self._step(walk, slope, way, ridge)) is None:
                break
            self._take(walk, *found)
            best = walk.steps if self._higher(walk.score, float(walk.frames[best][1])) else best
        del walk.frames[best + 1 :]
        return walk

    def careful(self, walk: "_Walk") -> Stop:
        """Go on with steps that help, halved until they do; why that ends."""
        self._begin(walk)
        length = self.rules.step
        while not walk.arrived:
            if walk.steps >= self.rules.steps:
                return "steps"
            if (found := self._uphill(walk, length)) is None:
                return "distance" if self._far(walk) else "stuck"
            place, seen, length = found
            self._take(walk, place, seen)
            length = min(self.rules.step, GROWTH * length)
        return "reached"

    def ahead(self, one: "_Walk", other: "_Walk") -> bool:
        """Whether `one` ended nearer to the goal."""
        return self._higher(one.score, other.score)

    def _higher(self, score: float, other: float) -> bool:
        return self.sign * (score - other) > 0

    def _step(
        self, walk: "_Walk", slope: "_Slope", way: Tensor, ridge: bool
    ) -> tuple[Tensor, LookAt] | None:
        """A step along `way` (R,), of any length: a whole one, or as far as the goal is promised to
        be, where that gets there or, on a slope without ridges, nearer. None where the attribute
        cannot be seen after it."""
        way = way / way.norm() if float(way.norm()) > BLOCKED else slope.up
        if (promised := self._promised(walk, slope, way)) < self.rules.step:
            place = self._inside(walk.place + promised * (way + slope.added))
            seen = self.seen(place)
            if self._there(seen) or (not ridge and self._higher(float(seen.score), walk.score)):
                return place, seen
        place = self._inside(walk.place + self.rules.step * (way + slope.added))
        self.latest = self._looked(place)
        seen = self.latest.bare
        return (place, seen) if math.isfinite(float(seen.score)) else None

    def _promised(self, walk: "_Walk", slope: "_Slope", way: Tensor) -> float:
        """How far the goal is along `way` (R,), by the gradient."""
        rise = slope.rise * float(slope.up @ way)
        return BEYOND * self.sign * (self.goal - walk.score) / rise if rise > 0 else math.inf

    def _there(self, seen: LookAt) -> bool:
        return self.sign * (float(seen.score) - self.goal) >= 0

    def _uphill(self, walk: "_Walk", length: float) -> "tuple[Tensor, LookAt, float] | None":
        """The longest tried step that raises the score, and its length; None where none does."""
        slope = self._slope(walk.place, length)
        if slope.rise <= 0:
            return None
        length = min(length, self._promised(walk, slope, slope.up))
        ways = [slope.up + slope.added, slope.up] if slope.added.any() else [slope.up]
        shortest = min(length, SHORTEST * self.rules.step)
        for way in ways:
            if (found := self._along(walk, way, length, shortest)) is not None:
                return found
        return None

    def _along(
        self, walk: "_Walk", way: Tensor, length: float, shortest: float
    ) -> "tuple[Tensor, LookAt, float] | None":
        while length >= shortest:
            place = self._inside(walk.place + length * way)
            seen = self.seen(place)
            if self._higher(float(seen.score), walk.score):
                return place, seen, length
            length /= 2
        return None

    def _take(self, walk: "_Walk", place: Tensor, seen: LookAt) -> None:
        """Take a step; one beyond the goal is cut where it reaches it."""
        walk.arrived = self._there(seen)
        walk.take(*(self._cut(walk.place, place, seen) if walk.arrived else (place, seen)))
        self.taken += 1
        self.report(self.taken, self.total, "steps")

    def _begin(self, walk: "_Walk") -> None:
        """Tell how many steps there may be in all."""
        self.total = self.taken + self.rules.steps - walk.steps
        self.report(self.taken, self.total, "steps")

    def _cut(self, begin: Tensor, end: Tensor, seen: LookAt) -> tuple[Tensor, LookAt]:
        """The shortest part of the last step that still reaches the goal."""
        low, high, place = 0.0, 1.0, end
        for _ in range(CUTS):
            if abs(float(seen.score) - self.goal) <= self.rules.close * self.whole:
                break
            middle = (low + high) / 2
            tried = torch.lerp(begin, end, middle)
            found = self.seen(tried)
            if self._there(found):
                high, place, seen = middle, tried, found
            else:
                low = middle
        return place, seen

    def seen(self, place: Tensor) -> LookAt:
        with torch.no_grad():
            return self.look(place)

    def _looked(self, place: Tensor) -> "_Looked":
        """What is seen at a place, and what gradients are taken of."""
        with torch.enable_grad():
            leaf = place.detach().clone().requires_grad_()
            seen = self.look(leaf)
        picture = None if seen.picture is None else seen.picture.detach()
        bare = LookAt(seen.score.detach(), seen.kept.detach(), picture)
        return _Looked(place, leaf, bare, seen)

    def _inside(self, place: Tensor) -> Tensor:
        """Not farther from the start than allowed."""
        return self.start + _shortened(place - self.start, self.rules.distance)

    def _far(self, walk: "_Walk") -> bool:
        return float((walk.place - self.start).norm()) >= 0.999 * self.rules.distance

    def _slope(self, place: Tensor, length: float) -> "_Slope":
        looked = self.latest if self.latest.place is place else self._looked(place)
        leaf, seen = looked.leaf, looked.seen
        with torch.enable_grad():
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
            return _Slope(free, torch.zeros_like(free), 0.0, rows)
        up = free / free.norm()
        added = torch.zeros_like(up)
        if kept:
            drift = (seen.kept - self.first.kept).detach() / lengths
            added = added - _shortened(_restoring(rows, drift) / length, 1.0)
        if apart is not None:
            home = _off(-apart, torch.cat([rows, up[None]]))
            added = added + _shortened(self.rules.identity * home / length, 1.0)
        return _Slope(up, added, float(slope @ up), rows)

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
