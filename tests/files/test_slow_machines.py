"""The time that a file may take is that of this machine: a slow one gives more, and none no end."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from latty import budget
from latty.errors import BadData

TIMES = 8


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A processor that takes eight times as long for everything."""
    clock = SimpleNamespace(thread_time=lambda: TIMES * time.thread_time())
    monkeypatch.setattr(budget, "time", clock)
    budget.slowness.cache_clear()
    yield
    budget.slowness.cache_clear()


def work(seconds: float, tally: budget.Budget) -> None:
    end = time.thread_time() + seconds
    with tally.looking():
        while time.thread_time() < end:
            tally.check_time()


@pytest.mark.usefixtures("slow")
def test_a_good_file_is_not_refused_where_all_takes_longer() -> None:
    tally = budget.Budget(limits={})
    assert 1.5 * tally.seconds < TIMES * 0.25
    work(0.25, tally)
    with pytest.raises(BadData, match="a few seconds"):
        work(60, tally)


def test_the_machine_is_measured_only_where_time_is_over() -> None:
    budget.slowness.cache_clear()
    work(0.05, budget.Budget(limits={}))
    assert budget.slowness.cache_info().misses == 0
    with pytest.raises(BadData):
        work(60, budget.Budget(limits={}, seconds=0.05))
    assert budget.slowness.cache_info().misses == 1
    assert 1 <= budget.slowness() <= budget.SLOWEST
