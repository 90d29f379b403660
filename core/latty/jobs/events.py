"""What a job says, one JSON object a line: written by one process, followed by any number.

A line is one write to a file opened for appending, so lines are never mixed; a line that a kill
left unfinished is not read until it ends, and damaged ones are passed over. Of very many the last
are read.

state     {state, slots}            output  {path, bytes}
progress  {done, total, what, left}   error   {text, code}
started   {pid, attempt}            warning {text}
"""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

Event = dict[str, Any]

JOB = "LATTY_JOB"  # the environment variable that tells a worker its job's folder
FILE = "events.jsonl"
TAIL = 1 << 16  # bytes that `tail` looks at
MOST = 1 << 24  # bytes that `read` looks at
NEW = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
EVERY = 0.2  # seconds between two events of progress


def emit(folder: Path, kind: str, **values: Any) -> None:
    """Append an event. A full disk costs the event, not the work."""
    line = json.dumps({"t": round(time.time(), 3), "kind": kind, **values}, default=str) + "\n"
    try:
        handle = os.open(folder / FILE, NEW, 0o600)
        try:
            end = os.fstat(handle).st_size
            if end and os.pread(handle, 1, end - 1) != b"\n":  # a full disk cut the line before
                line = "\n" + line
            os.write(handle, line.encode())
        finally:
            os.close(handle)
    except OSError:
        return


def read(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The events from byte `offset` on, and the offset to go on from. Raises UnfitFile, OSError."""
    from latty.files import tail as end_of  # every run imports this module, few read

    data, start = end_of(folder / FILE, MOST, offset)
    whole = data[: data.rfind(b"\n") + 1]
    found = filter(None, map(_event, whole.splitlines()))
    return list(found), start + len(whole)


def _event(line: bytes) -> Event | None:
    """What a line says; None for what we never write."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return None
    if not isinstance(event.get("t", 0), int | float):
        return None
    numbers = (value for value in event.values() if isinstance(value, int | float))
    return event if all(abs(number) < math.inf for number in numbers) else None


def tail(folder: Path) -> list[Event]:
    """The last events, where all of them would be too many. Raises UnfitFile, OSError."""
    path = folder / FILE
    size = path.stat().st_size if path.exists() else 0
    return read(folder, max(0, size - TAIL))[0]


class EventWriter:
    """Appends a worker's events to its job's file; does nothing in a run that is no job."""

    def __init__(self) -> None:
        folder = os.environ.get(JOB)
        self.folder = Path(folder) if folder else None
        self._last = ("", 0.0)

    def write(self, kind: str, **values: Any) -> None:
        """One event; nothing in a run that is no job."""
        if self.folder is not None:
            emit(self.folder, kind, **values)

    def progress(self, done: int, total: int, what: str, left: float | None) -> None:
        """At most five a second, but for the first and the last of a stage."""
        if self.folder is None:
            return
        stage, said = self._last
        now = time.monotonic()
        if stage == what and done != total and now - said < EVERY:
            return
        self._last = (what, now)
        seconds = None if left is None else round(left, 1)
        self.write("progress", done=done, total=total, what=what, left=seconds)
