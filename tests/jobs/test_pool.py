"""Processes that do shards: every kind of death, errors, cancel, shutdown, warmth, patience."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pool_tasks as tasks
import pytest
from places import LIMIT, ROOT
from processes import alive, wait

from latty.errors import BadData, Interrupted, LattyError, PresetError
from latty.jobs import shards
from latty.jobs.pool import TRIES, LocalPool, finished, opened
from latty.models import open_model
from latty.shard import Shard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two() -> Iterator[LocalPool]:
    """Two processes that every test may use, and that no test may hurt for the next."""
    with opened("local", ["cpu", "cpu"]) as pool:
        yield pool  # type: ignore[misc]


def runs(folder: Path, number: int) -> list[str]:
    file = folder / f"ran-{number}"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, 0], ids=["kill", "segv", "exit"])
def test_a_dead_process_breaks_only_its_own_shard(how: int, two: LocalPool, tmp_path: Path) -> None:
    dying = two.submit(tasks.die, str(tmp_path), how, 1)
    others = [two.submit(tasks.noted, str(tmp_path), n, 0.05) for n in range(1, 9)]
    assert [other.result(60) for other in others] == [n * n for n in range(1, 9)]
    first, second = runs(tmp_path, 0)[0], str(dying.result(60))
    assert runs(tmp_path, 0) == [first, second] and first != second
    assert all(len(runs(tmp_path, n)) == 1 for n in range(1, 9))


def test_a_shard_that_always_kills_is_given_up(two: LocalPool, tmp_path: Path) -> None:
    with pytest.raises(LattyError, match=f"died {TRIES} times") as told:
        two.submit(tasks.die, str(tmp_path), signal.SIGKILL, 99).result(60)
    assert "goes on" in str(told.value)
    assert len(runs(tmp_path, 0)) == TRIES
    assert two.submit(tasks.noted, str(tmp_path), 5).result(60) == 25


def test_one_that_dies_while_it_hands_in_is_not_waited_for(two: LocalPool) -> None:
    """Half a result in a pipe that this process could write to, too, was waited for for ever."""
    with pytest.raises(LattyError, match=f"died {TRIES} times"):
        two.submit(tasks.torn).result(60)
    assert two.submit(abs, -3).result(60) == 3


def test_a_process_that_died_idle_is_replaced(tmp_path: Path) -> None:
    with opened("local", ["cpu"]) as pool:
        first = pool.submit(os.getpid).result(60)
        os.kill(first, signal.SIGKILL)
        wait(lambda: not alive(first))
        assert pool.submit(os.getpid).result(60) != first


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("value", ValueError, "a wrong value"),
        ("device", LattyError, "no device (take another)"),
        ("preset", PresetError, "x.toml:3:1: key: is wrong"),
        ("interrupted", Interrupted, "interrupted (go on)"),
        ("refusal", BadData, "page"),
        ("foreign", RuntimeError, "Foreign: 1 and 2"),
        ("lambda", Exception, "pickle"),
    ],
)
def test_errors_come_home(kind: str, error: type[Exception], words: str, two: LocalPool) -> None:
    found = two.submit(tasks.fail, kind).exception(60)
    assert isinstance(found, error) and words in str(found).replace("PicklingError", "pickle")
    if kind == "interrupted":
        assert found.exit_code == 143  # type: ignore[attr-defined]
    if kind == "preset":
        assert found.problems[0].line == 3  # type: ignore[attr-defined]


def test_what_waits_can_be_cancelled(tmp_path: Path) -> None:
    with opened("local", ["cpu"]) as pool:
        busy = pool.submit(tasks.noted, str(tmp_path), 1, 0.5)
        later = pool.submit(tasks.noted, str(tmp_path), 2)
        assert later.cancel()
        assert busy.result(60) == 1 and not busy.cancel()
        assert pool.submit(tasks.noted, str(tmp_path), 3).result(60) == 9
    assert not runs(tmp_path, 2)


def test_shutdown_finishes_what_there_is_and_leaves_no_process(tmp_path: Path) -> None:
    pool = LocalPool(["cpu"])
    found = [pool.submit(tasks.noted, str(tmp_path), n) for n in range(3)]
    pool.shutdown()
    assert [one.result(0) for one in found] == [0, 1, 4]
    assert not alive(int(runs(tmp_path, 0)[0]))
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(os.getpid)


def test_shutdown_can_call_off_what_has_not_begun(tmp_path: Path) -> None:
    pool = LocalPool(["cpu"])
    found = [pool.submit(tasks.noted, str(tmp_path), n, 0.5) for n in range(3)]
    wait(lambda: runs(tmp_path, 0))
    pool.shutdown(cancel_futures=True)
    assert found[0].result(0) == 0 and found[2].cancelled() and not runs(tmp_path, 2)


def test_kill_ends_what_runs(tmp_path: Path) -> None:
    pool = LocalPool(["cpu"])
    found = pool.submit(tasks.nap, str(tmp_path), 1, 60)
    wait(lambda: runs(tmp_path, 1))
    pool.kill()
    assert isinstance(found.exception(LIMIT), LattyError)
    wait(lambda: not alive(int(runs(tmp_path, 1)[0])))
    assert len(runs(tmp_path, 1)) == 1 and not (tmp_path / "woke-1").exists()


PARENT = """
import sys, time
sys.path.insert(0, {support!r})
import pool_tasks
from latty.jobs.pool import LocalPool
if __name__ == "__main__":
    pool = LocalPool(["cpu", "cpu"])
    for number in (1, 2):
        pool.submit(pool_tasks.noted, {folder!r}, number, 60)
    time.sleep(60)
