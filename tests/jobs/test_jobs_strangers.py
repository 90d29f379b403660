"""Jobs where others may write, where many submit at once, and with files that are none."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import job_processes
import pytest
from cli_in_process import latty
from job_processes import probe
from processes import wait

from latty import home
from latty.errors import BadData, LattyError
from latty.jobs import control, run
from latty.jobs.run import JobSpec

EVE = 65534


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


def kept(state: run.State = "queued") -> str:
    """A job on disk that nobody works on."""
    spec = JobSpec("", ("render", "probe:sleep=0"), "/", submitted=time.time())
    status, lock = control.created(spec)
    if state != "queued":
        run.write_status(run.replace(status, state=state))
    os.close(lock)
    return status.id


# --- many at once ---------------------------------------------------------------------------------


def test_many_threads_make_jobs_while_others_sweep_and_list() -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            run.sweep()
            assert all(status.spec.words for status in run.listed())

    with ThreadPoolExecutor(18) as threads:
        lookers = [threads.submit(look) for _ in range(2)]
        made = list(threads.map(lambda _: kept(), range(200)))
        stop.set()
        assert [looker.result() for looker in lookers] == [None, None]
    assert sorted(set(made)) == run.ids() and len(made) == 200


SUBMIT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from latty.jobs import control
with ThreadPoolExecutor(int(sys.argv[1])) as threads:
    for job in threads.map(lambda _: control.submit(["render", "probe:sleep=0"]), range(int(sys.argv[2]))):
        print(job)
"""  # noqa: E501


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "threads", "each"), [(1, 16, 200), (8, 2, 25)])
def test_two_hundred_submits_are_two_hundred_jobs(
    processes: int, threads: int, each: int, tmp_path: Path
) -> None:
    first = probe(f"until={tmp_path / 'go'}")
    words = [sys.executable, "-c", SUBMIT, str(threads), str(each)]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(processes)]
    while any(one.poll() is None for one in running):
        run.sweep()
        assert latty("jobs", "list", home=tmp_path, **os.environ).returncode == 0
    told = [line for one in running for line in one.communicate()[0].decode().split()]
    assert [one.returncode for one in running] == [0] * processes
    assert len(set(told)) == 200 and run.ids() == sorted([first, *told])
    for job in told:
        control.cancel(job)
    (tmp_path / "go").touch()
    wait(lambda: all(status.over for status in run.listed()))
    assert {run.status(job).state for job in told} <= {"cancelled", "done"}
    assert not job_processes.tickets()


# --- what is no file ------------------------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(6 << 30)


def nested(path: Path) -> None:
    path.write_text("[" * 200_000)


def garbage(path: Path) -> None:
    path.write_bytes(b'{"state": ["done"], "attempt": 1e999, "words": {"a": 1}, "kind": 3}\n')


PLANTS = [fifo, zeros, sparse, nested, garbage, Path.mkdir]
FILES = ["spec.json", "status.json", run.LOG, "events.jsonl", "lock", run.FLAG]
ACTIONS = ["list", "show", "logs", "watch", "cancel", "resume"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_no_file_of_a_job_is_one_line_and_hides_none(
    plant: object, name: str, tmp_path: Path
) -> None:
    good, bad = kept("done"), kept("done" if name != "lock" else "queued")
    path = run.folder_of(bad) / name
    path.unlink(missing_ok=True)
    plant(path)  # type: ignore[operator]
    for action in ACTIONS[: 4 if name in ("events.jsonl", run.LOG, run.FLAG) else 6]:
        begun = time.monotonic()
        done = latty("jobs", action, bad, good, home=tmp_path, **os.environ)
        assert time.monotonic() - begun < 10
        assert "unexpected" not in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.count("\n") <= 2, done.stderr  # of each job one, at most
        assert action in ("cancel", "resume", "logs") or good in done.stdout + done.stderr
    assert good in latty("jobs", home=tmp_path, **os.environ).stdout


def test_a_job_folder_that_is_a_link_is_none(tmp_path: Path) -> None:
    job = kept("failed")
    elsewhere = tmp_path / "elsewhere"
    run.folder_of(job).rename(elsewhere)
    run.folder_of(job).symlink_to(elsewhere)
    for act in (run.status, control.resume, control.cancel):
        with pytest.raises(BadData, match="is a link, no job"):
            act(job)
    run.remove(job)
    assert (elsewhere / "spec.json").exists() and not run.ids()


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
def test_tickets_that_are_none_keep_nobody_waiting(plant: object) -> None:
    queue = home.queue_dir()
    queue.mkdir(parents=True)
    plant(queue / "00000000000-aaaa")  # type: ignore[operator]
    job = probe("sleep=0")
    assert job_processes.over(job, 60).state == "done"


def test_a_slot_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    home.slots_dir().mkdir(parents=True)
    os.mkfifo(home.slots_dir() / "slot-a")
    job = probe("sleep=0")
    status = job_processes.over(job, 60)
    assert status.state == "failed" and "named pipe" in status.error


# --- another user ---------------------------------------------------------------------------------

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")


@root_only
def test_a_job_that_another_user_put_there_is_not_run(tmp_path: Path) -> None:
    mine, theirs = kept("failed"), kept("failed")
    for path in (run.folder_of(theirs), *run.folder_of(theirs).iterdir()):
        os.chown(path, EVE, EVE)
    done = latty("jobs", home=tmp_path, **os.environ)
    assert mine in done.stdout and theirs not in done.stdout
    assert "belongs to another user" in done.stderr and done.stderr.count("\n") == 1
    for action in ("show", "logs", "watch", "cancel", "resume"):
        done = latty("jobs", action, theirs, home=tmp_path, **os.environ)
        assert done.returncode == 65 and "belongs to another user" in done.stderr
    assert not job_processes.processes_of(theirs)


@root_only
def test_runs_of_another_user_are_refused_as_somebody_else(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The whole home is eve's, and open to all: nothing is put into it, nothing is run from it."""
    root = Path(tempfile.mkdtemp())
    request.addfinalizer(lambda: shutil.rmtree(root))
    monkeypatch.setenv("LATTY_HOME", str(root))
    job = kept("failed")
    for path in (root, *root.rglob("*")):
        os.chown(path, EVE, EVE)
        path.chmod(0o777)
    told, tell = os.pipe()
    if (child := os.fork()) == 0:
        os.setgroups([])
        os.setgid(EVE - 1)
        os.setuid(EVE - 1)
        for act in (lambda: control.submit(["render", "x"]), lambda: control.resume(job)):
            try:
                act()
                os.write(tell, b"done\n")
            except (LattyError, OSError) as error:
                os.write(tell, f"{error}\n".encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as file:
        said = file.read().splitlines()
    os.waitpid(child, 0)
    assert len(said) == 2 and all("another user" in line for line in said), said


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_jobs_keep_is_for_their_owner_alone(mask: int) -> None:
    old = os.umask(mask)
    try:
        for folder in (home.runs_dir(), home.queue_dir()):
            folder.mkdir(parents=True)  # as an earlier version left them
        job = probe("sleep=0")
        job_processes.over(job)
    finally:
        os.umask(old)
    state = home.state_dir()
    open_ones = [p for p in (state, *state.rglob("*")) if p.stat().st_mode & 0o077]
    assert not open_ones
