"""A job's folder: what was asked (spec.json), how it stands (status.json), what it said.

spec.json is written once; status.json is replaced whole. `interrupted` is on no disk: it is what a
job is that has not ended and whose lock nobody holds.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from core import home
from core.errors import BadData, Missing, did_you_mean
from core.files import replace_whole
from core.jobs import locks
from core.jobs.events import Event, read

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
FLAG, LOG = "cancel", "log.txt"  # in a job's folder
PACKAGES = Path(__file__).parent.parent.parent  # where `core` is imported from
ENDED = ("done", "failed", "cancelled")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i l o u: read aloud without doubt


@dataclass(frozen=True, slots=True)
class Spec:
    """What was asked: a verb and its words, and where they were said.

    gpus    slots it needs at once; 0 = it runs beside everything
    device  the one slot it wants ("cuda:1"), "" = any
    environment  what of the environment the verb reads
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
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Status:
    """How a job stands: what the disk says, and whether somebody is at it."""

    spec: Spec
    state: State
    attempt: int = 1
    slots: tuple[str, ...] = ()
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    signal: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def over(self) -> bool:
        return self.state in (*ENDED, "interrupted")


def new_id() -> str:
    """Ids sort by the moment of submission; the end is random, and enough to name a job."""
    count, text = time.time_ns() // 1000, ""
    while count:
        count, digit = divmod(count, 32)
        text = ALPHABET[digit] + text
    return f"{text}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}"


def folder_of(job: str) -> Path:
    return home.runs_dir() / job


def lock_of(job: str) -> Path:
    return folder_of(job) / "lock"


def write_spec(spec: Spec) -> Path:
    """The folder of a new job, readable by its owner alone."""
    folder = folder_of(spec.id)
    home.runs_dir().mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    replace_whole(folder / "spec.json", [json.dumps(asdict(spec), indent=1).encode()])
    return folder


def write_status(status: Status) -> None:
    """Replace the status on disk. Raises OSError."""
    table = asdict(status)
    del table["spec"]
    replace_whole(folder_of(status.id) / "status.json", [json.dumps(table).encode()])


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
        return sorted(entry.name for entry in os.scandir(home.runs_dir()) if entry.is_dir())
    except FileNotFoundError:
        return []


def status(job: str) -> Status:
    """How job `job` (a whole id) stands. Raises Missing for an unknown one, BadData."""
    folder = folder_of(job)
    if "/" in job or not (folder / "spec.json").is_file():
        raise Missing(f"no job '{job}'", "see: latty jobs list")
    alive = locks.held(folder / "lock")  # asked first: a job that ends now has written its end
    spec = _spec(_table(folder / "spec.json"), job)
    try:
        table = _table(folder / "status.json")
    except Missing:
        return Status(spec, "queued" if alive else "interrupted")
    state = table.get("state")
    if state not in ENDED and not alive and not locks.held(folder / "lock"):
        state = "interrupted"  # asked twice: it may have been resumed between the two reads
    slots = tuple(table.pop("slots", ()))
    return Status(**{**table, "spec": spec, "state": state, "slots": slots})


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


def _spec(table: dict[str, Any], job: str) -> Spec:
    try:
        words, environment = table.pop("words"), table.pop("environment")
        pairs = tuple((str(key), str(value)) for key, value in environment)
        return Spec(**{**table, "words": tuple(words), "environment": pairs})
    except (KeyError, TypeError, ValueError):
        raise BadData(f"the spec of job {job} is damaged", "remove its folder") from None


def listed() -> Iterator[Status]:
    """Every job that can be read, newest first."""
    for job in reversed(ids()):
        try:
            yield status(job)
        except (Missing, BadData):
            continue


def events(job: str, offset: int = 0) -> tuple[list[Event], int]:
    """What job `job` said from byte `offset` on, and where to go on."""
    return read(folder_of(job), offset)


def latest(job: str) -> dict[str, Event]:
    """The last event of each kind."""
    return {event["kind"]: event for event in events(job)[0]}


def outputs(job: str) -> list[str]:
    """The files it wrote, each once."""
    paths = (event.get("path") for event in events(job)[0] if event["kind"] == "output")
    return list(dict.fromkeys(str(path) for path in paths if path))


def importing(environment: Mapping[str, str]) -> dict[str, str]:
    """So that `core` is found from any folder, installed or not."""
    rest = environment.get("PYTHONPATH")
    path = os.pathsep.join([str(PACKAGES), *([rest] if rest else [])])
    return {**environment, "PYTHONPATH": path}
