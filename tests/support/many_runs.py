"""Runs command lines one after the other in one process: python many_runs.py HOME < JSON.

Registries look at other distributions once in a process, so tests of outside entries need one of
their own, and a process for every line would import torch every time.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli_process import environment
from places import LIMIT

Done = subprocess.CompletedProcess[str]


def run_all(lines: Sequence[str], home: Path, **more: str) -> list[Done]:
    """Each line's result, in order; `more` are environment variables."""
    support = str(Path(__file__).parent)
    more["PYTHONPATH"] = ":".join([support, *filter(None, [more.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, __file__, str(home)],
        input=json.dumps([line.split() for line in lines]),
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Done(words, *told) for words, *told in json.loads(done.stdout)]


def main() -> None:
    from cli_in_process import latty

    home, paths = Path(sys.argv[1]), __import__("os").environ["PYTHONPATH"]
    results = []
    for words in json.load(sys.stdin):
        done = latty(*words, home=home, PYTHONPATH=paths)
        results.append((words, done.returncode, done.stdout, done.stderr))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
