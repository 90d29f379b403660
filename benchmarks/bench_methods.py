"""The leaderboard: what every method finds on the two models whose attributes can be measured.

`portraits` knows its 23 factors exactly; on `demo` the regressor reads them off the pictures. Each
method searches with the settings below, in a home of its own, so that nothing comes from a cache.
Then every direction is walked from -3 to +3 sigma from seeds no method has seen:

walk       the best |corr| of strength and factor over the directions: how many reach 0.9 and 0.7.
           Any direction that moves a factor at all does well here, random ones too
samples    the best |corr| of a sample's coordinate along the direction and its factor, over 2000
           samples: how many factors some direction reads at 0.7 (paths and climbs have no
           coordinate)
selectivity, leakage, monotone, usable    of the direction that moves each factor most purely: its
           share of all that moves (in standard deviations), the mean |corr| of the other factors,
           the share of steps that do not fall, and the range in which it works; means over factors

`random` is the baseline: the ratio is the mean selectivity against it.

    python -m benchmarks.bench_methods [--quick] [--model NAME] [METHOD ...]    as Markdown
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from latty.attributes import parse_attributes
from latty.attributes.sampled import sampled_scores
from latty.directions import discovery
from latty.directions.base import HasCoordinate
from latty.directions.opening import find
from latty.errors import LattyError
from latty.models import open_model
from latty.rank import RankPlan, best, curves, rows

Line = tuple[str, str, float, str]
MODELS = ("portraits", "demo")
SIZE = 64  # px at which `portraits` is drawn for methods that look at pictures
SEEDS = range(900_000, 900_016)  # beyond what any method samples
SAMPLES = 950_000  # first seed of the samples
SPAN, STEPS = 3.0, 7
GOOD, FAIR = 0.9, 0.7

TRAINED = {"size": 32, "iterations": 100, "batch": 4}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the board: a method with parameters, and shorter ones for --quick."""

    method: str
    full: dict[str, Any]
    quick: dict[str, Any] | None = None


