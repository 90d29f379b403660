"""Run every benchmark of this folder and print tables: what, against what, ratio, note.

A benchmark is a file bench_NAME.py with run(quick: bool) -> [(what, against, ratio, note), ...].
A ratio above 1 means that latty is better. Processor time, not wall time, unless the note says so.
What is printed is Markdown: docs/benchmarks.md takes it as it is. Against means the other
program's own code where a package carries it (`make peers` installs it); what is written out here
for want of one, after its equations, says so.

    python -m benchmarks [--quick] [NAME ...]
"""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks._setting import moment, setting
from latty.errors import did_you_mean


def names() -> list[str]:
    """The benchmarks of this folder."""
    return sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*")
    )


def table(name: str, quick: bool) -> None:
    """Run one benchmark and print its rows as they come."""
    begun = time.monotonic()
    print(f"\n### {name}, {moment()}\n\n| what | against | ratio | note |", flush=True)
    print("| --- | --- | --- | --- |", flush=True)
    try:
        for what, against, ratio, note in import_module(f"benchmarks.bench_{name}").run(quick):
            print(f"| {what} | {against} | {ratio:.2f}x | {note} |", flush=True)
    finally:
        print(f"\n{time.monotonic() - begun:.0f} s", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the named benchmarks, or all; 1 where one of them failed, 2 for a name that is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher figures")
    args = parser.parse_args(argv)
    for name in args.names:
        if name not in names():
            print(f"no benchmark '{name}', {did_you_mean(name, names())}", file=sys.stderr)
            return 2
    print("\n".join(f"- {line}" for line in setting()), flush=True)
    failed = []
    for name in args.names or names():
        try:
            table(name, args.quick)
        except Exception as error:  # the figures of the others must not be lost with it
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if failed:
        print(f"without figures: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
