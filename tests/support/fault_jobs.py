"""The detached life of a job on a disk that fails: handed in, run, cancelled, resumed. A fault may
strike whoever is at it: the command, the supervisor, the worker."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_rules import of_run, open_to_others
from faults import Done, Fault, Runner, put, tree
from places import FAKES
from processes import wait

PATIENCE = 60.0  # seconds in which a job of nothing ends
RUNS = "home/state/runs"


@dataclass(frozen=True)
class Life:
    """A command, and the job that is there before it: "" none, "cut" one that was killed, "running"
    one that sleeps."""

    name: str
    words: tuple[str, ...]
    before: str = ""


LIVES = (
    Life("jobs: submit and run", ("call", "submit", "tell")),
    Life("jobs: resume", ("jobs", "resume", "last"), "cut"),
    Life("jobs: cancel", ("jobs", "cancel", "last"), "running"),
)


class JobTrial:
    """A life, what lies there before it, and the calls that it makes where nothing fails.

    An older job, done, is there too: nothing may happen to it.
    """

    def __init__(self, life: Life, run: Runner) -> None:
        self.verb, self.run, self.name = life, run, life.name
        self.told = run.said / "told"  # what the worker writes, on a disk that does not fail
        self.reads: tuple[str, ...] = ()
        put(run.disk.root, {})
        self._do("call", "submit", "tell")
        self.old = self._jobs()[0]["id"]
        if life.before == "cut":
            self._running("sleep=600")
            self._end()
            # what it does when it is resumed
            for path in (run.disk.root / RUNS).glob("*/spec.json"):
                path.write_text(path.read_text().replace("probe:sleep=600", self._word("tell")))
        self.before = tree(run.disk.root)
        done, wrong = self.wrongs(Fault())
        assert done.code == 0 and not wrong, (done, wrong)
        self.calls = done.calls

    def wrongs(self, fault: Fault) -> tuple[Done, list[str]]:
        """How the command under a fault ended, and what was not as it must be then or later."""
        put(self.run.disk.root, self.before)
        self.told.unlink(missing_ok=True)
        if self.verb.before == "running":
            self._running("sleep=600")
        done = self._do(*self.verb.words, fault=fault)
        found = [*of_run(fault, done, alone=False), *self._then(done)]
        self._end()
        where = done.calls[fault.at - 1] if 0 < fault.at <= len(done.calls) else "?"
        return done, [f"{fault} ({where}): {one}" for one in found]

    def _then(self, done: Done) -> Iterator[str]:
        cancels = self.verb.before == "running"
        if cancels and done.code and self._at_work():  # it was not asked
            again = self._do(*self.verb.words)
            if again.code or again.err:
                yield f"the same command ends with {again.code}: {again.err}"
        self._settle()
        if self._at_work():
            yield f"does not end: {self._at_work()}"
            return
        yield from self._of_jobs(done, cancels)
        if not cancels:
            yield from self._goes_on()
        now = tree(self.run.disk.root)
        for name, data in self.before.items():
            if f"{RUNS}/{self.old}/" in name and now.get(name) != data:
                yield f"{name}, of another job, is not as it was"
        yield from (
            f"{name} is open to others" for name in open_to_others(self.run.disk.root / "home")
        )

    def _of_jobs(self, done: Done, cancels: bool) -> Iterator[str]:
        """What is said of the job, now that nobody is at it."""
        mine = [job for job in self._jobs() if job["id"] != self.old]
        if not done.code and len(mine) != 1:
            yield f"there are {len(mine)} jobs: {mine}"
        for job in mine:
            if job["state"] not in ("done", "failed", "cancelled", "interrupted"):
                yield f"nobody is at it, and it is {job['state']}"
            if job["state"] == "failed" and not job["error"]:
                yield "it failed and does not say why"
            if job["state"] == "done" and (cancels or not self.told.exists()):
                yield "it is done, and nothing was"

    def _goes_on(self) -> Iterator[str]:
        """The same again, or the job that came of it resumed."""
        mine = [job for job in self._jobs() if job["id"] != self.old]
        if mine and mine[-1]["state"] == "done":
            return
        words = ("jobs", "resume", mine[-1]["id"]) if mine else self.verb.words
        again = self._do(*words)
        jobs = [job for job in self._jobs() if job["id"] != self.old]
        if again.code or again.err or [job["state"] for job in jobs] != ["done"]:
            yield f"then {' '.join(words)}: {again.code} {again.err}, and {jobs}"
        left = sorted(path.name for path in (self.run.disk.root / "home/state/queue").glob("[!.]*"))
        if left:
            yield f"left in the queue: {left}"

    def _do(self, *words: str, fault: Fault | None = None) -> Done:
        """A command, and then the job, as far as it comes by itself. That which sleeps is left."""
        if words[:2] == ("call", "submit"):
            words = (*words[:2], self._word(words[2]))
        rest = self._settle if "sleep" not in words[-1] else None
        return self.run(*words, fault=fault, then=rest, PYTHONPATH=str(FAKES), LATTY_SLOTS="a")

    def _word(self, word: str) -> str:
        return f"probe:{word}={self.told}" if word == "tell" else f"probe:{word}"

    def _running(self, word: str) -> None:
        done = self._do("call", "submit", word)
        wait(lambda: self._job(done.out.strip())["state"] == "running", PATIENCE)

    def _settle(self) -> None:
        end = time.monotonic() + PATIENCE
        while self._at_work() and time.monotonic() < end:
            time.sleep(0.05)

    def _at_work(self) -> list[int]:
        """Every process on this disk but ours."""
        mark, found = f"FAULTS={self.run.disk.variables['FAULTS']}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return [pid for pid in found if pid not in (os.getpid(), self.run.pid)]

    def _end(self) -> None:
        """All that is left."""
        for pid in self._at_work():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait(lambda: not self._at_work(), PATIENCE)

    def _jobs(self) -> list[dict[str, Any]]:
        """What `jobs list` says, the oldest first."""
        done = self.run("jobs", "list", "--json")
        assert done.code == 0 and not done.err, done
        return [json.loads(line) for line in reversed(done.out.splitlines())]

    def _job(self, job: str) -> dict[str, Any]:
        return next(one for one in self._jobs() if one["id"] == job)
