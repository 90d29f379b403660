"""The detached process of one job: it waits for slots, runs the verb, and writes down the end.

It leads a session of its own and ignores HUP, so a lost connection does not reach it. The verb runs
in a process group below it, which the kernel ends with it (Linux) and which holds the slots: a slot
is never free while somebody computes on it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from latty import process
from latty.errors import LattyError, OutputError
from latty.jobs import run, slots
from latty.jobs.events import JOB, emit
from latty.jobs.run import FLAG, LOG, READS, Status

GRACE = 3.0  # seconds between asking a worker to stop and ending it
POLL = 0.1
FULL = 1 << 16  # bytes: where less is free nobody could say why a write failed
ASKED = tuple(128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
EXPENDABLE = 500  # of 1000: where memory runs out the kernel ends the worker, not the studio


class Supervisor:
    """One attempt at one job."""

    def __init__(self, job: str, lock: int, ticket: int) -> None:
        self.status, self.lock, self.ticket = run.status(job), lock, ticket
        self.folder = run.folder_of(job)
        self.stopped = 0  # by a signal, as when the machine goes down

    def main(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if (taken := self._wait_for_slots()) is None:
            return
        names = tuple(taken)
        self._note(replace(self.status, state="running", slots=names, started=_now()))
        deaths = _out_of_memory()
        try:
            worker = self._spawn(taken)
        except (OSError, ValueError, LattyError, subprocess.SubprocessError) as error:
            self._fail(OutputError(f"it cannot start in {self.status.spec.folder}: {error}"))
            return
        finally:
            for handle in taken.values():
                os.close(handle)
        code = self._watch(worker)
        self._end(code, _out_of_memory() > deaths)

    def _stop(self, number: int, frame: object) -> None:
        self.stopped = number

    def _cancelled(self) -> bool:
        return os.path.lexists(self.folder / FLAG)

    def _wait_for_slots(self) -> dict[str, int] | None:
        """The slots, and the ticket given back; None where the job ends before its turn."""
        pause = POLL
        try:
            while not self.stopped:
                if self._cancelled():
                    self._note(replace(self.status, state="cancelled", ended=_now()))
                    return None
                if (taken := slots.try_take(self.status.spec)) is not None:
                    return taken
                time.sleep(pause)
                pause = min(1.1 * pause, 5 * POLL)  # many may wait for long
            self._interrupted(self.stopped, "it was ended in the queue by")
        except LattyError as error:  # the GPU it wants is gone
            self._fail(error)
        except OSError as error:
            self._fail(OutputError(f"it cannot take a slot: {error}"))
        finally:
            slots.drop_ticket(self.status.id, self.ticket)
        return None

    def _fail(self, error: LattyError) -> None:
        emit(self.folder, "error", text=str(error), code=error.exit_code)
        self._note(replace(self.status, state="failed", ended=_now(), code=error.exit_code,
                           error=str(error)))  # fmt: skip

    def _spawn(self, taken: Mapping[str, int]) -> "subprocess.Popen[bytes]":
        spec, parent = self.status.spec, os.getpid()
        words, environment = self._words(taken), self._environment(taken)
        with run.opened(spec.id) as folder, folder.append(LOG) as log:
            return subprocess.Popen(
                process.command("latty", *words),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=spec.folder,
                env=environment, pass_fds=(self.lock, *taken.values()), start_new_session=True,
                preexec_fn=lambda: _begin(parent),
            )  # fmt: skip

    def _pinned(self, taken: Mapping[str, int]) -> bool:
        """Whether the worker must be shown its own GPU as the only one, cuda:0."""
        said = dict(self.status.spec.environment)
        return slots.SLOTS not in said and any(name != slots.CPU for name in taken)

    def _environment(self, taken: Mapping[str, int]) -> dict[str, str]:
        """What was said when the job was submitted, and the GPUs it was given."""
        spec = self.status.spec
        ours = {key: value for key, value in os.environ.items() if not key.startswith(READS)}
        environment = {**ours, **dict(spec.environment), JOB: str(self.folder)}
        environment.setdefault("PYTHONFAULTHANDLER", "1")
        if self._pinned(taken):
            environment[slots.VISIBLE] = ",".join(taken)
            if spec.device.startswith("cuda:"):
                environment["LATTY_DEVICE"] = "cuda"
        elif not taken:  # --gpus 0
            environment[slots.VISIBLE] = ""
        return process.environment(environment)

    def _words(self, taken: Mapping[str, int]) -> list[str]:
        """The verb's words; a job that was given a GPU sees it as the first."""
        verb, *words = self.status.spec.words
        if self._pinned(taken) and self.status.spec.device.startswith("cuda:"):
            words = process.without(words, options=("--device",))  # the environment says it better
        return [verb, *(["--overwrite"] if self.status.force else []), *words]

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

    def _end(self, code: int, starved: bool) -> None:
        """Done; else cancelled, where we were asked; interrupted by a signal; or failed."""
        number = -code if code < 0 else code - 128 if code in ASKED else 0
        if code and self._cancelled():
            name = process.signal_name(number) if code < 0 else ""
            self._note(replace(self.status, state="cancelled", ended=_now(), code=code,
                               signal=name))  # fmt: skip
        elif code and (number or self.stopped):
            # what the supervisor was asked to do is the cause of what it did to the worker
            self._interrupted(self.stopped or number, "ended by", code, starved)
        elif code:
            self._note(replace(self.status, state="failed", ended=_now(), code=code,
                               error=self._complaint(code)))  # fmt: skip
        else:
            self._note(replace(self.status, state="done", ended=_now(), code=0))

    def _interrupted(
        self, number: int, words: str, code: int | None = None, starved: bool = False
    ) -> None:
        name = process.signal_name(number)
        error = _death(words, name, starved)
        self._note(replace(self.status, state="interrupted", ended=_now(), code=code,
                           signal=name, error=error))  # fmt: skip

    def _complaint(self, code: int) -> str:
        """Why the verb failed: its own words, where there was room for them."""
        with suppress(OSError):
            if shutil.disk_usage(self.folder).free < FULL:
                return f"exit code {code}: no space left on the disk of {self.folder}"
        return run.complaint(self.status.id) or f"exit code {code}"

    def _note(self, status: Status) -> None:
        """On disk and among the events; where the disk is full the lock tells the rest."""
        self.status = status
        emit(self.folder, "state", state=status.state, slots=list(status.slots), code=status.code)
        with suppress(OSError, LattyError):
            run.write_status(status)


