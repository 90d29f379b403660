"""A job's folder: what was asked (spec.json), how it stands (status.json), what it said.

spec.json is written once; status.json is replaced whole. `interrupted` need not be on disk: a job
is so, too, that has not ended and whose lock nobody holds.
"""

import errno
import json
import os
import secrets
import shlex
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from latty import home, locks, process
from latty.errors import BadData, Missing, did_you_mean
from latty.folders import Folder, private
from latty.jobs.events import JOB, Event, read, tail
from latty.reading import SMALL, kind_of

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
FLAG, LOG = "cancel", "log.txt"  # in a job's folder
READS = ("LATTY_", "CUDA_", "OMP_", "RAY_AUTH", "RAY_ADDRESS")  # variables that affect a verb
ENDED = ("done", "failed", "cancelled", "interrupted")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i l o u: read aloud without doubt
DIGITS = 11  # of the moment in an id: enough until the year 3111
CLOCK = 10**11  # seconds that no clock says: four thousand years
SCHEMA = 1  # of both files: another number means that they can no longer be read by this one
SPEC, STATUS, SPARE = "spec.json", "status.json", "spare"  # in a job's folder
ROOM = 4096  # bytes of the spare file: the end of a job is written over it where the disk is full


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What was asked: a verb and its words, and where they were said.

    gpus    slots it needs at once; 0 = it runs beside everything
    device  the one slot it wants ("cuda:1"), "" = any
    environment  variables that affect the verb
    """

    id: str
    words: tuple[str, ...]
    folder: str
    environment: tuple[tuple[str, str], ...] = ()
    gpus: int = 1
    device: str = ""
    submitted: float = 0.0

    @property
    def title(self) -> str:
        """The words as a shell takes them."""
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True)
class Status:
    """How a job stands: what the disk says, and whether somebody is at it."""

    spec: JobSpec
    state: State
    attempt: int = 1
    slots: tuple[str, ...] = ()
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    signal: str = ""
    error: str = ""
    force: bool = False  # a file in the way is its own, from an earlier attempt

    @property
    def id(self) -> str:
        """The job's."""
        return self.spec.id

    @property
    def over(self) -> bool:
        """Whether no process works on it or will without `resume`."""
        return self.state in ENDED


