"""Jobs on a disk that fails at any call of whoever is at it: the command, the supervisor, the
worker. `make faults` tries every fault, this one for each call."""

from collections.abc import Iterator

import pytest
from fault_jobs import LIVES, JobTrial, Life
from fault_rules import in_turn, tried
from faults import Disk, Runner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(Disk(tmp_path_factory.mktemp("disk")), tmp_path_factory.mktemp("said"))
    yield runner
    runner.close()


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_no_job_is_lost_or_lied_about(run: Runner, life: Life) -> None:
    trial = JobTrial(life, run)
    tally = tried(trial, [*in_turn(trial.calls)][::4])
    assert not tally.wrong, "\n".join(tally.wrong)
    assert len(tally.ended) > 1
