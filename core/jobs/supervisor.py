"""The detached process of one job: it waits for slots, runs the verb, and writes down the end.

It leads a session of its own and ignores HUP, so a lost connection does not reach it. The verb runs
in a process group below it, which the kernel ends with it (Linux) and which holds the slots: a slot
is never free while somebody computes on it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from core.errors import LattyError
from core.jobs import run, slots
from core.jobs.events import JOB, emit
from core.jobs.run import FLAG, LOG, Spec, Status, importing

GRACE = 3.0  # seconds between asking a worker to stop and ending it
POLL = 0.1
PR_SET_PDEATHSIG = 1


class Supervisor:
    """One attempt at one job."""

    def __init__(self, job: str, ticket: int) -> None:
        self.status, self.ticket = run.status(job), ticket
        self.folder = run.folder_of(job)
        self.stopped = 0  # by a signal, as when the machine goes down

    def main(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        taken = self._wait_for_slots()
        if taken is None:
            return
        names = tuple(taken)
        self._note(replace(self.status, state="running", slots=names, started=_now()))
        worker = self._spawn(taken)
        for handle in taken.values():
            os.close(handle)
        code = self._watch(worker)
        if not self.stopped:
            self._end(code)

    def _stop(self, number: int, frame: object) -> None:
        self.stopped = number

    def _cancelled(self) -> bool:
        return (self.folder / FLAG).exists()

    def _wait_for_slots(self) -> dict[str, int] | None:
        """The slots, and the ticket given back; None where the job ends before its turn."""
        pause = POLL
        while not self.stopped:
            if self._cancelled():
                slots.drop_ticket(self.status.id, self.ticket)
                self._note(replace(self.status, state="cancelled", ended=_now()))
                return None
            try:
                taken = slots.try_take(self.status.spec)
            except LattyError as error:  # the GPU it wants is gone
                slots.drop_ticket(self.status.id, self.ticket)
                emit(self.folder, "error", text=str(error), code=error.exit_code)
                self._note(replace(self.status, state="failed", ended=_now(),
                                   code=error.exit_code, error=str(error)))  # fmt: skip
                return None
            if taken is not None:
                slots.drop_ticket(self.status.id, self.ticket)
                return taken
            time.sleep(pause)
            pause = min(1.1 * pause, 5 * POLL)  # many may wait for long
        return None

    def _spawn(self, taken: Mapping[str, int]) -> "subprocess.Popen[bytes]":
        spec = self.status.spec
        environment = {**importing(os.environ), **dict(spec.environment), JOB: str(self.folder)}
        environment["PYTHONPATH"] = importing(os.environ)["PYTHONPATH"]
        gpus = [name for name in taken if name != slots.CPU]
        if gpus and slots.SLOTS not in environment:
            environment[slots.VISIBLE] = ",".join(gpus)
        environment.setdefault("PYTHONFAULTHANDLER", "1")
        with (self.folder / LOG).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "core", *_words(spec, gpus)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=spec.folder,
                env=environment, pass_fds=tuple(taken.values()), start_new_session=True,
                preexec_fn=_die_with_parent,
            )  # fmt: skip

    def _watch(self, worker: "subprocess.Popen[bytes]") -> int:
        """Until the worker is gone; its exit code, negative for a signal."""
        asked: float | None = None
        while (code := worker.poll()) is None:
            wants = self._cancelled() or self.stopped
            if wants and asked is None:
                asked = time.monotonic()
                _kill(worker.pid, signal.SIGTERM)
            elif asked is not None and time.monotonic() - asked > GRACE:
                _kill(worker.pid, signal.SIGKILL)
            time.sleep(POLL / 5)
        _kill(worker.pid, signal.SIGKILL)  # children that it left
        return code

    def _end(self, code: int) -> None:
        last = run.latest(self.status.id).get("error", {})
        fresh = last.get("t", 0) >= (self.status.started or 0)
        error = str(last.get("text", "")) if fresh else ""
        name = signal.Signals(-code).name if code < 0 else ""
        state: run.State = "done" if code == 0 else "failed"
        if code and self._cancelled():
            state = "cancelled"
        if state == "failed" and not error:
            error = f"ended by {name}" if name else f"exit code {code}"
        self._note(replace(self.status, state=state, ended=_now(), code=code, signal=name,
                           error=error if state == "failed" else ""))  # fmt: skip

    def _note(self, status: Status) -> None:
        """On disk and among the events; where the disk is full the lock tells the rest."""
        self.status = status
        emit(self.folder, "state", state=status.state, slots=list(status.slots), code=status.code)
        with suppress(OSError):
            run.write_status(status)


def _words(spec: Spec, gpus: Sequence[str]) -> list[str]:
    """The verb's words; a job that was given a GPU sees it as the first."""
    words = list(spec.words)
    if gpus and spec.device.startswith("cuda:") and "--device" in words:
        words[words.index("--device") + 1] = "cuda"
    return words


def _now() -> float:
    return round(time.time(), 3)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _die_with_parent() -> None:
    """Linux: the worker gets KILL when the supervisor dies, whatever killed it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """python -m core.jobs JOB LOCK TICKET: the numbers are open files, inherited."""
    job, lock, ticket = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for handle in (lock, ticket):
        os.set_inheritable(handle, False)
    Supervisor(job, ticket).main()
