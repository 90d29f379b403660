"""Jobs through real processes: queue, slots, cancel, every kind of death, resume, hang-up."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import job_processes
import pytest
from cli_process import COMMAND, environment, latty, write_preset
from job_processes import in_state, over, probe, processes_of
from places import LIMIT
from processes import kill, wait

from latty import home, locks
from latty.errors import BadData, DeviceError, Locked, Missing, UsageError
from latty.jobs import control, events, run, slots

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


# --- the plain way --------------------------------------------------------------------------------


def test_a_job_runs_and_its_end_is_written_down() -> None:
    job = probe("sleep=0")
    assert run.status(job).state in ("queued", "running", "done")
    status = over(job)
    assert (status.state, status.code, status.slots) == ("done", 0, ("a",))
    kinds = [e["state"] for e in run.events(job)[0] if e["kind"] == "state"]
    assert kinds == ["queued", "running", "done"]
    assert run.folder_of(job).stat().st_mode & 0o777 == 0o700


def test_submitting_waits_for_nobody() -> None:
    first = probe(f"sleep={LIMIT}")
    second = probe("sleep=0")
    assert not run.status(first).over
    in_state(first, "running")
    assert run.status(second).state == "queued"
    control.cancel(first)
    assert over(second).state == "done"


def test_only_verbs_that_may_run_as_jobs_do() -> None:
    for words in ([], ["jobs", "list"], ["/bin/sh"], ["import", "x.pkl"]):
        with pytest.raises(UsageError, match="cannot run as a job"):
            control.submit(words)
    assert not run.ids()


def test_an_unknown_id_is_an_error() -> None:
    for call in (run.status, control.cancel, control.resume, run.find):
        with pytest.raises(Missing, match="no job 'nothing'"):
            call("nothing")
    with pytest.raises(Missing):
        run.status("../queue")


def test_a_part_of_an_id_is_enough() -> None:
    one, two = probe("sleep=0"), probe("sleep=0")
    assert run.find(one[-4:]) == one and run.find(two) == two and run.find("last") == two
    with pytest.raises(BadData, match="part of 2 job ids"):
        run.find(one[:4])


# --- slots and the queue --------------------------------------------------------------------------


def spans(path: Path) -> list[tuple[float, float, str, str]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return sorted((float(a), float(b), gpus, job) for a, b, gpus, job in rows)


def test_first_come_first_served_one_at_a_time(tmp_path: Path) -> None:
    jobs = [probe(f"span={tmp_path / 'spans'}") for _ in range(6)]
    for job in jobs:
        assert over(job).state == "done"
    seen = spans(tmp_path / "spans")
    assert [job for *_, job in seen] == [job[-4:] for job in jobs]
    assert all(before[1] <= after[0] for before, after in pairwise(seen))


def test_two_slots_run_two_jobs_and_no_slot_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATTY_SLOTS")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aaaa,MIG-bbbb")
    jobs = [probe(f"span={tmp_path / 'spans'}") for _ in range(6)]
    for job in jobs:
        assert over(job).state == "done"
    seen = spans(tmp_path / "spans")
    assert {gpus for _, _, gpus, _ in seen} == {"GPU-aaaa", "MIG-bbbb"}
    for name in ("GPU-aaaa", "MIG-bbbb"):
        mine = [span for span in seen if span[2] == name]
        assert all(a[1] <= b[0] for a, b in pairwise(mine))
    assert any(a[0] < b[1] and b[0] < a[1] for a in seen for b in seen if a[3] != b[3])


def test_a_job_of_two_gpus_is_not_starved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_SLOTS", "a,b")
    first = probe("sleep=1")
    in_state(first, "running")
    wide = probe(f"span={tmp_path / 'spans'}", gpus=2)
    late = [probe(f"span={tmp_path / 'spans'}") for _ in range(4)]
    for job in (first, wide, *late):
        assert over(job).state == "done"
    assert spans(tmp_path / "spans")[0][3] == wide[-4:]
    assert run.status(wide).slots == ("a", "b")


def test_a_job_that_wants_one_gpu_does_not_hold_up_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LATTY_SLOTS", "a,b")
    busy = probe("sleep=30", device="cuda:0")
    in_state(busy, "running")
    waits, free = probe("sleep=0", device="cuda:0"), probe("sleep=0")
    assert over(free).slots == ("b",)
    assert run.status(waits).state == "queued"
    control.cancel(busy)
    assert over(waits).slots == ("a",)


def test_more_gpus_than_there_are_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_SLOTS", "a,b")
    with pytest.raises(DeviceError, match="3 GPUs asked, 2 here"):
        probe("sleep=0", gpus=3)
    with pytest.raises(DeviceError, match="no cuda:2"):
        probe("sleep=0", device="cuda:2")
    assert not run.ids()


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("0,1", ("0", "1")),
        ("", ("cpu",)),
        ("-1", ("cpu",)),
        ("GPU-1a,MIG-2b", ("GPU-1a", "MIG-2b")),
    ],
)
def test_slots_are_what_cuda_may_see(visible: str, names: tuple[str, ...]) -> None:
    assert slots.names({"CUDA_VISIBLE_DEVICES": visible}) == names


# --- cancel ---------------------------------------------------------------------------------------


def test_cancel_before_during_and_after() -> None:
    running, queued = probe("sleep=60"), probe("sleep=60")
    in_state(running, "running")
    for job in (queued, running):
        control.cancel(job)
        status = over(job, 10)
        assert status.state == "cancelled"
    assert not run.status(queued).slots
    done = probe("sleep=0")
    over(done)
    with pytest.raises(UsageError, match="is done already"):
        control.cancel(done)
    assert run.status(done).state == "done"


@pytest.mark.parametrize("word", ["deaf=60", "clong"])
def test_cancel_ends_a_worker_that_does_not_listen(word: str) -> None:
    job = probe(word)
    in_state(job, "running")
    wait(lambda: "worker" in processes_of(job))
    time.sleep(0.3)
    control.cancel(job)
    status = over(job, 15)
    assert (status.state, status.signal) == ("cancelled", "SIGKILL")
    wait(lambda: processes_of(job) == {})


# --- deaths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "code", "error"),
    [
        ("exit=65", 65, "exit code 65"),
        ("raise=SystemExit", 3, "exit code 3"),
        ("raise=MemoryError", 69, "out of memory (try a smaller size or --batch 1)"),
        ("raise=RuntimeError", 69, "out of memory (try a smaller size or --batch 1)"),
        ("raise=KeyError", 1, "unexpected KeyError: 'who'"),
    ],
)
def test_a_worker_that_fails_is_told_of(
    task: str, code: int, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_SLOTS", "a,b")
    beside = probe("sleep=2")
    in_state(beside, "running")
    job = probe(task)
    status = over(job)
    assert (status.state, status.code, status.signal) == ("failed", code, "")
    assert status.error.startswith(error) and over(beside).state == "done"


@pytest.mark.parametrize("whom", ["worker", "supervisor"])
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "KILL", "SEGV", "BUS"])
def test_a_signal_that_nobody_asked_for_interrupts(whom: str, name: str) -> None:
    """The job can be resumed, and says which signal it was."""
    job = probe("sleep=1")
    wait(lambda: "worker" in processes_of(job))
    kill(processes_of(job)[whom], getattr(signal, f"SIG{name}"))
    if name == "HUP":  # what concerns terminals does not reach them
        assert over(job).state == "done"
        return
    status = over(job)
    assert status.state == "interrupted", status
    told = whom == "worker" or name in ("TERM", "INT")  # else nobody is left who could say it
    assert status.signal == (f"SIG{name}" if told else "") and bool(status.error) == told
    wait(lambda: not processes_of(job))
    said = latty("jobs", "list", home=Path(os.environ["LATTY_HOME"]).parent, **os.environ).stdout
    assert "goes on with: latty jobs resume" in said and (f"SIG{name}" in said) == told
    assert latty("jobs", "resume", home=Path(os.environ["LATTY_HOME"]).parent, **os.environ).stdout
    assert over(job).state == "done" and not run.status(job).signal


def test_a_signal_that_has_no_name_of_its_own_is_told_too() -> None:
    job = probe("sleep=60")
    wait(lambda: "worker" in processes_of(job))
    kill(processes_of(job)["worker"], signal.SIGRTMIN + 3)
    status = over(job)
    assert (status.state, status.signal, status.code) == ("interrupted", "SIGRTMIN+3", -37)


def test_a_job_can_be_cancelled_from_the_moment_it_is_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, write = probe("sleep=60"), run.write_status
    control.cancel(job)
    assert over(job).state == "cancelled"

    def cancelled(status: run.Status) -> None:
        write(status)
        control.cancel(job)

    monkeypatch.setattr(run, "write_status", cancelled)
    control.resume(job)
    assert over(job).state == "cancelled" and run.status(job).attempt == 2


def test_a_crash_leaves_its_place_in_the_log() -> None:
    job = probe("segv")
    over(job)
    assert "Segmentation fault" in (run.folder_of(job) / run.LOG).read_text()


@pytest.mark.parametrize("whom", ["worker", "supervisor"])
def test_a_process_that_is_stopped_for_a_while_goes_on(whom: str) -> None:
    job, other = probe("sleep=0.5"), probe("sleep=60")
    wait(lambda: "worker" in processes_of(job))
    kill(pid := processes_of(job)[whom], signal.SIGSTOP)
    time.sleep(1)
    assert run.status(job).state == "running"
    assert whom == "supervisor" or run.status(other).state == "queued"  # a slot is the worker's
    kill(pid, signal.SIGCONT)
    assert over(job).state == "done"
    wait(lambda: "worker" in processes_of(other))
    kill(processes_of(other)["worker"], signal.SIGSTOP)
    control.cancel(other)  # it cannot listen, and is ended all the same
    assert over(other, 30).state == "cancelled"


def test_a_killed_worker_frees_its_slot_and_can_be_resumed() -> None:
    job, after = probe("sleep=1.5"), probe("sleep=0")
    wait(lambda: "worker" in processes_of(job))
    os.kill(processes_of(job)["worker"], signal.SIGKILL)
    status = over(job)
    assert (status.state, status.signal) == ("interrupted", "SIGKILL")
    assert "the kernel for want of memory" in status.error or "ran out of memory" in status.error
    assert over(after).state == "done"
    assert control.resume(job).attempt == 2
    assert over(job).state == "done" and run.status(job).attempt == 2


def test_a_killed_supervisor_takes_its_worker_along() -> None:
    job, after = probe("sleep=60"), probe("sleep=0")
    in_state(job, "running")
    wait(lambda: "worker" in processes_of(job))
    os.kill(processes_of(job)["supervisor"], signal.SIGKILL)
    wait(lambda: processes_of(job) == {})
    in_state(job, "interrupted")  # the kernel gives the lock back a moment after the last of them
    assert over(after).state == "done"


def test_a_killed_supervisor_in_the_queue_leaves_the_queue() -> None:
    first, second, third = probe("sleep=1"), probe("sleep=0"), probe("sleep=0")
    wait(lambda: "supervisor" in processes_of(second))
    os.kill(processes_of(second)["supervisor"], signal.SIGKILL)
    assert over(first).state == "done" and over(third).state == "done"
    assert run.status(second).state == "interrupted"
    control.resume(second)
    assert over(second).state == "done"


def test_of_many_that_resume_a_job_one_does() -> None:
    job = probe("sleep=60")
    in_state(job, "running")
    with pytest.raises(Locked, match="is running"):
        control.resume(job)
    wait(lambda: "worker" in processes_of(job))  # before, its copy looks like a supervisor
    os.kill(processes_of(job)["supervisor"], signal.SIGKILL)
    wait(lambda: run.status(job).state == "interrupted")
    script = (
        "import sys; from latty.jobs import control; from latty.errors import Locked\n"
        "try: control.resume(sys.argv[1])\nexcept Locked: sys.exit(75)"
    )
    racers = [subprocess.Popen([sys.executable, "-c", script, job]) for _ in range(5)]
    codes = sorted(racer.wait() for racer in racers)
    assert codes == [0, 75, 75, 75, 75]
    in_state(job, "running")
    assert sum(name == "supervisor" for name in processes_of(job)) == 1


# --- what is on disk ------------------------------------------------------------------------------


def test_a_torn_last_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    events.emit(tmp_path, "warning", text="one")
    whole = (tmp_path / events.FILE).read_bytes()
    with (tmp_path / events.FILE).open("ab") as file:
        file.write(b'{"kind": "warn')
    found, offset = events.read(tmp_path)
    assert [e["text"] for e in found] == ["one"] and offset == len(whole)
    with (tmp_path / events.FILE).open("ab") as file:
        file.write(b'ing", "text": "two"}\nno json\n[1]\n')
    assert [e["text"] for e in events.read(tmp_path, offset)[0]] == ["two"]


def test_lines_of_many_writers_are_not_mixed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from latty.jobs import events\n"
        "for i in range(500): events.emit(Path(sys.argv[1]), 'warning', text='x' * 300, i=i)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    found, _ = events.read(tmp_path)
    assert len(found) == 2000 and sorted(e["i"] for e in found) == sorted([*range(500)] * 4)


def test_a_damaged_job_does_not_hide_the_others() -> None:
    good, bad = probe("sleep=0"), probe("sleep=0")
    over(good), over(bad)
    (run.folder_of(bad) / "status.json").write_text("{")
    with pytest.raises(BadData, match="damaged"):
        run.status(bad)
    assert [status.id for status in run.listed()] == [good]


def test_a_probe_does_not_keep_the_holder_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.held(path)
    handle = locks.take(path)
    assert handle is not None and locks.held(path) and locks.take(path, patience=0.05) is None
    os.close(handle)
    assert not locks.held(path)


# --- as people type it ----------------------------------------------------------------------------


def test_a_render_goes_on_after_a_hang_up(tmp_path: Path) -> None:
    """The terminal is closed, as when a connection drops; the GIF is whole all the same."""
    preset = write_preset(tmp_path, frames=40, size=64)
    latty("render", preset.name, "--out-dir", "inline", home=tmp_path)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(
            sys.executable, [*COMMAND, "render", preset.name, "--detach"], environment(tmp_path)
        )
    said = b""
    while b"latty jobs watch" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    os.waitpid(pid, 0)
    watched = latty("jobs", "watch", home=tmp_path)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.endswith("renders/tiny.gif\n")
    made = (tmp_path / "renders" / "tiny.gif").read_bytes()
    assert made == (tmp_path / "inline" / "tiny.gif").read_bytes()


def test_the_verb_speaks_of_jobs(tmp_path: Path) -> None:
    write_preset(tmp_path, name="one"), write_preset(tmp_path, name="two")
    done = latty("render", "one.toml", "two.toml", "--detach", "--json", home=tmp_path)
    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert len(ids) == 2, done.stderr
    assert latty("jobs", "watch", *ids, home=tmp_path).returncode == 0
    rows = [
        json.loads(line)
        for line in latty("jobs", "list", "--json", home=tmp_path).stdout.splitlines()
    ]
    assert [row["id"] for row in rows] == ids[::-1]
    assert {row["state"] for row in rows} == {"done"}
    assert rows[0]["outputs"] == [str(tmp_path / "renders" / "two.gif")]
    shown = latty("jobs", "show", ids[0][-4:], home=tmp_path).stdout
    assert re.search(r"latty render --pin=model:portraits=[0-9a-f]{8,} one\.toml", shown)
    assert "done" in shown
    assert "one.gif" in latty("jobs", "logs", ids[0], home=tmp_path).stdout
    listed = latty("list", "jobs", home=tmp_path).stdout
    assert ids[0] in listed and "done" in listed


def test_mistakes_with_jobs_are_one_line(tmp_path: Path) -> None:
    for words, code in {
        ("jobs", "show", "nothing"): 66,
        ("jobs", "cancel"): 2,
        ("jobs", "wach"): 2,
        ("render", "nothing.toml", "--detach"): 66,
    }.items():
        done = latty(*words, home=tmp_path)
        assert done.returncode == code and done.stderr.count("\n") == 1, (words, done.stderr)


def test_a_failed_render_says_why_in_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    (tmp_path / "renders").mkdir()
    preset = write_preset(tmp_path)
    (tmp_path / "renders" / "tiny.gif").write_bytes(b"mine")
    control.submit(["render", preset.name], folder=tmp_path)  # --detach would refuse it at once
    done = latty("jobs", "watch", "last", home=tmp_path)
    assert done.returncode == 1
    row = json.loads(latty("jobs", "show", "--json", home=tmp_path).stdout)
    assert row["state"] == "failed" and "--overwrite" in row["error"] and row["code"] == 73
    assert (tmp_path / "renders" / "tiny.gif").read_bytes() == b"mine"


def test_the_home_of_jobs_is_not_among_the_runs() -> None:
    job = probe("sleep=0")
    over(job)
    assert run.ids() == [job]
    assert {p.name for p in home.state_dir().iterdir()} >= {"runs", "queue", "slots"}