def new_id() -> str:
    """Ids sort by the moment of submission, also where the clock was set back meanwhile; the end
    is random, and enough to name a job."""
    newest = max((_moment(job) for job in ids()), default=0)
    count, text = max(time.time_ns() // 1000, newest + 1), ""
    while count:
        count, digit = divmod(count, 32)
        text = ALPHABET[digit] + text
    return f"{text}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}"


def _moment(job: str) -> int:
    """When a job was submitted, in µs, by its id; 0 where it is none of ours."""
    text = job.partition("-")[0]
    last = ALPHABET[-1] * DIGITS  # nothing comes after it
    if len(text) != DIGITS or text == last or not set(text) <= set(ALPHABET):
        return 0
    count = 0
    for letter in text:
        count = 32 * count + ALPHABET.index(letter)
    return count


def folder_of(job: str) -> Path:
    """Where everything of a job is."""
    return home.runs_dir() / job


def lock_of(job: str) -> Path:
    """The lock that a job's supervisor and worker hold while they live."""
    return folder_of(job) / "lock"


@contextmanager
def opened(job: str) -> Iterator[Folder]:
    """The folder of job `job` (a whole id). Raises Missing for an unknown one, BadData for what
    another user put there, OSError."""
    unknown = Missing(f"no job '{job}'", "see: latty jobs list")
    if not job or "/" in job or "\0" in job or job.startswith("."):
        raise unknown
    try:
        runs = Folder(home.runs_dir())
    except FileNotFoundError:
        raise unknown from None
    with runs:
        found = runs.status(job)
        if found is None:
            raise unknown
        path = runs.path / job
        if not stat.S_ISDIR(found.st_mode):
            raise BadData(f"{path} is a {kind_of(found.st_mode)}, no job", "remove it")
        folder, keeper = runs.folder(job), os.fstat(runs.handle).st_uid
    with folder:
        us = os.geteuid()
        # root looks at the jobs of others, too, but not at what a third one put among them
        if os.fstat(folder.handle).st_uid not in (us, us or keeper):
            raise BadData(f"{path} belongs to another user: it is no job of yours", "remove it")
        yield folder


def create(status: Status) -> int:
    """The folder of a new job, readable by its owner alone, and its lock, held.

    It is made under a hidden name: nobody sees a job that has no state, or that nobody holds.
    Raises FileExistsError where there is a job of that id, ConfigError, OSError.
    """
    with Folder(private(home.runs_dir())) as runs:
        draft = f".{status.id}"
        lock = _draft(runs, draft)
        try:
            with runs.folder(draft) as folder:
                spec = {"schema": SCHEMA, **asdict(status.spec)}
                folder.write(SPEC, [json.dumps(spec, indent=1).encode()])
                _write(status, folder)
            _publish(runs, draft, status.id)
        except BaseException:
            with suppress(OSError):  # `sweep` takes it
                runs.remove(draft)
            os.close(lock)
            raise
    return lock


def _draft(runs: Folder, name: str) -> int:
    """A new folder and its lock, held: `sweep` may take one that has none yet for a dead one."""
    while True:
        os.mkdir(name, 0o700, dir_fd=runs.handle)
        with suppress(FileNotFoundError), runs.folder(name) as folder:
            if (lock := locks.take(folder / "lock")) is not None:
                if runs.status(name) is not None:
                    return lock
                os.close(lock)


def _publish(runs: Folder, draft: str, job: str) -> None:
    try:
        runs.rename(draft, runs, job)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(errno.EEXIST, "there is such a job", job) from None
        raise
    try:
        runs.sync()
    except OSError:
        runs.rename(job, runs, draft)
        raise


def remove(job: str) -> None:
    """A job's folder, and everything in it. Raises OSError."""
    with Folder(home.runs_dir()) as runs:
        gone = f".{job}.gone"
        runs.remove(gone)
        with suppress(FileNotFoundError):
            runs.rename(job, runs, gone)  # nobody sees half a job
        runs.remove(gone)


def sweep() -> None:
    """Remove what a process left that was killed while it made a job's folder. Raises OSError."""
    with Folder(private(home.runs_dir())) as runs:
        for name in runs.names():
            found = runs.status(name) if name.startswith(".") else None
            if found is not None and time.time() - found.st_mtime > 60:
                _sweep(runs, name)


def _sweep(runs: Folder, name: str) -> None:
    """Under its lock, which whoever makes a folder holds: clocks may be wrong about its age."""
    lock = None
    with suppress(OSError), runs.folder(name) as folder:
        if (lock := locks.take(folder / "lock", patience=0)) is None:
            return
    try:
        runs.remove(name)
    finally:
        if lock is not None:
            os.close(lock)


def write_status(status: Status) -> None:
    """Replace the status on disk. Raises OSError, Missing where the job is gone."""
    with opened(status.id) as folder:
        _write(status, folder)


def _write(status: Status, folder: Folder) -> None:
    table = {"schema": SCHEMA, **asdict(status)}
    del table["spec"]
    data = json.dumps(table).encode()
    try:
        folder.write(STATUS, [data])
        if not status.over and folder.status(SPARE) is None:
            folder.write(SPARE, [bytes(ROOM)])
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full or len(data) > ROOM or folder.status(SPARE) is None:
            raise
        _write_over(folder, data)


def _write_over(folder: Folder, data: bytes) -> None:
    """Into the spare file, which has its place on a full disk. Raises OSError."""
    with folder.update(SPARE) as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    folder.rename(SPARE, folder, STATUS)


def find(word: str) -> str:
    """The id that `word` names: a whole one, a part of one, or "last". Raises Missing, BadData."""
    known = ids()
    if word in known:
        return word
    if word == "last" and known:
        return known[-1]
    near = [job for job in known if word and word in job]
    if len(near) == 1:
        return near[0]
    if near:
        raise BadData(
            f"'{word}' is a part of {len(near)} job ids", f"such as {', '.join(near[:3])}"
        )
    raise Missing(f"no job '{word}'", did_you_mean(word, known[-12:]) or "see: latty jobs list")


def ids() -> list[str]:
    """All jobs, oldest first."""
    try:
        found = os.scandir(home.runs_dir())
        return sorted(e.name for e in found if e.is_dir() and not e.name.startswith("."))
    except FileNotFoundError:
        return []


def status(job: str) -> Status:
    """How job `job` (a whole id) stands. Raises Missing for an unknown one, BadData, OSError."""
    with opened(job) as folder:
        spec = _spec(folder, job)
        for _ in range(2):  # between the two looks it may have ended, or have been resumed
            found = _on_disk(folder, spec)
            if found.over or locks.held(folder / "lock"):
                return found
    return replace(found, state="interrupted")


def last(job: str) -> Status:
    """What was written last, for those who hold the lock. Raises Missing, BadData, OSError."""
    with opened(job) as folder:
        return _on_disk(folder, _spec(folder, job))


def _on_disk(folder: Folder, spec: JobSpec) -> Status:
    """What the last writer said. What a newer version added is passed over. Raises BadData."""
    table = _table(folder, STATUS)
    slots = table.get("slots", [])
    kinds = {"attempt": int, "code": int, "started": float, "ended": float, "signal": str,
             "error": str, "force": bool}  # fmt: skip
    given = {name: table[name] for name in kinds if table.get(name) is not None}
    sound = table.get("state") in get_args(State) and "attempt" in given and _texts(slots)
    if not sound or not all(_is(value, kinds[name]) for name, value in given.items()):
        raise _damaged(folder, STATUS)
    return Status(spec, table["state"], slots=tuple(slots), **given)


def _spec(folder: Folder, job: str) -> JobSpec:
    """Raises BadData."""
    table = _table(folder, SPEC)
    kinds = {"folder": str, "gpus": int, "device": str, "submitted": float}
    given = {name: table[name] for name in kinds if name in table}
    words, pairs = table.get("words"), table.get("environment", [])
    sound = words and _texts(words) and "folder" in given and isinstance(pairs, list)
    sound = sound and all(_texts(pair) and len(pair) == 2 for pair in pairs)
    if not sound or not all(_is(value, kinds[name]) for name, value in given.items()):
        raise _damaged(folder, SPEC)
    environment = tuple((key, value) for key, value in pairs)
    return JobSpec(id=job, words=tuple(table["words"]), environment=environment, **given)


def _is(value: object, kind: type) -> bool:
    """Whether a value of a JSON file is of a kind; a moment is a number that a clock may say."""
    if kind is float:
        return type(value) in (int, float) and abs(value) < CLOCK  # type: ignore[arg-type]
    return type(value) is kind


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _table(folder: Folder, name: str) -> dict[str, Any]:
    """Raises BadData, Missing, OSError."""
    try:
        table = json.loads(folder.read(name, SMALL))
    except FileNotFoundError:
        raise Missing(f"there is no {folder.path / name}", "see: latty jobs list") from None
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise _damaged(folder, name)
    schema = table.get("schema", 1)
    if schema != SCHEMA:
        what = f"{folder.path / name} is of a newer latty (schema {schema!r:.20}, not {SCHEMA})"
        raise BadData(what, "go on with the version that made it")
    return table


def _damaged(folder: Folder, name: str) -> BadData:
    return BadData(f"{folder.path / name} is damaged", "remove its folder")


def listed() -> Iterator[Status]:
    """Every job that can be read, newest first."""
    for job in reversed(ids()):
        try:
            yield status(job)
        except (Missing, BadData, OSError):
            continue


def events(job: str, offset: int = 0) -> tuple[list[Event], int]:
    """What job `job` said from byte `offset` on, and where to go on. Raises UnfitFile, OSError."""
    return read(folder_of(job), offset)


def latest(job: str) -> dict[str, Event]:
    """The last event of each kind, of the last ones. Raises UnfitFile, OSError."""
    return {event["kind"]: event for event in tail(folder_of(job))}


def complaint(job: str) -> str:
    """What the present attempt said went wrong, by its place: clocks may be set back meanwhile.
    "" where it said nothing, or nothing that can be read."""
    found: list[Event] = []
    with suppress(OSError):
        found = tail(folder_of(job))
    for event in reversed(found):
        if event["kind"] == "error":
            return str(event.get("text", ""))
        if event["kind"] == "state":
            break
    return ""


def outputs(job: str) -> list[str]:
    """The files it wrote, each once. Raises UnfitFile, OSError."""
    paths = (event.get("path") for event in events(job)[0] if event["kind"] == "output")
    return list(dict.fromkeys(str(path) for path in paths if path))


def read_by_verbs(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that affect a verb (LATTY_*, CUDA_*, OMP_*, RAY_*), stored with a job
    so that `resume` uses them again."""
    found = {key: value for key, value in environment.items() if key.startswith(READS)}
    found.pop(JOB, None)
    if home_of := found.get("LATTY_HOME"):
        found["LATTY_HOME"] = str(Path(home_of).expanduser().absolute())
    return found


def environment() -> dict[str, str]:
    """Environment variables for processes that run in other folders than this one."""
    return process.environment({**os.environ, **read_by_verbs(os.environ)})
