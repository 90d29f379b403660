"""Every verb that writes under kills at random moments: nothing half made, no lie, no leak.

`make chaos` sends a thousand of them (support/chaos.py), LATTY_CHAOS=N another number here;
LATTY_CHAOS_SEED repeats a run that failed.
"""

import os
import time
from pathlib import Path

import chaos
import job_processes
import pytest

KILLS = int(os.environ.get("LATTY_CHAOS", "16"))
SEED = int(os.environ.get("LATTY_CHAOS_SEED") or time.time_ns() % 10**9)
PARTS = 2  # tests, so that two cores share them
FEW = ("render (the same, a job)", "edit", "train-scorer", "fetch")  # too few kills for every row
CASES = [case for case in chaos.CASES if KILLS >= 200 or case.name in FEW]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_kills_at_random_moments(part: int, tmp_path: Path) -> None:
    print(f"LATTY_CHAOS_SEED={SEED}")
    tallies = chaos.run(KILLS // PARTS, SEED, tmp_path, CASES[part::PARTS], lanes=1)
    print(chaos.table(tallies))
    assert not chaos.faults(tallies)
    assert all(one.runs == one.equal > 0 and one.kills for one in tallies)
    assert not job_processes.job_processes()