def _death(words: str, name: str, starved: bool) -> str:
    """Words for an end that the verb did not choose."""
    if name == "SIGKILL" and starved:
        return ("the machine ran out of memory and its kernel ended the job (ask for a smaller "
                "size or --batch, or for less at once; then: latty jobs resume)")  # fmt: skip
    if name == "SIGKILL":
        return f"{words} SIGKILL (a kill -9, or the kernel for want of memory)"
    if name in ("SIGHUP", "SIGINT", "SIGTERM"):
        return f"{words} {name}"
    return f"{words} {name} (where it was is in its log: latty jobs logs)"


def _out_of_memory() -> int:
    """How many processes the kernel has ended for want of memory so far."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _now() -> float:
    return round(time.time(), 3)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _begin(parent: int) -> None:
    """In the worker, before it is Python again: an INT waits until cli/signals.py listens, where
    Python would call it an error. Linux: it gets KILL when the supervisor dies, whatever killed
    it, and goes before others when memory runs out."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    if sys.platform != "linux":
        return
    process.end_with_parent(parent)
    with suppress(OSError, ValueError):
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(max(int(score.read_text()), EXPENDABLE)))


def main() -> None:
    """python -m latty.jobs JOB LOCK TICKET: the numbers are open files, inherited."""
    job, lock, ticket = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for handle in (lock, ticket):
        os.set_inheritable(handle, False)
    try:
        Supervisor(job, lock, ticket).main()
    finally:
        os.close(lock)  # now, and not when Python has put everything away
