"""What latty does on the GPU of this machine: parity, bytes, kernels, graphs, speed, in one table.

Every row is a process of its own, with seconds that it may take: what fails or hangs there says so,
and the others go on. All of it takes eight minutes at most. Without a GPU it ends with 69.

    python -m benchmarks.gpu [--rehearse] [ROW ...]

--rehearse runs every row small on the CPU, where no goal is met: it shows that the rows work.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 470  # of all rows
DEVICE_MISSING = 69
LINE = "{:<44} {:<74} {:<18} {}"


def main(argv: list[str] | None = None) -> int:
    """0 where every goal was met, 1 where one was not, 2 for no row of ours, 69 without a GPU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--rehearse", action="store_true", help="small, on the CPU")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    import torch

    if not args.rehearse and not torch.cuda.is_available():
        print(f"make gpu: torch {torch.__version__} sees no GPU here", file=sys.stderr)
        return DEVICE_MISSING
    from benchmarks._gpu_rows import ROWS

    if unknown := [row for row in args.rows if row not in ROWS]:
        print(f"no row '{unknown[0]}'; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    if args.in_process:
        _measure(args.rows[0], args.rehearse)
        return 0
    print(LINE.format("what", "measured", "goal", "met"), flush=True)
    met, begun = True, time.monotonic()
    for row in args.rows or ROWS:
        left = SECONDS - (time.monotonic() - begun)
        most = left if args.rehearse else min(ROWS[row][1], left)  # a CPU may be busy
        for what, value, goal, good in apart(row, most, args.rehearse):
            word = {True: "yes", False: "NO", None: ""}[good]
            print(LINE.format(what, value, goal, word).rstrip(), flush=True)
            met = met and good is not False
    print(f"{time.monotonic() - begun:.0f} s in all", flush=True)
    return 0 if met else 1


def _measure(row: str, small: bool) -> None:
    """Say what a row finds, a line of JSON each."""
    import torch

    from benchmarks._gpu_rows import ROWS, Found, Place
    from latty.models.device import pick_device

    place = Place(pick_device("cpu" if small else "cuda"), small)
    try:
        for found in ROWS[row][0](place):
            print(json.dumps(found), flush=True)
    except Exception as error:
        import traceback

        traceback.print_exc()
        print(json.dumps(Found(row, f"{type(error).__name__}: {error}"[:300], "runs", False)))
    if place.device.type == "cuda":
        most = torch.cuda.max_memory_allocated(place.device) / 2**30
        print(json.dumps(Found(f"{row}: most memory", f"{most:.1f} GiB")), flush=True)


def apart(row: str, seconds: float, small: bool) -> Iterator[tuple[str, str, str, bool | None]]:
    """What a row finds in a process of its own; what was found until it was stopped."""
    if seconds < 5:
        yield row, "no time was left for it", "runs", False
        return
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-m", "benchmarks.gpu", "--in-process", row]
        path = os.pathsep.join([str(ROOT), str(ROOT / "core"), str(ROOT / "tui")])
        env = {**os.environ, "LATTY_HOME": home, "PYTHONPATH": path}
        with Path(home, "said").open("w+") as said, Path(home, "wrong").open("w+") as wrong:
            try:
                words += ["--rehearse"] if small else []
                ended: object = subprocess.run(
                    words, cwd=ROOT, env=env, stdout=said, stderr=wrong, timeout=seconds
                ).returncode
            except subprocess.TimeoutExpired:
                ended = f"stopped after {seconds:.0f} s"
            said.seek(0)
            for line in said:
                if line.startswith("["):
                    what, value, goal, good = json.loads(line)
                    yield what, " ".join(value.split()), goal, good
            wrong.seek(0)
            words_said = wrong.read().strip()
        if ended != 0:
            yield row, f"ended with {ended}: {' '.join(words_said[-200:].split())}", "runs", False
        if words_said:
            print(words_said[-3000:], file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
