"""Jobs: what it costs to hand one in, to follow it, to list many, and to be detached at all.

Times are wall times here: a job is another process. The plain alternative is named in each row.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from latty import home
from latty.jobs import control, events
from latty.jobs import run as runs

Row = tuple[str, str, float, str]
ROOT = Path(__file__).parent.parent
PRESET = """\
schema = 1
frames = {frames}
[scene]
model = "portraits"
seed = {{ walk = [1, 2] }}
[[outputs]]
path = "{name}.gif"
size = 256
"""


@contextmanager
def _home() -> Iterator[Path]:
    """A state directory of its own, and one slot."""
    before = {key: os.environ.get(key) for key in ("LATTY_HOME", "LATTY_SLOTS", "PYTHONPATH")}
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LATTY_HOME": folder, "LATTY_SLOTS": "a", "PYTHONPATH": str(ROOT)}
        try:
            yield Path(folder)
        finally:
            for key, value in before.items():
                os.environ.pop(key, None)
                if value is not None:
                    os.environ[key] = value


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _over(job: str) -> None:
    while not runs.status(job).over:
        time.sleep(0.01)


def _submit(count: int) -> Row:
    def plain() -> None:
        process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
        process.wait()

    times: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        job = control.submit(["render", "--help"])
        times.append(time.perf_counter() - begun)
        _over(job)
    ours, theirs = median(times), median(_seconds(plain) for _ in range(count))
    note = f"{1000 * ours:.1f} ms until its place in the queue is certain"
    return "submit a job", "starting a bare Python process", theirs / ours, note


def _events(folder: Path, count: int) -> Row:
    """Against a database table, one transaction an event."""
    import sqlite3

    def append() -> None:
        for i in range(count):
            events.emit(folder, "progress", done=i, total=count)

    ours = _seconds(append)
    reading = _seconds(lambda: events.read(folder))
    table = sqlite3.connect(folder / "events.db", isolation_level=None)
    table.execute("pragma journal_mode=wal")
    table.execute("create table events (t real, kind text, body text)")

    def insert() -> None:
        for i in range(count):
            body = json.dumps({"done": i, "total": count})
            table.execute("insert into events values (?, ?, ?)", (time.time(), "progress", body))

    theirs = _seconds(insert)
    table.close()
    note = f"{count / ours:,.0f} events/s written, {count / reading:,.0f} read"
    return "events", "an SQLite table in WAL mode", theirs / ours, note


def _list(count: int) -> Row:
    """A thousand finished jobs, on a disk of its own."""
    for index in range(count):
        spec = runs.JobSpec(f"{runs.new_id()}{index}", ("render", "hello"), "/")
        done = runs.Status(spec, "done", started=1.0, ended=2.0, code=0)
        os.close(runs.create(done))
    ours = _seconds(lambda: list(runs.listed()))
    plain = _seconds(lambda: [p.read_bytes() for p in home.runs_dir().glob("*/s*.json")])
    note = f"{1000 * ours:.0f} ms for {count} jobs"
    return "list jobs", "reading their files alone", plain / ours, note


def _overhead(folder: Path, frames: int) -> Row:
    """The same render, inline and as a job, less the start of the processes around it."""
    inline, detached = [], []
    for index in range(3):
        preset = folder / f"p{index}.toml"
        preset.write_text(PRESET.format(frames=frames, name=f"p{index}"))
        words = ["render", str(preset), "--quiet", "--out-dir"]
        command = [sys.executable, "-m", "latty", *words, str(folder / "inline")]
        inline.append(
            _seconds(
                lambda command=command: subprocess.run(
                    command, check=True, stdout=subprocess.DEVNULL
                )
            )
        )
        job = control.submit([*words, str(folder / "detached")])
        _over(job)
        status = runs.status(job)
        assert status.state == "done" and status.started and status.ended, status
        detached.append(status.ended - status.started)
    ours, theirs = median(detached), median(inline)
    note = f"{frames} frames: {ours:.2f} s as a job, {theirs:.2f} s inline; goal <= 1.1x"
    return "detached render", "the same render inline", theirs / ours, note


def _rows(quick: bool) -> Iterator[Row]:
    """Row by row."""
    with _home() as folder:
        yield _submit(3 if quick else 10)
        yield _events(folder, 2_000 if quick else 20_000)
        yield _overhead(folder, 20 if quick else 100)
        yield _list(200 if quick else 1000)


def run(quick: bool = False) -> list[Row]:
    """All rows."""
    return list(_rows(quick))
