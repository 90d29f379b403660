"""Jobs in tests: submitted, watched and killed as real processes."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from places import FAKES, LIMIT
from processes import wait

from latty.errors import LattyError
from latty.jobs import control, run
from latty.jobs.run import Status


def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One slot; workers find the fakes; what a test leaves running is ended with it."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.setenv("LATTY_SLOTS", "a")
    yield
    for status in run.listed():
        if not status.over:
            with suppress(LattyError):
                control.cancel(status.id)
    wait(lambda: all(status.over for status in run.listed()))


def over(job: str, seconds: float = LIMIT) -> Status:
    """The status of a job that has ended."""
    wait(lambda: run.status(job).over, seconds)
    return run.status(job)


def in_state(job: str, state: str) -> Status:
    wait(lambda: run.status(job).state == state)
    return run.status(job)


def probe(word: str, **more: object) -> str:
    return control.submit(["render", f"probe:{word}"], **more)  # type: ignore[arg-type]


def processes_of(job: str) -> dict[str, int]:
    """ "supervisor" and "worker" of a job, by what the kernel says of every process."""
    return {name: pid for pid, (name, of) in job_processes().items() if of == job}


def job_processes() -> dict[int, tuple[str, str]]:
    """Of every living supervisor and worker of this test's home: its role and its job."""
    found, runs = {}, f"{run.folder_of('x').parent}{os.sep}".encode()
    home = f"LATTY_HOME={os.environ['LATTY_HOME']}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            environ = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        said = [word for word in environ if word.startswith(b"LATTY_JOB=" + runs)]
        if words[2:4] == [b"-m", b"latty.jobs"] and home in environ:
            found[int(folder.name)] = ("supervisor", words[4].decode())
        elif words[2:4] == [b"-m", b"latty"] and said:
            found[int(folder.name)] = ("worker", Path(said[0].decode()).name)
    return found


def tickets() -> list[str]:
    """The places in the queue, of the living and of the dead."""
    from latty import home

    folder = home.queue_dir()
    return [p.name for p in folder.iterdir() if p.name != ".lock"] if folder.is_dir() else []


def held_slots() -> list[str]:
    from latty import home, locks

    folder = home.slots_dir()
    return [p.name for p in folder.iterdir() if locks.held(p)] if folder.is_dir() else []
