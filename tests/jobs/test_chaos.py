"""Jobs under hundreds of random signals: nothing half made, no lie, no leak.

LATTY_CHAOS=1000 sends more of them (`make chaos`), LATTY_CHAOS_SEED repeats a run that failed.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import job_processes
import pytest
from cli_process import latty, write_preset

from latty.errors import LattyError
from latty.jobs import control, run

PARTS = 2  # tests, so that two cores share them
KILLS = -(-int(os.environ.get("LATTY_CHAOS", "300")) // PARTS)
SEED = int(os.environ.get("LATTY_CHAOS_SEED", time.time_ns() % 10**9))
EACH = 15  # signals that one job gets before it is left alone
SLOTS = "a,b,c"
HARMLESS = ("", "cancel", "supervisor SIGHUP")  # done too, and not counted
SIGNALS = (signal.SIGKILL,) * 4 + (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from job_processes.place(monkeypatch)


@dataclass
class Victim:
    """A job that is hit again and again, and resumed until it is done."""

    job: str
    folder: Path
    chance: random.Random
    left: int = EACH
    due: float = 0.0  # when to hit it next
    waits: bool = False  # for pictures, and only then

    def aim(self) -> None:
        """At any phase: before Python has begun, in its imports, in the work, in the last words."""
        self.waits = self.chance.random() < 0.5
        longest = 0.4 if self.waits else self.chance.choice((0.1, 0.5, 4.0))
        self.due = time.monotonic() + self.chance.uniform(0, longest)

    def ready(self) -> bool:
        if self.waits and self._at_work():
            self.waits = False
            self.due = time.monotonic() + self.chance.uniform(0, 0.4)
        return not self.waits and time.monotonic() >= self.due

    def _at_work(self) -> bool:
        status = run.status(self.job)
        said = run.latest(self.job).get("progress", {}).get("t", 0)
        return status.state == "running" and said >= (status.started or 0)

    def hit(self) -> str:
        """What was done to whom; "" where nobody was there."""
        if self.chance.random() < 0.1:
            with suppress(LattyError):
                control.cancel(self.job)
                return "cancel"
            return ""
        pids = job_processes.processes_of(self.job)
        if not pids:
            return ""
        whom, number = self.chance.choice(sorted(pids)), self.chance.choice(SIGNALS)
        with suppress(ProcessLookupError):
            if self.chance.random() < 0.3:
                os.killpg(pids[whom], number)
            else:
                os.kill(pids[whom], number)
            return f"{whom} {signal.Signals(number).name}"
        return ""


def look(victim: Victim, whole: bytes) -> run.Status:
    """How the job stands; what is on disk must agree with that."""
    status = run.status(victim.job)
    final = victim.folder / "tiny.gif"
    if final.exists():
        assert final.read_bytes() == whole, "an output is partial or differs"
    if status.state == "done":
        assert final.exists(), "done, without its output"
        assert sorted(p.name for p in victim.folder.iterdir()) == ["tiny.gif"]
    if status.over:
        assert "worker" not in job_processes.processes_of(victim.job), "a worker lives on"
    return status


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_signals(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = SEED + part
    print(f"LATTY_CHAOS_SEED={SEED} (part {part})")
    chance, done, hits, ends = random.Random(seed), 0, Counter[str](), Counter[str]()
    monkeypatch.setenv("LATTY_SLOTS", SLOTS)
    preset = write_preset(tmp_path, frames=60, size=32)
    words = ["render", preset.name, "--batch", "2", "--out-dir"]
    assert latty(*words, "whole", home=tmp_path).returncode == 0
    whole = (tmp_path / "whole" / "tiny.gif").read_bytes()
    victims: list[Victim] = []
    while victims or hits.total() < KILLS:
        if hits.total() < KILLS and len(victims) < 4:  # one more than slots: one is in the queue
            folder = tmp_path / f"out{done + len(victims)}-{chance.random()}"
            job = control.submit([*words, str(folder)], folder=tmp_path)
            victims.append(Victim(job, folder, chance))
            victims[-1].aim()
        for victim in list(victims):
            status = look(victim, whole)
            if status.over:
                ends[status.state] += 1
                if status.state == "done":
                    done += 1
                    victims.remove(victim)
                    continue
                control.resume(victim.job)
                victim.aim()
            if victim.left and hits.total() < KILLS and victim.ready():
                what = victim.hit()
                hits[what] += what not in HARMLESS
                victim.left -= bool(what)
                victim.aim()
        time.sleep(0.02)
    print(f"{hits.total()} signals, {done} jobs: {dict(hits)}; ends: {dict(ends)}")
    assert done == len(run.ids())
    assert KILLS < 100 or (ends["interrupted"] and ends["failed"] and ends["cancelled"])
    job_processes.wait(lambda: not job_processes.job_processes())
    assert not job_processes.held_slots()
    job_processes.over(job_processes.probe("sleep=0"))
    assert not job_processes.tickets()
    job_processes.wait(lambda: not zombies())


def zombies() -> list[str]:
    """Children of this process that ended and that nobody has asked about."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                found.append(path.parent.name)
    return found
