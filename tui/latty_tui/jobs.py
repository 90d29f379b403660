"""Jobs as the studio sees them: read from their folders, and only what has changed since.

Nothing of them belongs to the studio: jobs of earlier sessions and of other terminals are there,
and all of them go on when it closes. Everything here reads files: it runs in threads.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty import home, locks
from latty.errors import LattyError, UnfitFile, UsageError
from latty.folders import private
from latty.jobs import events, run
from latty.jobs.run import Status
from latty.jobs.training import Training, curve, training
from latty.presets import Preset

ENOUGH = 1 << 13  # bytes at the end of what an ended job said: its files are told there
AT_ONCE = 100  # folders that one look reads which it has not seen before
WINDOW = 15.0  # seconds over which the pace is measured
SHEETS = "presets"
OVERWRITES = ("--overwrite", "--force")
PINNED = ("LATTY_PRECISION",)  # of the settings with which a job was handed in
ALIVE = ("queued", "running")
MARKS = {"queued": "○", "running": "●", "done": "✓", "failed": "✗", "cancelled": "–",
         "interrupted": "!"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """How a job stands, and how far it is.

    rate      steps per second of the present stage; left = seconds to its end, as said at `said`
    training  what it shows of one; `accuracy` is that of each of its lines of figures
    """

    status: Status
    done: int = 0
    total: int = 0
    what: str = ""
    rate: float | None = None
    left: float | None = None
    said: float = 0.0
    outputs: tuple[str, ...] = ()
    training: Training | None = None
    accuracy: tuple[float, ...] = ()

    @property
    def id(self) -> str:
        return self.status.id

    @property
    def state(self) -> str:
        return self.status.state

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def share(self) -> float:
        """How much of the present stage is done, 0..1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def title(self) -> str:
        """`render smile`, `discover ganspace demo -o mine`: what the studio adds is left out."""
        verb, *words = self.status.spec.words
        kept = (Path(w).stem if _ours(w) else w for w in words if not _added(w))
        return " ".join((verb, *kept))

    @property
    def error(self) -> str:
        """What went wrong, the first line of it."""
        return self.status.error.split("\n")[0]

    def seconds_left(self, now: float) -> float | None:
        return None if self.left is None else max(0.0, self.left - max(0.0, now - self.said))

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        started, ended = self.status.started, self.status.ended
        return max(0.0, ended - started) if started and ended else None  # clocks may be set back


def _added(word: str) -> bool:
    return word in OVERWRITES or (word.startswith("--") and "=" in word)


def _ours(word: str) -> bool:
    """Whether a word is the path of a preset that the studio wrote for this job alone."""
    folder = Path(word).parent
    return folder.parent == sheets() and folder.name != ".."


@dataclass(slots=True)
class _Seen:
    """What is known of one folder: its mtime when it was read, and up to where its events were."""

    job: Job
    mark: int
    offset: int = 0
    pace: tuple[tuple[float, int], ...] = ()  # (moment, done) of the present stage


class Watch:
    """Looks at all jobs again and again; `poll` costs little where nothing happens."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self.more = False  # whether there are jobs that no look has come to yet

    def poll(self) -> list[Job]:
        """All jobs that can be read, the newest first. Of many old ones some come later."""
        marks = _folders()
        for gone in self._seen.keys() - marks.keys():
            del self._seen[gone]
        fresh = 0
        for job in sorted(marks, reverse=True):
            seen = self._seen.get(job)
            if seen is None:
                fresh += 1
                if fresh > AT_ONCE:
                    continue
            elif seen.mark == marks[job] and not seen.job.alive:
                continue
            self._look(job, marks[job])
        self.more = fresh > AT_ONCE
        return [self._seen[job].job for job in sorted(self._seen, reverse=True)]

    def _look(self, job: str, mark: int) -> None:
        try:
            status = run.status(job)  # before the events: they are never older than it
        except (LattyError, OSError):  # damaged, or being removed
            self._seen.pop(job, None)
            return
        seen = self._seen.get(job) or _Seen(Job(status), 0, _start(status))
        try:
            found, seen.offset = run.events(job, seen.offset)
        except UnfitFile:
            found = []
        seen.job, seen.mark = replace(seen.job, status=status), mark
        for event in found:
            _hear(seen, event)
        if status.spec.words[0] == "discover":
            _learn(seen)
        self._seen[job] = seen


def _folders() -> dict[str, int]:
    """Every job's folder and when a file in it was last made or replaced."""
    found = {}
    try:
        with os.scandir(home.runs_dir()) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_dir():
                    found[entry.name] = entry.stat().st_mtime_ns
    except FileNotFoundError:
        pass  # no job yet, or one that went away as we looked
    return found


def _start(status: Status) -> int:
    """Where to begin to read what a job said: the end of it, where it said much."""
    path = run.folder_of(status.id) / events.FILE
    most = ENOUGH if status.state == "done" else events.TAIL
    return max(0, path.stat().st_size - most) if path.exists() else 0


