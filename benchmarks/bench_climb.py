"""A climb against the plain loop: how often each gets to its goal, and at what cost.

The peer is the loop of Gottesman's notebook (controllable generation with a GAN: the latent moves
along the gradient of the classifier until the score is reached), with steps of one length, in the
coordinates and with the eyes of `latty edit`, so that only the walking differs:

    w <- w + 0.3 g / |g|,   g = ds/dw up, -ds/dw down,   at most 60 steps

Each of the 23 attributes is sent from each seed to two goals, the 3rd and the 97th percentile of
random pictures. What is counted are looks at a picture (one with its gradient is one) and processor
time; both walks take turns. `behind` are the climbs in which only the plain loop arrives.

    python -m benchmarks.bench_climb [--seeds 20] [--model demo] [--results FILE]

FILE keeps a line of JSON for each climb: a run that was stopped goes on.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from latty.attributes import names_of
from latty.attributes.sampled import sampled_scores
from latty.attributes.target import SAMPLES, AttributeTarget
from latty.directions.climb import ClimbRules, LookAt, climb
from latty.directions.climb.objective import ClimbObjective
from latty.edits import codes
from latty.models import open_model
from latty.render.climbing import Goal, objective_of
from latty.scene import Scene

Line = tuple[str, str, float, str]
MODELS = ("portraits", "demo")
SCORER = "factors"
GOALS = (3.0, 97.0)  # percentiles
FIRST, SEEDS, FEW = 910_000, 20, 1  # seeds that nothing was sampled from
STEP, STEPS = 0.3, 60


@dataclass(frozen=True, slots=True)
class Cost:
    """How one walk ended: whether it arrived, how often it looked, processor seconds."""

    arrived: bool
    looks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One climb and its peer."""

    model: str
    attribute: str
    seed: int
    percentile: float
    ours: Cost
    plain: Cost

    @property
    def key(self) -> tuple[str, str, int, float]:
        return self.model, self.attribute, self.seed, self.percentile


def plain_loop(look: Callable[[Tensor], LookAt], start: Tensor, goal: float) -> bool:
    """Whether the peer arrives. `start` (R,)."""
    with torch.no_grad():
        sign = 1.0 if goal >= float(look(start).score) else -1.0
    way = start
    for _ in range(STEPS + 1):
        leaf = way.clone().requires_grad_()
        score = look(leaf).score
        if sign * (float(score.detach()) - goal) >= 0:
            return True
        (slope,) = torch.autograd.grad(score, leaf)
        way = way + sign * STEP * slope / slope.norm()
    return False


def costs(objective: ClimbObjective, goal: float) -> tuple[Cost, Cost]:
    """Both walks from one start to one goal: ours, and the peer's."""

    def cost(walk: Callable[[Callable[[Tensor], LookAt]], bool]) -> Cost:
        looks = 0

        def look(way: Tensor) -> LookAt:
            nonlocal looks
            looks += 1
            return objective(way)

        begun = time.process_time()
        arrived = walk(look)
        return Cost(arrived, looks, round(time.process_time() - begun, 4))

    origin, rules = objective.origin, ClimbRules(STEP, STEPS)
    ours = cost(lambda look: climb(look, origin, goal, rules).stopped == "reached")
    return ours, cost(lambda look: plain_loop(look, origin, goal))


def pairs(model: str, seeds: int, results: Path | None = None) -> Iterator[Pair]:
    """Every climb on a model, those in `results` as they were."""
    generator = open_model(model, "cpu")
    names = names_of(SCORER, generator)
    sight = objective_of(
        Scene(model), generator, Goal(f"{SCORER}/{names[0]}", AttributeTarget(0.0))
    )
    scores = sampled_scores(sight.generator, SAMPLES, SCORER)[1].double()
    known = {one.key: one for one in _read(results)}
    for seed in range(FIRST, FIRST + seeds):
        start = codes([Scene(model, seed)], generator)
        for column, name in enumerate(names):
            for percentile in GOALS:
                if one := known.get((model, name, seed, percentile)):
                    yield one
                    continue
                goal = float(scores[:, column].quantile(percentile / 100))
                here = replace(sight, start=start, refs=[(SCORER, column)])
                one = Pair(model, name, seed, percentile, *costs(here, goal))
                if results is not None:
                    with results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(one)) + "\n")
                yield one


def _read(results: Path | None) -> Iterator[Pair]:
    if results is None or not results.is_file():
        return
    for line in results.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        yield Pair(**{**said, "ours": Cost(**said["ours"]), "plain": Cost(**said["plain"])})


def line(model: str, found: list[Pair]) -> Line:
    """One row: how many arrive."""
    ours, plain = (sum(getattr(one, who).arrived for one in found) for who in ("ours", "plain"))
    behind = sum(one.plain.arrived and not one.ours.arrived for one in found)
    both = [one for one in found if one.plain.arrived and one.ours.arrived]

    def ratio(of: list[Pair], what: str) -> str:
        sums = [sum(getattr(getattr(one, who), what) for one in of) for who in ("plain", "ours")]
        return f"{sums[0] / max(sums[1], 1e-9):.2f}x"

    note = (
        f"{ours} and {plain} of {len(found)} arrive, {behind} behind; where both do "
        f"{ratio(both, 'looks')} in looks, {ratio(both, 'seconds')} in time; "
        f"of all {ratio(found, 'looks')}, {ratio(found, 'seconds')}"
    )
    return f"climbs on {model}: goals reached", "the plain loop", ours / max(plain, 1), note


def run(quick: bool = False) -> list[Line]:
    """A row for each model; `quick` climbs from one seed."""
    torch.set_num_threads(1)
    return [line(model, [*pairs(model, FEW if quick else SEEDS)]) for model in MODELS]


def main(argv: list[str] | None = None) -> int:
    """The rows, and the climbs that are behind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_climb")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--results", type=Path)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    for model in (args.model,) if args.model else MODELS:
        found = [*pairs(model, args.seeds, args.results)]
        what, against, ratio, note = line(model, found)
        print(f"{what}, against {against}: {ratio:.2f}x; {note}", flush=True)
        for one in found:
            if one.plain.arrived and not one.ours.arrived:
                print(f"behind: {one.attribute} of seed {one.seed} to p{one.percentile:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
