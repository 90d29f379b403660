"""A job that was killed and resumed makes the very bytes of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import job_processes
import pytest
from cli_process import COMMAND, latty, write_preset
from job_processes import in_state, over, probe, processes_of
from processes import kill, wait

from latty import home
from latty.jobs import control, run
from latty.jobs.training import curve

pytestmark = pytest.mark.slow

WARPED = "--paths 3 --iterations 24 --size 16 --reconstructor lenet --batch 4 --probes 4"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


def progress(job: str, attempt: int = 1) -> list[int]:
    """How far the first stage of an attempt was, each time it said so."""
    events = run.events(job)[0]
    starts = [i for i, e in enumerate(events) if e["kind"] == "state" and e["state"] == "running"]
    if len(starts) < attempt:
        return []
    bounds = [*starts, len(events)]
    said = [e for e in events[bounds[attempt - 1] : bounds[attempt]] if e["kind"] == "progress"]
    first = said[0]["what"].split(",")[0] if said else ""
    return [e["done"] for e in takewhile(lambda e: e["what"].startswith(first), said)]


def killed_at(job: str, done: int, attempt: int = 1, whom: str = "worker") -> None:
    """kill -9 as soon as the attempt has said that it is so far."""
    wait(lambda: max(progress(job, attempt), default=0) >= done)
    assert kill(processes_of(job)[whom])
    over(job)


def test_a_render(tmp_path: Path) -> None:
    """Killed twice, by its worker and by its supervisor; no frame is drawn again."""
    preset = write_preset(tmp_path, frames=96, size=64)
    inline = latty("render", preset.name, "--out-dir", "inline", home=tmp_path)
    assert inline.returncode == 0, inline.stderr
    job = control.submit(["render", preset.name], folder=tmp_path)
    killed_at(job, 16)
    assert run.status(job).state == "interrupted"
    control.resume(job)
    killed_at(job, 48, attempt=2, whom="supervisor")
    assert run.status(job).state == "interrupted" and not list(tmp_path.glob("renders/*.gif"))
    control.resume(job)
    assert over(job).state == "done"
    assert progress(job, 2)[0] >= 16 and progress(job, 3)[0] >= 48
    made = (tmp_path / "renders" / "tiny.gif").read_bytes()
    assert made == (tmp_path / "inline" / "tiny.gif").read_bytes()
    assert [p.name for p in (tmp_path / "renders").iterdir()] == ["tiny.gif"]


def discovered(words: list[str], tmp_path: Path) -> bytes:
    """The set of an uninterrupted run, in a home of its own."""
    done = latty("discover", *words, "-o", "mine", home=tmp_path)
    assert done.returncode == 0, done.stderr
    return (tmp_path / "home" / "data" / "directions" / "mine.safetensors").read_bytes()


def test_a_search_for_components(tmp_path: Path) -> None:
    words = ["ganspace", "portraits", "--samples", "20000", "--components", "4"]
    whole = discovered(words, tmp_path)
    job = control.submit(["discover", *words, "-o", "mine"], folder=tmp_path)
    killed_at(job, 2048)
    control.resume(job)
    assert over(job).state == "done", run.status(job).error
    assert (home.directions_dir() / "mine.safetensors").read_bytes() == whole


def test_a_training(tmp_path: Path) -> None:
    """Cancelled, which keeps its state; resumed and killed; resumed and done."""
    words = ["warped", "portraits", *WARPED.split()]
    whole = discovered(words, tmp_path)
    shown = ["--chart-every", "8"]  # which the set does not depend on
    job = control.submit(["discover", *words, *shown, "-o", "mine"], folder=tmp_path)
    wait(lambda: max(progress(job), default=0) >= 5)
    control.cancel(job)
    stopped = over(job)
    assert stopped.state == "cancelled"
    control.resume(job)
    killed_at(job, 12, attempt=2)
    control.resume(job)
    assert over(job).state == "done", run.status(job).error
    if stopped.signal != "SIGKILL":  # a very busy machine: not even a step within the grace
        assert progress(job, 2)[0] > 5 and progress(job, 3)[0] > 5
    assert (home.directions_dir() / "mine.safetensors").read_bytes() == whole

    folder = run.folder_of(job)
    charts = [f"chart-{step:06}.png" for step in (8, 16, 24)]
    assert sorted(path.name for path in folder.glob("chart-*")) == charts
    rows = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [10, 20, 24]
    assert curve(job, "loss") == [row["loss"] for row in rows]
    told = json.loads(here("jobs", "show", job, "--json").stdout)["training"]
    files = {"chart": str(folder / charts[-1]), "stats": str(folder / "stats.jsonl")}
    assert told == {**rows[-1], **files}
    said = here("jobs", "show", job).stdout
    assert f"step 24: accuracy {rows[-1]['accuracy']:.3g}, " in said
    assert all(path in said for path in files.values())


@pytest.mark.parametrize("kind", ["pipe", "words", "numbers", "nothing"])
def test_figures_that_are_none_are_passed_over(kind: str) -> None:
    """As somebody else may have left them; of what can be read the last is told."""
    job = control.submit(["render", "probe:ok"])
    over(job)
    stats = run.folder_of(job) / "stats.jsonl"
    if kind == "pipe":
        os.mkfifo(stats)
    else:
        words = {"words": '[1]\n{"step": "x"}\nnone\n', "nothing": "",
                 "numbers": '{"step": 10, "loss": 1e999, "accuracy": NaN}\n{"step": 2'}  # fmt: skip
        stats.write_text(words[kind])
    shown = here("jobs", "show", job, "--json")
    if kind == "pipe":
        assert shown.returncode == 65 and f"{stats} is a named pipe" in shown.stderr
        assert shown.stderr.count("\n") == 1 and not shown.stdout
        return
    wanted = {"chart": None, "stats": str(stats), **({"step": 10} if kind == "numbers" else {})}
    assert json.loads(shown.stdout)["training"] == wanted
    assert here("jobs", "show", job).returncode == 0


def here(*words: str) -> "subprocess.CompletedProcess[str]":
    """latty in the home of this process."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