def _learn(seen: _Seen) -> None:
    """Read what a training shows, where it shows more than before."""
    with suppress(LattyError, OSError):
        found = training(seen.job.id)
        if found != seen.job.training:
            accuracy = tuple(curve(seen.job.id, "accuracy")) if found and found.stats else ()
            seen.job = replace(seen.job, training=found, accuracy=accuracy)


def _hear(seen: _Seen, event: events.Event) -> None:
    kind, job = event["kind"], seen.job
    if kind == "state" and event.get("state") == "queued":  # another attempt
        seen.job, seen.pace = replace(job, done=0, total=0, what="", rate=None, left=None), ()
    elif kind == "output" and event.get("path"):
        path = str(event["path"])
        seen.job = replace(job, outputs=tuple(dict.fromkeys((*job.outputs, path))))
    elif kind == "progress":
        _progress(seen, event)


def _progress(seen: _Seen, event: events.Event) -> None:
    done, total, what = event.get("done"), event.get("total"), str(event.get("what", ""))
    if not isinstance(done, int) or not isinstance(total, int):
        return
    moment = float(event.get("t", 0.0))
    if what != seen.job.what or (seen.pace and done < seen.pace[-1][1]):
        seen.pace = ()
    seen.pace = (*(one for one in seen.pace if moment - one[0] <= WINDOW), (moment, done))
    (began, before), rate = seen.pace[0], None
    if moment > began and done > before:
        rate = (done - before) / (moment - began)
    left = event.get("left")
    if not isinstance(left, int | float):
        left = (total - done) / rate if rate and total else None
    seen.job = replace(seen.job, done=done, total=total, what=what, rate=rate, left=left,
                       said=moment)  # fmt: skip


# What is done with jobs.


def ended(before: Sequence[Job], after: Sequence[Job]) -> list[Job]:
    """Jobs that were alive and are over, in the order in which they ended."""
    alive = {job.id for job in before if job.alive}
    found = (job for job in after if not job.alive and job.id in alive)
    return sorted(found, key=lambda job: job.status.ended or 0.0)


def remove(job: str) -> None:
    """Take a job off the list; what it wrote stays. Raises Missing, and UsageError where it is
    alive."""
    status = run.status(job)
    if (lock := locks.take(run.lock_of(job))) is None:
        raise UsageError("it is at work, or waits for its turn", "cancel it first: c")
    try:
        run.remove(job)
    finally:
        os.close(lock)
    for word in status.spec.words:
        if _ours(word):
            shutil.rmtree(Path(word).parent, ignore_errors=True)


def again(status: Status) -> str:
    """Submit what a job did once more, over what it wrote; the new job's id. Raises LattyError."""
    from latty.jobs import control

    verb, *words = status.spec.words
    spec = status.spec
    forced = [] if any(word in OVERWRITES for word in words) else ["--overwrite"]
    words = [_own_copy(word) for word in words]
    settings = {key: value for key, value in spec.environment if key in PINNED}
    return control.submit(
        (verb, *forced, *words), spec.gpus, spec.device, Path(spec.folder), settings
    )


def _own_copy(word: str) -> str:
    """Each job has its own preset and what lies beside it, which go when the job is taken off the
    list."""
    path = Path(word)
    if not _ours(word) or not path.is_file():
        return word
    copy = new_sheet(path.stem)
    shutil.copytree(path.parent, copy.parent, dirs_exist_ok=True, copy_function=_linked)
    return str(copy)


def presets_of(status: Status) -> list[str]:
    """The presets that a render was given, as paths that hold from anywhere, or shipped names."""
    from latty.cli.parser import parse

    words = list(status.spec.words)
    if words[0] != "render":
        return []
    try:
        args: Any = parse(words)
    except LattyError:
        return []
    places = (Path(status.spec.folder) / Path(ref).expanduser() for ref in args.presets)
    return [str(p) if p.is_file() else r for p, r in zip(places, args.presets, strict=True)]


def sheets() -> Path:
    """Where the presets of jobs are that the studio handed in: as they were at that moment."""
    return (home.state_dir() / SHEETS).absolute()


def new_sheet(name: str) -> Path:
    """A path for a preset of that name, in a folder of its own. Raises OSError, ConfigError."""
    return private(home.state_dir() / SHEETS / run.new_id()).absolute() / f"{name}.toml"


def write_sheet(preset: Preset, path: Path) -> None:
    """Write a preset there, with copies of what it names of an archive. Blocking. Raises
    LattyError."""
    from latty import presets
    from latty_tui.films.copies import beside

    presets.save(beside(preset, path, _linked), path)


def _linked(source: str | Path, target: str | Path) -> None:
    """What several jobs need is on the disk once. Raises OSError, LattyError."""
    from latty_tui.films.copies import link

    size = Path(source).stat().st_size
    same = (one for one in sheets().glob(f"*/*-files/**/{Path(target).name}")
            if one.stat().st_size == size)  # fmt: skip
    link(Path(source), Path(target), same)
