"""A job's folder: what was asked (spec.json), how it stands (status.json), what it said.

spec.json is written once; status.json is replaced whole. `interrupted` is on no disk: it is what a
job is that has not ended and whose lock nobody holds.
"""

import json
import os
import secrets
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from latty import home, locks, process
from latty.errors import BadData, Missing, did_you_mean
from latty.files import replace_whole
from latty.jobs.events import JOB, Event, read, tail

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
FLAG, LOG = "cancel", "log.txt"  # in a job's folder
READS = ("LATTY_", "CUDA_", "OMP_", "RAY_AUTH", "RAY_ADDRESS")  # variables that affect a verb
ENDED = ("done", "failed", "cancelled")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i l o u: read aloud without doubt


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
        return self.state in (*ENDED, "interrupted")


def new_id() -> str:
    """Ids sort by the moment of submission; the end is random, and enough to name a job."""
    count, text = time.time_ns() // 1000, ""
    while count:
        count, digit = divmod(count, 32)
        text = ALPHABET[digit] + text
    return f"{text}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}"


def folder_of(job: str) -> Path:
    """Where everything of a job is."""
    return home.runs_dir() / job


def lock_of(job: str) -> Path:
    """The lock that a job's supervisor and worker hold while they live."""
    return folder_of(job) / "lock"


def create(status: Status) -> int:
    """The folder of a new job, readable by its owner alone, and its lock, held. Raises OSError.

    It is made under a hidden name: nobody sees a job that has no state, or that nobody holds.
    """
    final = folder_of(status.id)
    draft = final.with_name("." + final.name)
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.mkdir(mode=0o700)
    lock = locks.take(draft / "lock")
    try:
        assert lock is not None, "a new file"
        spec = json.dumps(asdict(status.spec), indent=1)
        replace_whole(draft / "spec.json", [spec.encode()])
        write_status(status, draft)
        draft.rename(final)
    except BaseException:
        remove(draft)
        if lock is not None:
            os.close(lock)
        raise
    return lock


def remove(folder: Path) -> None:
    """A job's folder, and everything in it."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what a process left that was killed while it made a job's folder."""
    for path in home.runs_dir().glob(".*"):
        if time.time() - path.stat().st_mtime > 60 and not locks.held(path / "lock"):
            remove(path)


def write_status(status: Status, folder: Path | None = None) -> None:
    """Replace the status on disk. Raises OSError."""
    table = asdict(status)
    del table["spec"]
    path = (folder or folder_of(status.id)) / "status.json"
    replace_whole(path, [json.dumps(table).encode()])


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
    """How job `job` (a whole id) stands. Raises Missing for an unknown one, BadData."""
    folder = folder_of(job)
    if "/" in job or job.startswith(".") or not (folder / "spec.json").is_file():
        raise Missing(f"no job '{job}'", "see: latty jobs list")
    spec = _spec(_table(folder / "spec.json"), job)
    for _ in range(2):  # between the two looks it may have ended, or have been resumed
        found = _on_disk(spec)
        if found.state in ENDED or locks.held(folder / "lock"):
            return found
    return replace(found, state="interrupted")


def last(job: str) -> Status:
    """What was written last, for those who hold the lock. Raises Missing, BadData."""
    return _on_disk(_spec(_table(folder_of(job) / "spec.json"), job))


def _on_disk(spec: JobSpec) -> Status:
    """What the last writer said. Raises BadData."""
    path = folder_of(spec.id) / "status.json"
    table = _table(path)
    known = {field.name for field in fields(Status)} - {"spec"}
    table = {name: value for name, value in table.items() if name in known}
    slots = table.pop("slots", [])
    sound = isinstance(slots, list) and isinstance(table.get("attempt"), int)
    if table.get("state") not in get_args(State) or not sound:
        raise BadData(f"{path} is damaged", "remove its folder")
    return Status(spec, slots=tuple(map(str, slots)), **table)


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Missing(f"there is no {path}", "see: latty jobs list") from None
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise BadData(f"{path} is damaged", "remove its folder")
    return table


def _spec(table: dict[str, Any], job: str) -> JobSpec:
    try:
        words, environment = table.pop("words"), table.pop("environment")
        pairs = tuple((str(key), str(value)) for key, value in environment)
        if not words or not isinstance(words, list):
            raise ValueError
        return JobSpec(**{**table, "words": tuple(map(str, words)), "environment": pairs})
    except (KeyError, TypeError, ValueError):
        raise BadData(f"the spec of job {job} is damaged", "remove its folder") from None


def listed() -> Iterator[Status]:
    """Every job that can be read, newest first."""
    for job in reversed(ids()):
        try:
            yield status(job)
        except (Missing, BadData, OSError):
            continue


def events(job: str, offset: int = 0) -> tuple[list[Event], int]:
    """What job `job` said from byte `offset` on, and where to go on."""
    return read(folder_of(job), offset)


def latest(job: str) -> dict[str, Event]:
    """The last event of each kind, of the last ones."""
    return {event["kind"]: event for event in tail(folder_of(job))}


def outputs(job: str) -> list[str]:
    """The files it wrote, each once."""
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