def test_a_job_killed_after_its_last_rename_is_done_when_resumed(tmp_path: Path) -> None:
    """The output is whole, but nobody wrote `done`; it is its own, and no reason to fail."""
    preset = write_preset(tmp_path, frames=3)
    job = control.submit(["render", preset.name], folder=tmp_path)
    assert over(job).state == "done"
    made = (tmp_path / "renders" / "tiny.gif").read_bytes()
    status = run.status(job)
    run.write_status(run.replace(status, state="running", ended=None, code=None))
    in_state(job, "interrupted")
    control.resume(job)
    assert over(job).state == "done", run.status(job).error
    assert (tmp_path / "renders" / "tiny.gif").read_bytes() == made


def test_a_file_that_was_in_the_way_before_stays(tmp_path: Path) -> None:
    preset = write_preset(tmp_path, frames=3)
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders" / "tiny.gif").write_bytes(b"mine")
    job = control.submit(["render", preset.name], folder=tmp_path)
    for _ in range(2):
        assert over(job).code == 73
        assert (tmp_path / "renders" / "tiny.gif").read_bytes() == b"mine"
        control.resume(job)
    assert over(job).code == 73


def test_the_submitting_process_may_be_killed_at_any_moment() -> None:
    """There is a whole job or none, and no half one is ever seen."""
    submit = "control.submit(['render', 'probe:sleep=0'])"
    script = f"from latty.jobs import control\nwhile True: print({submit})"
    for index in range(6):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.004 * index)
        process.kill()
        process.wait()
        process.stdout.close()
        for job in run.ids():
            assert run.status(job).spec.words == ("render", "probe:sleep=0")
    for job in run.ids():
        if over(job).state == "interrupted":
            control.resume(job)
        assert over(job).state == "done"
    assert not job_processes.tickets() and not job_processes.held_slots()


def test_what_a_killed_submit_left_is_swept() -> None:
    left = home.runs_dir() / ".left"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))
    fresh = home.runs_dir() / ".fresh"
    fresh.mkdir()
    over(probe("sleep=0"))
    assert not left.exists() and fresh.exists() and len(run.ids()) == 1


def test_a_supervisor_that_is_asked_to_go_leaves_a_job_to_resume() -> None:
    """As when the machine goes down."""
    job = probe("sleep=60")
    in_state(job, "running")
    wait(lambda: "worker" in processes_of(job))
    kill(processes_of(job)["supervisor"], signal.SIGTERM)
    assert over(job).state == "interrupted"
    wait(lambda: not processes_of(job))
    kept = json.loads((run.folder_of(job) / "status.json").read_text())
    assert (kept["state"], kept["signal"]) == ("interrupted", "SIGTERM")
    control.resume(job)
    in_state(job, "running")
    control.cancel(job)
    assert over(job).state == "cancelled"


def test_a_whole_group_may_be_killed() -> None:
    job, after = probe("sleep=60"), probe("sleep=0")
    wait(lambda: len(processes_of(job)) == 2)
    pids = processes_of(job)
    assert os.getpgid(pids["supervisor"]) != os.getpgid(pids["worker"]) != os.getpgid(0)
    os.killpg(pids["supervisor"], signal.SIGKILL)
    wait(lambda: not processes_of(job))
    assert run.status(job).state == "interrupted" and over(after).state == "done"
