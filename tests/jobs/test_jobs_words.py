"""`--detach` and `latty jobs` as people type them, and what a worker is given."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import job_processes
import pytest
from cli_in_process import latty
from cli_process import COMMAND, write_preset
from job_processes import in_state, over, probe, processes_of
from places import ROOT
from processes import wait

from latty.cli import detach
from latty.errors import BadData, OutputError, UsageError
from latty.jobs import control, events, run, slots

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


YES = "KillUserProcesses=1"


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "jobs"),
    [
        ("-q render a --detach", ["render -q a"]),
        ("render --gpus 2 a b --detach --force", ["render a --force", "render b --force"]),
        ("render --gpus=2 a a --detach", ["render a"]),
        ("render a --out-dir a --detach", ["render a --out-dir a"]),
        ("render --out-dir a b a --detach", ["render --out-dir a b", "render --out-dir a a"]),
        ("render --set name=b b --detach", ["render --set name=b b"]),
        ("render --detach --force -- -a -b", ["render --force -- -a", "render --force -- -b"]),
        ("render render --detach", ["render render"]),
    ],
)
def test_words_become_jobs(typed: str, jobs: list[str]) -> None:
    assert [" ".join(words) for words in detach.jobs_of(typed.split(), True)] == jobs


def test_words_with_spaces_stay_words() -> None:
    words = ["-v", "render", "my preset.toml", "--detach", "--set", "name=a b"]
    (job,) = detach.jobs_of(words, True)
    assert job == ("render", "-v", "my preset.toml", "--set", "name=a b")
    title = run.JobSpec("x", job, "/").title
    assert title == "render -v 'my preset.toml' --set 'name=a b'"


def told(path: Path, *words: str, **more: Any) -> dict[str, Any]:
    """What a worker saw."""
    job = control.submit(["render", f"probe:tell={path}", *words], **more)
    assert over(job).state == "done", run.status(job)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_what_a_worker_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder, an empty stdin, a session of its own, this `core` and no other."""
    folder = tmp_path / "a project"
    (folder / "latty").mkdir(parents=True)
    (folder / "latty" / "__init__.py").write_text("raise SystemExit('not this one')")
    monkeypatch.setenv("LATTY_BATCH", "3")
    seen = told(tmp_path / "told", "--set", "name=two words", folder=folder)
    assert seen["folder"] == str(folder) and seen["stdin"] == ""
    assert seen["latty"] == str(ROOT / "core/latty/__init__.py")
    assert seen["words"][-2:] == ["--set", "name=two words"]
    assert seen["leader"] and seen["oom"] >= 500
    assert seen["environment"]["LATTY_BATCH"] == "3"
    assert seen["environment"]["PYTHONFAULTHANDLER"] == "1"


def test_a_resumed_job_has_the_settings_of_the_first_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_BATCH", "3")
    job = control.submit(["render", f"probe:tell={tmp_path / 'told'}"], folder=tmp_path)
    over(job)
    (tmp_path / "told").unlink()
    run.write_status(run.replace(run.status(job), state="failed"))
    monkeypatch.delenv("LATTY_BATCH")
    monkeypatch.setenv("LATTY_DEVICE", "cuda:9")
    control.resume(job)
    over(job)
    seen = json.loads((tmp_path / "told").read_text())["environment"]
    assert seen["LATTY_BATCH"] == "3" and "LATTY_DEVICE" not in seen


