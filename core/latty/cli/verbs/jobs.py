"""Work without this terminal: list, show, watch, cancel, resume, logs, remove."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from latty.cli import signals
from latty.cli.job_table import how_far, row
from latty.cli.out import Out, is_terminal
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, UsageError, explain
from latty.files import tail
from latty.jobs import control
from latty.jobs import run as runs
from latty.jobs.run import Status
from latty.jobs.training import training
from latty.text import printable

T = TypeVar("T")

ORDER = 90
POLL = 0.2
TAIL = 200  # lines that `logs` shows
TAIL_BYTES = 1 << 18  # where it looks for them


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "ID is a job's id, a part of it that fits one job only, or last.\n"
        "watch without ID follows all that are not over; resume takes up all interrupted ones.\n\n"
        '--json: {"id", "state", "words", "progress", "outputs", "error", "training", ...}'
        " per job."
    )
    add = parser.add_argument
    add("action", nargs="?", choices=list(ACTIONS), default="list", metavar="ACTION",
        help=f"{', '.join(ACTIONS)} (default: list)")  # fmt: skip
    add("ids", nargs="*", metavar="ID")
    parser.add_json()


def run(run: Run) -> int:
    """One action on the jobs named, or on what the action takes without a name."""
    ids = list(dict.fromkeys(runs.find(word) for word in run.args.ids))
    return ACTIONS[run.args.action](run, ids)


def _list(run: Run, ids: Sequence[str]) -> int:
    """The jobs named, or all, the newest first; of one that is damaged there are words."""
    known, alone, failed = ids or [*reversed(runs.ids())], bool(ids), 0
    if run.out.json:
        told, failed = _each(run, known, _row, alone)
        for values in told.values():
            run.out.result("", **values)
    elif known:
        cells, failed = _each(run, known, _cells, alone)
        run.out.rows([*cells.values()], ("job", "state", "progress", "command"))
    else:
        run.out.say("no jobs; start one with --detach, as in: latty render hello --detach")
    return 1 if failed and ids else 0


def _row(job: str) -> dict[str, Any]:
    return row(runs.status(job))


def _cells(job: str) -> list[str]:
    status = runs.status(job)
    return [status.id, status.state, how_far(status), status.spec.title]


def _show(run: Run, ids: Sequence[str]) -> int:
    if run.out.json:
        rows, failed = _each(run, _named(run, ids), _row)
        for values in rows.values():
            run.out.result("", **values)
        return 1 if failed else 0
    told, failed = _each(run, _named(run, ids), _pairs)
    for pairs in told.values():
        run.out.rows([[name, value] for name, value in pairs if value])
    return 1 if failed else 0


def _pairs(job: str) -> list[tuple[str, str]]:
    status = runs.status(job)
    spec, code = status.spec, status.code
    return [("job", status.id), ("state", status.state), ("command", f"latty {spec.title}"),
            ("in", spec.folder), ("slots", ", ".join(status.slots)),
            ("submitted", _when(spec.submitted)), ("started", _when(status.started)),
            ("ended", _when(status.ended)), ("attempt", str(status.attempt)),
            ("exit code", "" if code is None else str(code)), ("signal", status.signal),
            ("error", status.error.replace("\n", "; ")),
            ("progress", "" if status.over else how_far(status)),
            *_training(job), *(("output", path) for path in runs.outputs(status.id)),
            ("log", str(runs.folder_of(status.id) / runs.LOG))]  # fmt: skip


def _training(job: str) -> list[tuple[str, str]]:
    """Its last figures, and where to look at it."""
    if (found := training(job)) is None:
        return []
    return [("training", found.words()), ("chart", str(found.chart or "")),
            ("figures", str(found.stats or ""))]  # fmt: skip


def _when(moment: float | None) -> str:
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")


def _named(run: Run, ids: Sequence[str]) -> Sequence[str]:
    """The jobs named, else the last one. Raises UsageError where there is none."""
    if not ids and not runs.ids():
        raise UsageError(f"there is no job to {run.args.action}", "see: latty jobs list")
    return ids or [runs.find("last")]


def _watch(run: Run, ids: Sequence[str]) -> int:
    """Follow jobs until they are over; those that are not, where none is named. 1 if one failed."""
    left = list(ids) or [status.id for status in runs.listed() if not status.over]
    left, bad = sorted(left or _named(run, ids)), 0
    line = Line(run.out)
    with signals.cooperative():
        while left:
            signals.check("the jobs go on; see: latty jobs list")
            found, failed = _each(run, left, _seen)
            bad += failed
            for status in found.values():
                if status.over:
                    line.clear()
                    _tell_end(status, run.out)
                    bad += status.state != "done"
            left = [job for job, status in found.items() if not status.over]
            line.show([found[job] for job in left])
            if left:
                time.sleep(POLL)
    return 1 if bad else 0


def _seen(job: str) -> Status:
    """How it stands; what it said can be read, too."""
    status = runs.status(job)
    runs.latest(job)
    return status


def _tell_end(status: Status, out: Out) -> None:
    text = f"{status.id}  {status.state}  {how_far(status)}".rstrip()
    out.result(text, **row(status))
    for path in [] if out.json else runs.outputs(status.id):
        out.result(path)


class Line:
    """What `watch` says: on a terminal one line that changes, elsewhere a line per new state."""

    def __init__(self, out: Out) -> None:
        self.out = out
        self.live = is_terminal(sys.stderr) and out.loudness >= 0 and not out.events
        self.said: dict[str, str] = {}
        self.text = ""

    def show(self, found: Sequence[Status]) -> None:
        """Where the jobs stand that are not over."""
        if self.live:
            self._replace(_together(found))
            return
        for status in found:
            if self.said.get(status.id) != status.state:
                self.said[status.id] = status.state
                self.out.say(f"{status.id}  {status.state}")

    def clear(self) -> None:
        """Make room for a line that stays."""
        self._replace("")

    def _replace(self, text: str) -> None:
        from shutil import get_terminal_size

        text = printable(text)[: get_terminal_size().columns - 1]  # more would wrap and stay behind
        if text != self.text:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self.text = text


def _together(found: Sequence[Status]) -> str:
    """`1abc-d2ef  frames 12/60  20 %, 3abc-f4gh  starting, 2 queued`."""
    running = [f"{s.id}  {how_far(s)}" for s in found if s.state == "running"]
    queued = len(found) - len(running)
    return ", ".join([*running, *([f"{queued} queued"] if queued else [])])


def _cancel(run: Run, ids: Sequence[str]) -> int:
    """Ask all, and wait until they have stopped."""
    if not ids:
        raise UsageError("which job?", "latty jobs cancel ID, or a part of the id, or last")
    asked, failed = _each(run, ids, control.cancel)
    for job in asked:
        while not (status := runs.status(job)).over:
            with suppress(UsageError):  # again: it may have been resumed at that very moment
                control.cancel(job)
            time.sleep(POLL / 4)
        run.out.result(f"{job}  {status.state}", **row(status))
    return 1 if failed else 0


def _each(
    run: Run, ids: Sequence[str], act: Callable[[str], T], alone: bool = True
) -> tuple[dict[str, T], int]:
    """Do it to every job; one that cannot be done does not stop the others. How many could not.

    alone  raise what is wrong with the only one
    """
    told: dict[str, T] = {}
    for job in ids:
        try:
            told[job] = act(job)
        except (LattyError, OSError) as error:
            if alone and len(ids) == 1:
                raise
            run.out.error(str(explain(error) or error))
    return told, len(ids) - len(told)


def _resume(run: Run, ids: Sequence[str]) -> int:
    """Those named, or all that were interrupted."""
    chosen = list(ids) or [s.id for s in runs.listed() if s.state == "interrupted"]
    if not chosen:
        run.out.say("no job was interrupted; name the one to resume")
    told, failed = _each(run, sorted(chosen), control.resume)
    for job, status in told.items():
        run.out.result(f"{job}  {status.state}", **row(status))
    return 1 if failed else 0


def _logs(run: Run, ids: Sequence[str]) -> int:
    """The end of what a job wrote to its streams."""

    told, failed = _each(run, _named(run, ids), _tail)
    for job, lines in told.items():
        for line in lines:
            run.out.result(line, id=job, line=printable(line))
    return 1 if failed else 0


def _tail(job: str) -> list[str]:
    """The last whole lines of its log, of which there may be more than fit in memory."""
    with runs.opened(job) as folder:
        data, start = tail(folder.path / runs.LOG, TAIL_BYTES)
    if start:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "replace").splitlines()[-TAIL:]


def _remove(run: Run, ids: Sequence[str]) -> int:
    """Their folders; their outputs stay."""
    if not ids:
        raise UsageError("which job?", "latty jobs remove ID, or a part of the id, or last")
    told, failed = _each(run, ids, control.remove)
    for job in told:
        run.out.result(job, id=job, state="removed")
    return 1 if failed else 0


ACTIONS: dict[str, Callable[[Run, Sequence[str]], int]] = {
    "list": _list,
    "show": _show,
    "watch": _watch,
    "cancel": _cancel,
    "resume": _resume,
    "logs": _logs,
    "remove": _remove,
}
