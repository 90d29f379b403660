"""Finds the directions that ship with the embedded models and prints their figures.

python -m training.fit_directions [NAME ...] [--json] [-o FOLDER]

Writes directions/NAME.safetensors among what ships, for every set of SETS or those named, and, to
standard output, a table for the model card (or JSON). The same command with the same weights writes
the same bytes. `portraits` and `demo` are the sets with names; the others show what each method
finds.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from latty import home
from latty.directions.base import Info
from latty.directions.discovery import discover
from latty.directions.file import DirectionSet
from latty.models import open_model


@dataclass(frozen=True, slots=True)
class Recipe:
    """One shipped set."""

    model: str
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


SETS = {
    "portraits": Recipe("portraits", "tlgan", {"samples": 20_000, "minimum": 0.75}),
    "demo": Recipe("demo", "tlgan", {"samples": 12_000, "minimum": 0.75}),
    "portraits-ganspace": Recipe("portraits", "ganspace", {"samples": 20_000, "components": 12}),
    "portraits-sefa": Recipe(
        "portraits", "sefa", {"layers": ("0", "1", "2", "3"), "components": 3}
    ),
    "portraits-interfacegan": Recipe(
        "portraits",
        "interfacegan",
        {"names": ("smile", "glasses", "yaw", "age"), "conditions": ("all",)},
    ),
    "portraits-random": Recipe("portraits", "random", {"components": 4}),
    "portraits-ascent": Recipe("portraits", "ascent", {"names": ("smile", "glasses", "age")}),
    "portraits-plumerault": Recipe("portraits", "plumerault"),
    "portraits-voynov": Recipe("portraits", "voynov", {"directions": 8, "iterations": 600}),
    "portraits-warped": Recipe(
        "portraits", "warped", {"paths": 8, "dipoles": 16, "iterations": 600}
    ),
    "demo-activations": Recipe(
        "demo",
        "ganspace",
        {"layer": "b8.conv1", "edit": "activation", "samples": 10_000, "components": 4},
    ),
}
FIGURES = {  # beside the presets that show them, in no list of the studio
    "demo-ganspace": Recipe("demo", "ganspace", {"samples": 20_000, "components": 12}),
    "demo-random": Recipe("demo", "random", {"components": 4}),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, write, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.fit_directions")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*SETS, *FIGURES]))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-o", "--out", type=Path, help="the folder to write to")
    args, every = parser.parse_args(argv), {**SETS, **FIGURES}
    for name in args.names:
        if name not in every:
            parser.error(f"no set '{name}'")
    torch.set_num_threads(args.threads)  # on a busy machine a second thread mostly waits
    shipped = {False: home.shipped_dir() / "directions", True: home.presets_dir() / "figures"}
    for name in args.names or every:
        recipe, folder = every[name], args.out or shipped[name in FIGURES]
        generator = open_model(recipe.model, args.device)
        target = folder / f"{name}.safetensors"
        header = discover(
            recipe.method, recipe.params, generator, target, _progress, overwrite=True
        )
        print(
            json.dumps([_row(i) for i in header.infos], indent=1) if args.json else _table(header)
        )
    return 0


def _progress(done: int, total: int, what: str) -> None:
    end = "\n" if done == total else ""
    print(f"\r{what} {done}/{total}", end=end, file=sys.stderr, flush=True)


def _row(info: Info) -> dict[str, str | float]:
    figures = {"sigma": info.sigma, "low": info.usable[0], "high": info.usable[1]}
    return {"name": info.name, "layers": str(info.layers), **figures, **dict(info.scores)}


def _table(header: DirectionSet) -> str:
    """Markdown; one direction a line, best first."""
    infos = sorted(header.infos, key=lambda info: -dict(info.scores).get("corr", 0.0))
    columns = [key for key, _ in infos[0].scores]
    lines = [f"| direction | layers | usable | sigma | {' | '.join(columns)} |"]
    lines.append("|" + " --- |" * (len(columns) + 4))
    for info in infos:
        scores = dict(info.scores)
        figures = " | ".join(f"{scores.get(column, float('nan')):.2f}" for column in columns)
        usable = f"{info.usable[0]:g} to {info.usable[1]:g}"
        lines.append(f"| {info.name} | {info.layers} | {usable} | {info.sigma:.2f} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