"""


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    support = str(ROOT / "tests/support")
    script.write_text(PARENT.format(support=support, folder=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, str(script)])
    try:
        wait(lambda: runs(tmp_path, 1) and runs(tmp_path, 2))
    finally:
        parent.kill()
        parent.wait()
    children = [int(runs(tmp_path, number)[0]) for number in (1, 2)]
    wait(lambda: not any(map(alive, children)))


def test_signals_of_the_terminal_are_for_the_parent(two: LocalPool, tmp_path: Path) -> None:
    slow = two.submit(tasks.noted, str(tmp_path), 7, 1.0)
    wait(lambda: runs(tmp_path, 7))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(int(runs(tmp_path, 7)[0]), number)
    assert slow.result(60) == 49 and len(runs(tmp_path, 7)) == 1


STARTING = """
import os, signal, sys
if "--multiprocessing-fork" in sys.orig_argv:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
"""
ASK = """
import os
from latty.jobs.pool import LocalPool
LocalPool(["cpu"]).submit(os.getpid).result()
"""


def test_signals_of_the_terminal_reach_a_process_that_starts_and_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(STARTING)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, timeout=LIMIT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_each_process_has_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "none of these")
    with opened("local", ["1", "MIG-ab/3/0"]) as pool:
        calls = [("CUDA_VISIBLE_DEVICES",)] * 12
        seen = dict(tasks.spread(pool, tasks.environment, calls))
    assert len(seen) in (1, 2) and set(seen.values()) <= {"1", "MIG-ab/3/0"}


@pytest.mark.parametrize("said", [None, "3"])
def test_one_thread_each_unless_told(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    if said:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    with opened("local", ["cpu"]) as pool:
        assert pool.submit(tasks.environment, "OMP_NUM_THREADS").result(60)[1] == (said or "1")


def test_reports_come_often_and_may_end_it(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []

    def report(done: int, total: int, what: str) -> None:
        told.append((done, total, what))
        if len(told) == 8:
            raise Interrupted(signal.SIGINT)

    calls = [(str(tmp_path), number, 30.0) for number in range(3)]
    with pytest.raises(Interrupted), opened("local", ["cpu"]) as pool:
        tasks.spread(pool, tasks.nap, calls, report, "naps")
    assert told == [(0, 3, "naps")] * 8, "all of them before the first nap is over"
    assert not runs(tmp_path, 2) and not (tmp_path / "woke-0").exists()


def test_steps_are_finished_before_an_interruption_is_raised(tmp_path: Path) -> None:
    """Also where its process is just starting, or nobody has begun yet."""
    for late in (False, True):
        begun = tmp_path / str(late)
        begun.mkdir()

        def report(done: int, total: int, what: str, late: bool = late, at: Path = begun) -> None:
            if not late or runs(at, 1):
                raise Interrupted(signal.SIGINT)

        calls = [(str(begun), number, 0.7) for number in range(1, 4)]
        with pytest.raises(Interrupted) as told, opened("local", ["cpu"]) as pool:
            assert not [*finished(pool, tasks.steps, calls, report, by_steps=True)]
        assert told.value.exit_code == 130
        assert not runs(begun, 2)
        steps = len([*begun.glob("step-1-*")])
        assert steps >= 1 if late else steps <= 1
        assert len(runs(begun, 1)) in ((1,) if late else (0, 1))
        assert not (begun / "left-1").exists(), "a step was cut off"


def test_spread_keeps_the_order_and_raises_the_first_error(two: LocalPool, tmp_path: Path) -> None:
    calls = [(str(tmp_path), n, 0.3 - 0.1 * n) for n in range(4) if n < 3]
    assert tasks.spread(two, tasks.noted, calls) == [0, 1, 4]
    with pytest.raises(ValueError, match="wrong value"):
        tasks.spread(two, tasks.fail, [("value",)])
    with pytest.raises(CancelledError):
        future = LocalPool([]).submit(os.getpid)
        assert future.cancel()
        future.result()


# --- shards ---------------------------------------------------------------------------------------


def made(folder: Path, function: Callable[..., bytes], *arguments: Any) -> Shard:
    file = folder / "deep" / f"{arguments[0] if arguments else 'x'}.bin"
    return Shard(function, arguments, file, file.is_file)


def test_a_process_opens_the_model_once_and_keeps_it(tmp_path: Path) -> None:
    pieces = [made(tmp_path, tasks.opened, n, 0.1) for n in range(8)]
    generator = open_model("portraits", "cpu")
    with opened("local", ["cpu", "cpu"]) as pool:
        shards.run(pieces[:5], pool, "portraits", generator)
        shards.run(pieces, pool, "portraits", generator)
    told = [piece.file.read_text().split() for piece in pieces]
    assert {misses for _, misses, _ in told} == {"1"}
    assert [int(number) for _, _, number in told] == list(range(8))
    assert 1 <= len({pid for pid, _, _ in told}) <= 2


def test_files_that_are_there_are_done(two: LocalPool, tmp_path: Path) -> None:
    pieces = [made(tmp_path, tasks.opened, n) for n in range(3)]
    pieces[1].file.parent.mkdir()
    pieces[1].file.write_bytes(b"before")
    told: list[tuple[int, int]] = []
    generator = open_model("portraits", "cpu")
    shards.run(pieces, two, "portraits", generator, lambda a, b, _: told.append((a, b)))
    assert pieces[1].file.read_bytes() == b"before"
    assert told[0] == (1, 3) and told[-1] == (3, 3)
    assert not [file for file in (tmp_path / "deep").iterdir() if file.suffix != ".bin"]


def test_an_error_ends_it_and_what_was_done_stays(two: LocalPool, tmp_path: Path) -> None:
    pieces = [made(tmp_path, tasks.opened, 1), made(tmp_path, tasks.refuse)]
    generator = open_model("portraits", "cpu")
    shards.run(pieces[:1], two, "portraits", generator)
    with pytest.raises(BadData, match="cannot be made"):
        shards.run(pieces, two, "portraits", generator)
    assert pieces[0].file.is_file() and not pieces[1].file.exists()


def test_another_model_of_that_name_is_refused(two: LocalPool, tmp_path: Path) -> None:
    here = open_model("demo", "cpu")
    with pytest.raises(BadData, match="another file on this machine"):
        shards.run([made(tmp_path, tasks.opened, 1)], two, "portraits", here)
    call = (("portraits", "cpu", "fp32"), "", "0.0.0")
    with pytest.raises(BadData, match=r"0\.0\.0 at home"):
        two.submit(shards.at_work, call, tasks.opened, (1,)).result(60)
