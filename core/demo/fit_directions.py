"""Finds the directions that ship with an embedded model and prints their figures.

python -m core.demo.fit_directions portraits|demo [-n 12000] [--minimum 0.75] [--json] [-o FILE]

Writes core/demo/directions/NAME.safetensors and, to standard output, a table for the model card
(or JSON). The same command with the same weights writes the same bytes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from core import home
from core.directions import save
from core.directions._base import Info
from core.directions.tlgan import METHOD
from core.models import open_model

MODELS = ("portraits", "demo")
COLUMNS = ("corr", "monotone", "effect", "effect_sd", "crossed", "leakage", "drift", "r2")


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, write, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m core.demo.fit_directions")
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("-n", "--samples", type=int, default=12_000)
    parser.add_argument("--minimum", type=float, default=0.75, help="drop a lower correlation")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-o", "--out", type=Path, help="where to write the set")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)  # on a busy machine a second thread mostly waits
    generator = open_model(args.model, args.device)
    method = METHOD(samples=args.samples, minimum=args.minimum).fit(generator, _progress)
    path = args.out or home.shipped_dir() / "directions" / f"{args.model}.safetensors"
    save(path, "tlgan", method, generator)
    infos = sorted(method.infos_, key=lambda info: -dict(info.scores)["corr"])
    if args.json:
        print(json.dumps([_row(info) for info in infos], indent=1))
    else:
        print(_table(infos))
    if method.dropped_:
        words = ", ".join(f"{name} ({corr:.2f})" for name, corr in method.dropped_)
        print(f"dropped for a correlation below {args.minimum}: {words}", file=sys.stderr)
    return 0


def _progress(done: int, total: int, what: str) -> None:
    print(
        f"\r{what} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True
    )


def _row(info: Info) -> dict[str, str | float]:
    figures = {"sigma": info.sigma, "low": info.usable[0], "high": info.usable[1]}
    return {"name": info.name, "layers": str(info.layers), **figures, **dict(info.scores)}


def _table(infos: Sequence[Info]) -> str:
    """Markdown; one direction a line, best first."""
    lines = [f"| direction | layers | usable | sigma | {' | '.join(COLUMNS)} |"]
    lines.append("|" + " --- |" * (len(COLUMNS) + 4))
    for info in infos:
        scores = dict(info.scores)
        figures = " | ".join(f"{scores[column]:.2f}" for column in COLUMNS)
        usable = f"{info.usable[0]:g} to {info.usable[1]:g}"
        lines.append(f"| {info.name} | {info.layers} | {usable} | {info.sigma:.2f} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
