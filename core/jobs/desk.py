"""Where jobs are handed in: submitted, resumed, cancelled."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from core.errors import Locked, UsageError
from core.jobs import locks, run, slots
from core.jobs.events import JOB, emit
from core.jobs.run import FLAG, LOG, Spec, Status, importing

VERBS = ("render", "discover", "rank", "edit", "train-scorer")  # what may run as a job


def submit(
    words: Sequence[str], gpus: int = 1, device: str = "", folder: Path | None = None
) -> str:
    """A job that runs `latty WORDS` in `folder`; its id, as soon as its place in the queue is
    certain. Raises UsageError for a verb that cannot be one, DeviceError, OSError."""
    if not words or words[0] not in VERBS:
        raise UsageError(f"'{' '.join(words[:1])}' cannot run as a job", f"can: {', '.join(VERBS)}")
    where, now = str(folder or Path.cwd()), round(time.time(), 3)
    spec = Spec(run.new_id(), tuple(words), where, _environment(), gpus, device, now)
    slots.wanted(spec, slots.names(dict(spec.environment)))
    run.write_spec(spec)
    _start(Status(spec, "queued"))
    return spec.id


def resume(job: str) -> Status:
    """The job goes on where it stopped; among those that wait it has its old place.

    Raises Missing for an unknown id, Locked where it is alive, UsageError where it is done.
    """
    before = run.status(job)
    if before.state == "done":
        raise UsageError(f"job {job} is done", "submit it again with --force to make it anew")
    if not before.over:
        raise Locked(f"job {job} is {before.state}", "cancel it first, or wait")
    again = Status(before.spec, "queued", before.attempt + 1)
    _start(again)
    return again


def cancel(job: str) -> Status:
    """Ask the job to stop; it is told to the supervisor, who sees to it. Raises Missing,
    UsageError where it is over."""
    before = run.status(job)
    if before.over:
        raise UsageError(f"job {job} is {before.state} already", "there is nothing to cancel")
    (run.folder_of(job) / FLAG).touch()
    return before


def _environment() -> tuple[tuple[str, str], ...]:
    """What a verb reads of the environment; a resumed job gets the same."""
    words = ("LATTY_", "CUDA_", "OMP_", "RAY_AUTH", "RAY_ADDRESS")
    found = {key: value for key, value in os.environ.items() if key.startswith(words)}
    found.pop(JOB, None)
    return tuple(sorted(found.items()))


def _start(status: Status) -> None:
    """Lock, ticket, `queued` on disk, and only then the supervisor, which inherits both."""
    job, folder = status.id, run.folder_of(status.id)
    lock = locks.take(folder / "lock")
    if lock is None:
        raise Locked(f"another process has just started job {job}", "see: latty jobs show")
    (folder / FLAG).unlink(missing_ok=True)
    ticket = slots.take_ticket(job)
    try:
        run.write_status(status)
        emit(folder, "state", state="queued", attempt=status.attempt)
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "core.jobs", job, str(lock), str(ticket)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=importing(os.environ), pass_fds=(lock, ticket), start_new_session=True,
            )  # fmt: skip
        # Reaped when it ends: a studio submits for days, and zombies would pile up.
        threading.Thread(target=process.wait, daemon=True).start()
    finally:
        os.close(lock)
        os.close(ticket)
