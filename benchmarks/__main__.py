"""Run every benchmark of this folder and print one table: what, against what, ratio, note.

A benchmark is a file bench_NAME.py with run(quick: bool) -> [(what, against, ratio, note), ...].
A ratio above 1 means that latty is better. Processor time, not wall time, unless the note says so.

    python -m benchmarks [--quick] [NAME ...]
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from latty.errors import did_you_mean


def names() -> list[str]:
    """The benchmarks of this folder."""
    return sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*")
    )


def main(argv: list[str] | None = None) -> int:
    """Run the named benchmarks, or all; 2 for a name that is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher figures")
    args = parser.parse_args(argv)
    for name in args.names:
        if name not in names():
            print(f"no benchmark '{name}', {did_you_mean(name, names())}", file=sys.stderr)
            return 2
    print(f"{'what':<52} {'against':<36} {'ratio':>7}  note", flush=True)
    for name in args.names or names():
        for what, against, ratio, note in import_module(f"benchmarks.bench_{name}").run(args.quick):
            print(f"{what:<52} {against:<36} {ratio:>6.2f}x  {note}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
