"""Jobs while the clock is set back and forth, and while latty is upgraded under them."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import job_processes
import pytest
from cli_process import latty, write_preset
from job_processes import in_state, over, processes_of
from places import ROOT
from processes import kill, wait

from latty import home
from latty.errors import BadData
from latty.folders import Folder
from latty.jobs import control, run
from latty.jobs.run import JobSpec, Status

HOURS = 3600


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


def kept(job: str = "", state: run.State = "queued") -> str:
    """A job on disk that nobody works on."""
    spec = JobSpec(job or run.new_id(), ("render", "probe:sleep=0"), "/", submitted=time.time())
    os.close(run.create(Status(spec, state)))
    return spec.id


# --- the clock ------------------------------------------------------------------------------------


def test_ids_sort_by_submission_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, made = time.time_ns(), []
    for jump in (0, 0, -5 * HOURS, 0, 30 * HOURS, -5 * HOURS, -90 * 24 * HOURS, 0):
        monkeypatch.setattr(run.time, "time_ns", lambda: moment + jump * 10**9)  # noqa: B023
        made.append(kept())
    assert made == run.ids() and len(set(made)) == len(made)
    (home.runs_dir() / "zzzzzzzzzzz-aaaa").mkdir()  # none of ours: no id comes after it
    assert len(run.new_id()) == len(made[0])


def test_what_is_being_made_is_not_swept_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = JobSpec(run.new_id(), ("render", "x"), "/")
    write = Folder.write

    def swept(folder: Folder, *words: Any) -> None:
        with monkeypatch.context() as later:
            later.setattr(run.time, "time", lambda: time.monotonic() + 10**10)
            run.sweep()
        write(folder, *words)

    monkeypatch.setattr(Folder, "write", swept)
    os.close(run.create(Status(spec, "queued")))
    assert run.ids() == [spec.id] and run.status(spec.id).state == "interrupted"


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says by how many seconds the clock of child processes is off."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to build a clock with")
    library, file = tmp_path / "clock.so", tmp_path / "clock"
    source = ROOT / "tests/support/shim/clock.c"
    build = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(build, check=True)
    file.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_FILE", str(file))
    return file


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-5 * HOURS, 30 * HOURS])
def test_the_clock_jumps_in_the_middle_of_a_render(jump: int, tmp_path: Path, clock: Path) -> None:
    preset = write_preset(tmp_path, frames=40, size=32)
    words = ["render", preset.name, "--batch", "2"]
    assert latty(*words, "--out-dir", "inline", home=tmp_path).returncode == 0
    job = control.submit(words, folder=tmp_path)
    in_state(job, "running")
    wait(lambda: run.latest(job).get("progress"))
    clock.write_text(str(jump))
    status = over(job)
    assert status.state == "done", status
    made = (tmp_path / "renders/tiny.gif").read_bytes()
    assert made == (tmp_path / "inline/tiny.gif").read_bytes()
    later = latty("jobs", "list", home=tmp_path, LATTY_HOME=os.environ["LATTY_HOME"])
    assert later.returncode == 0 and job in later.stdout and "  -" not in later.stdout
    assert sorted([job, control.submit(["render", "probe:sleep=0"])]) == run.ids()


@pytest.mark.slow
def test_an_error_is_told_though_the_clock_was_set_back(tmp_path: Path, clock: Path) -> None:
    job = control.submit(["render", "nothing.toml"], folder=tmp_path)
    clock.write_text(str(-5 * HOURS))
    assert over(job).code == 66 and "nothing.toml" in over(job).error


# --- upgrades -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_upgrade_in_the_middle_of_a_render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is resumed gives the bytes that the new version gives undisturbed."""
    preset = write_preset(tmp_path, frames=40, size=32)
    words = ["render", preset.name, "--batch", "2"]
    job = control.submit(words, folder=tmp_path)
    wait(lambda: run.latest(job).get("progress", {}).get("done", 0) >= 16)
    assert kill(processes_of(job)["worker"])
    assert over(job).state == "interrupted"
    monkeypatch.setenv("FAKE_VERSION", "99.0.0")
    assert "99.0.0" in latty("--version", home=tmp_path).stdout
    assert latty(*words, "--out-dir", "inline", home=tmp_path).returncode == 0
    control.resume(job)
    assert over(job).state == "done", over(job)
    made = (tmp_path / "renders/tiny.gif").read_bytes()
    assert made == (tmp_path / "inline/tiny.gif").read_bytes() and b"99.0.0" in made
    assert [p.name for p in (tmp_path / "renders").iterdir()] == ["tiny.gif"]


def rewritten(job: str, name: str, **values: object) -> None:
    path = run.folder_of(job) / name
    table = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in table.items() if value != "gone"}))


def test_what_a_newer_version_added_is_passed_over() -> None:
    job = kept(state="failed")
    rewritten(job, "status.json", mood="good", schema=1)
    rewritten(job, "spec.json", priority=7)
    assert run.status(job).state == "failed"


@pytest.mark.parametrize("name", ["spec.json", "status.json"])
def test_what_a_newer_version_means_otherwise_is_refused_by_its_number(name: str) -> None:
    job, other = kept(), kept()
    rewritten(job, name, schema=2)
    for act in (run.status, control.resume, control.cancel):
        with pytest.raises(BadData, match=r"newer latty \(schema 2, not 1\)"):
            act(job)
    assert [status.id for status in run.listed()] == [other]


def test_a_job_of_an_older_version_goes_on() -> None:
    """Without the fields that came later, and with no room kept for its end."""
    job = kept()
    rewritten(job, "spec.json", schema="gone", environment="gone", device="gone", gpus="gone")
    rewritten(job, "status.json", schema="gone", force="gone", signal="gone", slots="gone")
    (run.folder_of(job) / "spare").unlink()
    assert run.status(job).state == "interrupted" and run.status(job).spec.gpus == 1
    control.resume(job)
    assert over(job).state == "done"


def test_moments_never_go_back_in_what_is_shown() -> None:
    job = kept()
    run.write_status(run.replace(run.last(job), state="done", started=2e9, ended=1e9))
    from latty.cli.job_table import how_far

    assert how_far(run.status(job)) == "0 s"
    assert all(a <= b for a, b in pairwise(run.ids()))
