"""Every fault at every call of every verb, as a table: python fault_table.py [EVERY [VERB [KEPT]]].

EVERY   of the faults of a verb one in so many (default 1); what they are changes from verb to verb
VERB    a part of the names of those that are tried
KEPT    a folder that keeps what was found: a verb that is in it is not run again
"""

import errno
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from fault_jobs import LIVES, JobTrial
from fault_rules import ERRORS, Tally, Trial, all_faults, tried
from fault_verbs import VERBS, Verb
from faults import Disk, Runner

COLUMNS = (*map(errno.errorcode.__getitem__, ERRORS), "EINTR", "short", "kill")
CASES = (*VERBS, *LIVES)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a disk whose syncs cost nothing


def tally_of(task: tuple[int, int, str]) -> tuple[Tally, float]:
    """Of one verb, and the seconds that it took."""
    number, every, kept = task
    file = Path(kept, f"{number:02d}.json")
    if kept and file.exists():
        return _read(json.loads(file.read_text()))
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        (said := Path(place) / "said").mkdir()
        run = Runner(Disk(Path(place) / "disk"), said)
        case = CASES[number]
        trial = Trial(case, run) if isinstance(case, Verb) else JobTrial(case, run)
        tally = tried(trial, list(all_faults(trial.calls, trial.reads))[number % every :: every])
        run.close()
    seconds = time.monotonic() - start
    if kept:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([vars(tally), seconds]))
    return tally, seconds


def _read(kept: Any) -> tuple[Tally, float]:
    found, seconds = kept
    ended = Counter({int(code): count for code, count in found["ended"].items()})
    return Tally(**{**found, "tried": Counter(found["tried"]), "ended": ended}), seconds


def main() -> int:
    """Prints the table, and on stderr what was wrong; 1 where anything was."""
    every, word, kept = [*sys.argv[1:4], *("1", "", "")[len(sys.argv[1:4]) :]]
    numbers = [number for number in range(len(CASES)) if word in CASES[number].name]
    print(
        f"| verb | calls | {' | '.join(COLUMNS)} | missed | ended well | said in a line | wrong |"
    )
    print("|---" * (len(COLUMNS) + 6) + "|", flush=True)
    wrong = 0
    with Pool(2) as pool:
        for tally, seconds in pool.imap(tally_of, [(n, int(every), kept) for n in numbers]):
            print(*_row(tally), sep=" | ", flush=True)
            print(f"{tally.verb}: {seconds:.0f} s", *tally.wrong, sep="\n  ", file=sys.stderr)
            wrong += len(tally.wrong)
    return bool(wrong)


def _row(tally: Tally) -> Iterator[object]:
    yield f"| {tally.verb}"
    yield tally.calls
    yield from (tally.tried[column] for column in COLUMNS)
    yield tally.missed
    yield tally.ended[0]
    yield tally.ended[74]
    yield f"{len(tally.wrong)} |"


if __name__ == "__main__":
    sys.exit(main())
