"""Where jobs are handed in: submitted, resumed, cancelled."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from latty import home, locks
from latty.errors import LattyError, Locked, UsageError, unwritten
from latty.jobs import run, slots
from latty.jobs.events import emit
from latty.jobs.run import FLAG, LOG, JobSpec, Status
from latty.plugins import Registry
from latty.process import command

VERBS = Registry[Any]("latty.cli.verbs", words=True)  # by their names: a job is `latty VERB ...`
PATIENCE = 2.0  # seconds that a supervisor may take to go when it has written the end


def submit(
    words: Sequence[str],
    gpus: int = 1,
    device: str = "",
    folder: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A job that runs `latty WORDS` in `folder`, with these environment variables over its
    settings; its id, as soon as its place in the queue is certain. Raises UsageError for a verb
    that cannot be one, DeviceError, ConfigError, OutputError."""
    if not words or not VERBS.constant(words[0], "DETACHES", False):
        can = [verb for verb in VERBS.names() if VERBS.constant(verb, "DETACHES", False)]
        raise UsageError(f"'{' '.join(words[:1])}' cannot run as a job", f"can: {', '.join(can)}")
    if gpus < 0:
        raise UsageError(f"--gpus {gpus} is below 0", "0 = none, beside the jobs that have one")
    where, now = str(folder or Path.cwd()), round(time.time(), 3)
    environment = tuple(sorted(run.read_by_verbs({**os.environ, **settings}).items()))
    spec = JobSpec("", tuple(words), where, environment, gpus, device, now)
    slots.wanted(spec, slots.names(dict(spec.environment)))
    with _telling(f"submit a job (in {home.runs_dir()})"):
        run.sweep()
        status, lock = created(spec)
        try:
            _start(status, lock)
        except BaseException:
            with suppress(OSError):  # what is left of it is interrupted
                run.remove(status.id)
            raise
        finally:
            os.close(lock)
    return status.id


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Raises OutputError, "cannot WHAT", for an OSError of what is inside."""
    try:
        yield
    except LattyError:
        raise
    except OSError as error:
        raise unwritten(f"cannot {what}", error) from None


def created(spec: JobSpec) -> tuple[Status, int]:
    """A job on disk under an id that no other has, and its lock, held. Raises Locked, ConfigError,
    OSError."""
    for _ in range(100):
        status = Status(replace(spec, id=run.new_id()), "queued")
        with suppress(FileExistsError):  # another one came at this very moment
            return status, run.create(status)
    raise Locked("other processes take every id", "submit it again")


def resume(job: str) -> Status:
    """The job goes on where it stopped; among those that wait it has its old place.

    Raises Missing for an unknown id, Locked where it is alive, UsageError where it is done,
    OutputError.
    """
    with _telling(f"resume job {job}"):
        return _resumed(job)


def _resumed(job: str) -> Status:
    seen = run.status(job)
    if seen.state == "done":
        hint = "submit it again with --overwrite to make it anew"
        raise UsageError(f"job {job} is done", hint)
    if not seen.over:
        raise Locked(f"job {job} is {seen.state}", "cancel it first, or wait")
    lock = locks.take(run.lock_of(job), PATIENCE)
    started = Locked(f"another process has just started job {job}", "see: latty jobs show")
    if lock is None:
        raise started
    try:
        before = run.last(job)
        if before.attempt != seen.attempt:
            raise started
        again = Status(before.spec, "queued", before.attempt + 1, force=_own(before))
        with run.opened(job) as folder:
            folder.remove(FLAG)
        run.write_status(again)  # from here on it can be cancelled
        try:
            _start(again, lock)
        except BaseException:
            with suppress(OSError):
                run.write_status(before)
            raise
    finally:
        os.close(lock)
    return again


def _own(status: Status) -> bool:
    """Whether a file in the way of the next attempt is this job's own.

    A verb looks for files in its way before it works, so an attempt that reported progress found
    none; it may have been ended between its last rename and its last word.
    """
    if status.force:
        return True
    at_work = any(event["kind"] == "progress" for event in run.events(status.id)[0])
    return at_work and status.code != 73


def cancel(job: str) -> Status:
    """Ask the job to stop; it is told to the supervisor, who sees to it. Raises Missing,
    UsageError where it is over, OutputError."""
    before = run.status(job)
    if before.over:
        raise UsageError(f"job {job} is {before.state} already", "there is nothing to cancel")
    with _telling(f"cancel job {job}"), run.opened(job) as folder:
        folder.update(FLAG).close()
    return before


def remove(job: str) -> None:
    """Everything of a job that is over, but for its outputs. Raises Missing, Locked where somebody
    is at it, OutputError."""
    with _telling(f"remove job {job}"):
        seen = run.status(job)
        if not seen.over:
            raise Locked(f"job {job} is {seen.state}", f"latty jobs cancel {job} ends it")
        if (lock := locks.take(run.lock_of(job), PATIENCE)) is None:
            raise Locked(f"another process is at job {job}", "see: latty jobs show")
        try:
            run.remove(job)
        finally:
            os.close(lock)


def _start(status: Status, lock: int) -> None:
    """A place in the queue, and the supervisor, which inherits it and the lock."""
    job = status.id
    ticket = slots.take_ticket(job)
    try:
        emit(run.folder_of(job), "state", state="queued", attempt=status.attempt)
        with run.opened(job) as folder, folder.append(LOG) as log:
            supervisor = subprocess.Popen(
                command("latty.jobs", job, str(lock), str(ticket)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env=run.environment(), pass_fds=(lock, ticket), start_new_session=True,
            )  # fmt: skip
    except BaseException:
        slots.drop_ticket(job, ticket)
        raise
    os.close(ticket)
    # Reaped when it ends: a studio submits for days, and zombies would pile up.
    threading.Thread(target=supervisor.wait, daemon=True).start()
