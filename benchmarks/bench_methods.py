"""The leaderboard: what every method finds on the two models whose attributes can be measured.

`portraits` knows its 23 factors exactly; on `demo` the regressor reads them off the pictures. Each
method searches with the settings below, then every direction is walked from -3 to +3 sigma from
seeds no method has seen, and for each factor the direction that follows it best is taken. `random`
is the baseline: the ratio is the mean best |corr| against it. Sets are made in a home of their own,
so that nothing is taken from a cache.

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

from core.directions import _discover
from core.errors import LattyError
from core.models import open_model
from core.rank import Plan, Row, best, curves, rows

Line = tuple[str, str, float, str]
MODELS = ("portraits", "demo")
SIZE = 64  # px at which `portraits` is drawn for methods that look at pictures
SEEDS = range(900_000, 900_016)  # beyond what any method samples
SPAN, STEPS = 3.0, 7
GOOD, FAIR = 0.9, 0.7

# What each method is given; the first of two is for --quick.
BOARD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the leaderboard: of each factor's best direction, the mean over factors."""

    method: str
    model: str
    directions: int
    factors: int
    good: int
    fair: int
    corr: float
    leakage: float
    monotone: float
    low: float
    high: float
    seconds: float


def standing(method: str, model: str, quick: bool, folder: Path) -> Standing:
    """Search, walk, measure. Raises LattyError where the method cannot work on the model."""
    generator: Any = open_model(model, "cpu")
    generator = generator.at_size(SIZE) if hasattr(generator, "at_size") else generator
    target = folder / f"{model}-{method}.safetensors"
    begun = time.monotonic()
    header = _discover.discover(method, BOARD[method][0 if quick else 1], generator, target)
    took = time.monotonic() - begun
    from core.attributes import parse_attributes

    wanted = tuple(parse_attributes("factors", generator))
    seeds = tuple(SEEDS[:4] if quick else SEEDS)
    found = curves(Plan(str(target), model, wanted, seeds, span=SPAN, steps=STEPS), generator)
    leaders = [best(rows(found), name, "corr", 1)[0] for name in found.attributes]
    return summed(method, model, len(header.infos), leaders, took)


def summed(method: str, model: str, count: int, leaders: list[Row], took: float) -> Standing:
    """The means over the factors' best directions."""
    sizes = [abs(row.figures.corr) for row in leaders]

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return Standing(
        method,
        model,
        count,
        len(leaders),
        sum(size >= GOOD for size in sizes),
        sum(size >= FAIR for size in sizes),
        mean(sizes),
        mean([row.figures.leakage for row in leaders]),
        mean([row.figures.monotone for row in leaders]),
        mean([row.figures.low for row in leaders]),
        mean([row.figures.high for row in leaders]),
        took,
    )


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
    return (
        f"{line.good}/{line.factors} factors >= {GOOD}, {line.fair} >= {FAIR}, "
        f"|corr| {line.corr:.2f}, leakage {line.leakage:.2f}, monotone {line.monotone:.2f}, "
        f"usable {line.low:+.1f}..{line.high:+.1f}, {line.directions} directions, "
        f"{line.seconds:.0f} s"
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
        base.setdefault(line.model, line.corr if line.method == "random" else float("nan"))
        title = f"{line.method} on {line.model}"
        result.append((title, "random directions", line.corr / base[line.model], note(line)))
    return result


def main(argv: list[str] | None = None) -> int:
    """The leaderboard in Markdown on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_methods")
    parser.add_argument("methods", nargs="*", choices=[[], *BOARD], metavar="METHOD")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", choices=MODELS)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    print("| model | method | directions | >= 0.9 | >= 0.7 | best corr | leakage | monotone "
          "| usable | seconds |")  # fmt: skip
    print("|" + " --- |" * 10, flush=True)
    models = (args.model,) if args.model else MODELS
    for line in standings(args.quick, models, args.methods or list(BOARD)):
        if isinstance(line, str):
            print(f"left out: {line}", file=sys.stderr)
            continue
        cells = [line.model, line.method, line.directions, line.good, line.fair]
        cells += [f"{figure:.2f}" for figure in (line.corr, line.leakage, line.monotone)]
        cells += [f"{line.low:+.1f} to {line.high:+.1f}", f"{line.seconds:.0f}"]
        print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