LONG, SHORT = {"samples": 12_000}, {"samples": 2_000, "probes": 2}
LAYERS = ("0", "1", "2", "3")
BOARD = {
    "random": Entry("random", {"components": 40}, {"components": 12}),
    "ganspace": Entry(
        "ganspace", {"samples": 50_000, "components": 40}, {"samples": 2_000, "components": 12}
    ),
    "sefa": Entry("sefa", {"components": 40}),
    "sefa, layer by layer": Entry("sefa", {"components": 10, "layers": LAYERS}),
    "tlgan": Entry("tlgan", LONG, SHORT),
    "tlgan, all layers": Entry("tlgan", {**LONG, "layers": "all"}, {**SHORT, "layers": "all"}),
    "interfacegan": Entry("interfacegan", LONG, {**SHORT, "ratio": 0.2}),
    "interfacegan, conditions": Entry(
        "interfacegan",
        {**LONG, "conditions": ("all",)},
        {**SHORT, "ratio": 0.2, "conditions": ("all",)},
    ),
    "ascent": Entry("ascent", {}, {"samples": 500, "probes": 1}),
    "plumerault": Entry("plumerault", {}, {"trajectories": 4, "steps": 6, "probes": 4}),
    "voynov": Entry("voynov", {}, TRAINED),
    "warped": Entry("warped", {}, TRAINED),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the leaderboard; the docstring of the module says what each figure is."""

    model: str
    method: str
    directions: int
    factors: int
    good: int
    fair: int
    corr: float
    read: int | None
    selectivity: float
    leakage: float
    monotone: float
    low: float
    high: float
    seconds: float


def standing(name: str, model: str, quick: bool, folder: Path) -> Standing:
    """Search, walk, measure. Raises LattyError where the method cannot work on the model."""
    generator: Any = open_model(model, "cpu")
    generator = generator.at_size(SIZE) if hasattr(generator, "at_size") else generator
    entry = BOARD[name]
    params = entry.quick if quick and entry.quick else entry.full
    target = folder / f"{model}-{list(BOARD).index(name)}.safetensors"
    begun = time.monotonic()
    header = discovery.discover(entry.method, params, generator, target)
    took = time.monotonic() - begun
    wanted = tuple(parse_attributes("factors", generator))
    seeds = tuple(SEEDS[:4] if quick else SEEDS)
    found = curves(RankPlan(str(target), model, wanted, seeds, span=SPAN, steps=STEPS), generator)
    measured = rows(found)
    surest = [abs(best(measured, name, "corr", 1)[0].figures.corr) for name in found.attributes]
    purest = [best(measured, name, "selectivity", 1)[0] for name in found.attributes]

    def mean(key: str) -> float:
        return sum(getattr(row.figures, key) for row in purest) / len(purest)

    return Standing(
        model,
        name,
        len(header.infos),
        len(surest),
        sum(size >= GOOD for size in surest),
        sum(size >= FAIR for size in surest),
        sum(surest) / len(surest),
        read(target, len(header.infos), generator, 400 if quick else 2000),
        sum(row.selectivity for row in purest) / len(purest),
        mean("leakage"),
        mean("monotone"),
        mean("low"),
        mean("high"),
        took,
    )


@torch.no_grad()
def read(target: Path, count: int, generator: Any, samples: int) -> int | None:
    """How many factors some direction's coordinate follows at FAIR over samples; None where the
    directions have no coordinate."""
    seeds = range(SAMPLES, SAMPLES + samples)
    factors = sampled_scores(generator, seeds, "factors")[1].double()
    z = generator.sample(seeds)
    codes = generator.mapping(z)
    columns = []
    for index in range(count):
        direction = find(f"{target}#{index}", generator)
        if not isinstance(direction, HasCoordinate):
            return None
        place = direction.coordinate(z if direction.space == "z" else codes, generator).double()
        if place.ndim == 2:
            place = place[:, list(direction.layers.indices(place.shape[1]))].mean(1)
        columns.append(place)
    together = torch.cat([torch.stack(columns), factors.T])
    corr = torch.corrcoef(together)[:count, count:].nan_to_num().abs()
    return int((corr.amax(0) >= FAIR).sum())


def standings(quick: bool, models: tuple[str, ...], methods: list[str]) -> Iterator[Standing | str]:
    """Line by line, in the order of BOARD; a word instead where a method cannot work there."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("LATTY_HOME")
        os.environ["LATTY_HOME"] = folder
        try:
            for model in models:
                for method in methods:
                    try:
                        yield standing(method, model, quick, Path(folder))
                    except LattyError as error:
                        yield f"{method} on {model}: {error.message}"
        finally:
            os.environ.pop("LATTY_HOME")
            if before is not None:
                os.environ["LATTY_HOME"] = before


def note(line: Standing) -> str:
    reads = "" if line.read is None else f"{line.read} read by their coordinate, "
    return (
        f"{line.good}/{line.factors} factors >= {GOOD}, {line.fair} >= {FAIR}, {reads}"
        f"selectivity {line.selectivity:.2f}, leakage {line.leakage:.2f}, "
        f"monotone {line.monotone:.2f}, usable {line.low:+.1f}..{line.high:+.1f}, "
        f"{line.directions} directions, {line.seconds:.0f} s"
    )


def run(quick: bool = False) -> list[Line]:
    """All rows; `quick` searches shortly, on portraits alone."""
    torch.set_num_threads(1)
    result: list[Line] = []
    base: dict[str, float] = {}
    for line in standings(quick, MODELS[:1] if quick else MODELS, list(BOARD)):
        if isinstance(line, str):
            print(f"left out: {line}", file=sys.stderr)
            continue
        base.setdefault(line.model, line.selectivity)  # random comes first
        title = f"{line.method} on {line.model}: selectivity"
        ratio = line.selectivity / base[line.model]
        result.append((title, "random directions", ratio, note(line)))
    return result


def main(argv: list[str] | None = None) -> int:
    """The leaderboard in Markdown on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_methods")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="; ".join(BOARD))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", choices=MODELS)
    args = parser.parse_args(argv)
    for name in args.methods:
        if name not in BOARD:
            parser.error(f"no line '{name}' on the board")
    torch.set_num_threads(1)
    names = ("model", "method", "directions", "walk >= 0.9", ">= 0.7", "samples >= 0.7",
             "selectivity", "leakage", "monotone", "usable", "seconds")  # fmt: skip
    print(f"| {' | '.join(names)} |")
    print("|" + " --- |" * len(names), flush=True)
    models = (args.model,) if args.model else MODELS
    for line in standings(args.quick, models, args.methods or list(BOARD)):
        if isinstance(line, str):
            print(f"left out: {line}", file=sys.stderr)
            continue
        reads = "" if line.read is None else line.read
        cells = [line.model, line.method, line.directions, line.good, line.fair, reads]
        figures = (line.selectivity, line.leakage, line.monotone)
        cells += [f"{figure:.2f}" for figure in figures]
        cells += [f"{line.low:+.1f} to {line.high:+.1f}", f"{line.seconds:.0f}"]
        print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