@pytest.mark.parametrize("words", [["--device", "cuda:1"], ["--device=cuda:1"], []])
def test_the_gpu_of_a_job_is_its_first(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was chosen by a flag, LATTY_DEVICE or a settings file."""
    monkeypatch.delenv("LATTY_SLOTS")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    seen = told(tmp_path / "told", *words, "--", "x", device="cuda:1")
    assert seen["environment"]["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    assert seen["environment"]["LATTY_DEVICE"] == "cuda"
    assert seen["words"] == ["render", f"probe:tell={tmp_path / 'told'}", "--", "x"]


def test_a_job_without_a_gpu_sees_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATTY_SLOTS")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    busy = probe("sleep=30")
    in_state(busy, "running")
    seen = told(tmp_path / "told", gpus=0)
    assert seen["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert run.status(busy).state == "running"
    with pytest.raises(UsageError, match="below 0"):
        probe("sleep=0", gpus=-1)


def test_a_relative_home_is_the_same_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATTY_HOME", "here")
    seen = told(tmp_path / "told")
    assert seen["environment"]["LATTY_HOME"] == str(tmp_path / "here")


# --- beginnings that fail -------------------------------------------------------------------------


def test_a_folder_that_is_gone_fails_with_words(tmp_path: Path) -> None:
    first = probe("sleep=60")
    in_state(first, "running")
    (tmp_path / "gone").mkdir()
    job = probe("sleep=0", folder=tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    control.cancel(first)
    status = over(job)
    assert (status.state, status.code) == ("failed", 74)
    assert "cannot start" in status.error and "No such file" in status.error
    (tmp_path / "gone").mkdir()
    control.resume(job)
    assert over(job).state == "done"
    assert not job_processes.tickets() and not job_processes.held_slots()


def test_a_job_cannot_be_handed_in_from_a_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = ["-c", 'cd gone && rmdir "$PWD" && exec "$@"', "sh", *COMMAND]
    command = ["sh", *words, "render", "hello", "--detach"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 66 and "this folder is gone" in done.stderr
    assert not run.ids()


def test_a_supervisor_that_cannot_be_started_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nothing/python")
    with pytest.raises(OutputError, match="No such file"):
        probe("sleep=0")
    assert not run.ids() and not job_processes.tickets()


def test_a_resume_that_cannot_start_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    job = probe("exit=65")
    before = over(job)
    monkeypatch.setattr(sys, "executable", "/nothing/python")
    with pytest.raises(OutputError, match="No such file"):
        control.resume(job)
    assert run.status(job) == before and not job_processes.tickets()


def test_a_supervisor_that_dies_at_once_says_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    job = probe("sleep=0")
    assert over(job).state == "interrupted"
    monkeypatch.undo()
    assert not job_processes.held_slots()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted as root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Nothing more goes onto the disk until this file is removed."""
    path = disk / "fill"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path


def test_a_full_disk_while_a_job_runs(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is written where there is a place kept for it; never half a file is read."""
    monkeypatch.setenv("LATTY_HOME", str(small))
    job, failing = probe("sleep=1.5"), probe("exit=74")
    in_state(job, "running")
    fat = fill(small)
    with pytest.raises(OutputError, match=r"cannot submit a job .*: No space"):
        probe("sleep=0")
    assert run.ids() == [job, failing] and job_processes.tickets() in ([failing], [])
    assert over(job).state == "done"
    assert over(failing).state == "failed" and "no space left" in over(failing).error
    events.emit(run.folder_of(job), "warning", text="x" * 9000)  # lost, or cut short
    with pytest.raises(OSError, match="No space"):
        run.write_status(run.replace(run.status(job), error="x" * 20000))
    fat.unlink()
    events.emit(run.folder_of(job), "warning", text="after")
    assert run.events(job)[0][-1]["text"] == "after"
    assert control.resume(failing).attempt == 2
    assert over(failing).code == 74 and "exit code 74" in over(failing).error
    assert over(probe("sleep=0")).state == "done"


def test_a_render_onto_a_full_disk_goes_on_when_there_is_space(small: Path, tmp_path: Path) -> None:
    preset = write_preset(tmp_path, frames=96, size=64)
    inline = latty("render", preset.name, "--out-dir", "inline", home=tmp_path)
    assert inline.returncode == 0, inline.stderr
    fat = fill(small)
    with fat.open("r+b") as file:
        file.truncate(fat.stat().st_size - 300_000)
    words = ["render", preset.name, "--out-dir", str(small / "out"), "--force"]
    job = control.submit(words, folder=tmp_path)
    status = over(job)
    assert (status.state, status.code) == ("failed", 74) and "No space" in status.error
    assert not list((small / "out").glob("*.gif"))
    fat.unlink()
    control.resume(job)
    assert over(job).state == "done", run.status(job).error
    made = (small / "out" / "tiny.gif").read_bytes()
    assert made == (tmp_path / "inline" / "tiny.gif").read_bytes()


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    with pytest.raises(OutputError, match=r"cannot submit a job .*: Not a directory"):
        probe("sleep=0")
    monkeypatch.setenv("LATTY_HOME", "/proc/nothing")
    with pytest.raises(OutputError, match="cannot submit a job"):  # read-only, even for root
        probe("sleep=0")


# --- what people see ------------------------------------------------------------------------------


def test_two_observers_see_the_same_job_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job = probe("sleep=30")
    for state in ("running", "cancelled"):
        wait(lambda state=state: run.status(job).state == state)
        done = subprocess.run(
            [*COMMAND, "jobs", "list", "--json"], capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["state"] == state
        if state == "running":
            control.cancel(job)


def said(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "jobs", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def test_names_with_escapes_are_cleaned(tmp_path: Path) -> None:
    job = control.submit(["render", "probe:exit=0", "--set", "name=\x1b[31mred\x07"])
    over(job)
    with (run.folder_of(job) / run.LOG).open("a") as log:
        log.write("\x1b]0;title\x07line\n")
    for words in (["list"], ["show"], ["logs"], ["watch", "last"], ["logs", "--json"]):
        done = said(tmp_path, *words)
        assert done.returncode == 0 and not set(done.stdout + done.stderr) & {"\x1b", "\x07"}
    assert "]0;titleline" in said(tmp_path, "logs").stdout


def test_a_huge_log_is_shown_from_its_end(tmp_path: Path) -> None:
    job = probe("exit=0")
    over(job)
    with (run.folder_of(job) / run.LOG).open("wb") as log:
        log.truncate(6 << 30)  # sparse: it is as large as that only in name
        log.seek(0, os.SEEK_END)
        log.write(b"\n" + b"".join(b"line %d\n" % i for i in range(5000)))
    lines = said(tmp_path, "logs").stdout.splitlines()
    assert lines == [f"line {i}" for i in range(4800, 5000)]


def test_one_of_several_that_cannot_be_cancelled_does_not_stop_the_others(tmp_path: Path) -> None:
    done_one = probe("sleep=0")
    over(done_one)
    first, second = probe("clong"), probe("sleep=60")
    wait(lambda: "worker" in processes_of(first))
    done = said(tmp_path, "cancel", done_one, first, second)
    assert done.returncode == 1 and "is done already" in done.stderr
    assert done.stdout.count("cancelled") == 2
    assert [run.status(job).state for job in (first, second)] == ["cancelled", "cancelled"]
    wait(lambda: not processes_of(first))
    done = said(tmp_path, "resume", done_one, second)
    assert done.returncode == 1 and "is done" in done.stderr and "queued" in done.stdout
    control.cancel(second)


def test_a_damaged_job_is_told_of_and_hides_none(tmp_path: Path) -> None:
    jobs = [probe("sleep=0") for _ in range(4)]
    for job in jobs:
        over(job)
    for job, name, text in (
        (jobs[0], "status.json", '{"state": "melted", "attempt": 1}'),
        (jobs[1], "status.json", '{"state": "done"}'),
        (jobs[2], "spec.json", '{"id": "x", "words": "render", "environment": [], "folder": "/"}'),
    ):
        (run.folder_of(job) / name).write_text(text)
        with pytest.raises(BadData, match="damaged"):
            run.status(job)
    done = said(tmp_path, "list")
    assert jobs[3] in done.stdout and done.stderr.count("damaged") == 3 and not done.returncode
    assert said(tmp_path, "show", jobs[0]).returncode == 65


def test_watch_on_a_terminal_follows_several_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that fits, the end of each as it comes, and 1 where one failed."""
    monkeypatch.setenv("LATTY_SLOTS", "a,b")
    long, short, bad = probe("sleep=3"), probe("sleep=0"), probe("exit=65")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.environ.pop("CI", None)
        os.environ["COLUMNS"] = "40"
        os.execv(sys.executable, [*COMMAND, "jobs", "watch", long, short, bad])
    seen = b""
    with suppress(OSError):  # how a pty says that its other end is closed
        while data := os.read(terminal, 1000):
            seen += data
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    text = seen.decode()
    ends = re.findall(r"(\w{11}-\w{4})  (done|failed)", text)
    assert ends[-1] == (long, "done") and {*ends} >= {(short, "done"), (bad, "failed")}
    parts = re.split(r"\r\x1b\[K|\r\n", text)
    live = [part for part in parts if "starting" in part]
    assert live and all(len(part) < 40 for part in live)


def test_an_error_of_many_lines_is_shown_whole(tmp_path: Path) -> None:
    job = probe("exit=1")
    over(job)
    run.write_status(run.replace(run.status(job), error="one\ntwo"))
    assert "error      one; two" in said(tmp_path, "show").stdout


def test_the_order_of_a_resumed_job_is_its_old_one() -> None:
    first = probe("sleep=60")
    in_state(first, "running")
    old, new = probe("sleep=0"), probe("sleep=0")
    control.cancel(old)
    over(old)
    control.resume(old)
    control.cancel(first)
    assert over(old).state == over(new).state == "done"
    began = [run.status(job).started or 0 for job in (old, new)]
    assert began[0] < began[1]


def test_a_dead_place_in_the_queue_holds_nobody_up() -> None:
    slots.home.queue_dir().mkdir(parents=True)
    for name in ("0", "zzz"):
        slots.ticket_of(name).touch()
    assert over(probe("sleep=0")).state == "done"
    assert job_processes.tickets() == ["zzz"] or not job_processes.tickets()
    first = probe("sleep=1")
    assert over(probe("sleep=0")).state == "done" and over(first).state == "done"


def test_a_place_is_never_removed_under_its_holder() -> None:
    """Tidying and taking at the same time: whoever has the place also has its file."""
    script = (
        "import sys; from latty import locks; from latty.jobs import slots\n"
        "for _ in range(3000): locks.remove(slots.ticket_of('job'))"
    )
    slots.home.queue_dir().mkdir(parents=True)
    tidy = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    while any(process.poll() is None for process in tidy):
        handle = slots.take_ticket("job")
        for _ in range(20):
            assert slots.ticket_of("job").stat().st_ino == os.fstat(handle).st_ino
        os.close(handle)
    assert [process.returncode for process in tidy] == [0, 0]


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        ({"logind.conf": "KillUserProcesses=yes"}, True),
        ({"logind.conf": "#KillUserProcesses=yes"}, False),
        ({"logind.conf": "KillUserProcesses=no", "logind.conf.d/9.conf": YES}, True),
        ({}, False),
    ],
)
def test_what_systemd_does_at_logout(
    files: dict[str, str], kills: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"[Login]\n{text}\n")
    monkeypatch.setattr(detach, "SETTINGS", (tmp_path,))
    words = detach.logout_kills(linger=tmp_path / "linger", session="1")
    assert ("enable-linger" in words) == kills


def test_the_doctor_knows_where_jobs_are(tmp_path: Path) -> None:
    done = latty("doctor", home=tmp_path)
    assert f"{tmp_path / 'home' / 'state' / 'runs'}" in done.stdout
    assert "jobs at logout" in done.stdout
