"""`latty jobs`: what goes on without a terminal: list, show, watch, cancel, resume, logs."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from core.cli import Run
from core.errors import LattyError, UsageError
from core.jobs import desk
from core.jobs import run as runs
from core.jobs.run import Status
from core.verbs import _signals as signals
from core.verbs._out import Out, clean, is_terminal, seconds

POLL = 0.2
TAIL = 200  # lines that `logs` shows


def jobs(run: Run) -> int:
    """One action on the jobs named, or on what the action takes without a name."""
    actions: dict[str, Callable[[Run, list[str]], int]] = {
        "list": _list,
        "show": _show,
        "watch": _watch,
        "cancel": _cancel,
        "resume": _resume,
        "logs": _logs,
    }
    ids = list(dict.fromkeys(runs.find(word) for word in run.args.ids))
    return actions[run.args.action](run, ids)


def _list(run: Run, ids: Sequence[str]) -> int:
    found = [runs.status(job) for job in ids] if ids else list(runs.listed())
    if run.out.json:
        for status in found:
            run.out.result("", **row(status))
    elif found:
        run.out.rows([_cells(status) for status in found])
    else:
        run.out.say("no jobs; start one with --detach, as in: latty render hello --detach")
    return 0


def row(status: Status) -> dict[str, Any]:
    """A job as JSON."""
    latest = runs.latest(status.id)
    progress = {k: v for k, v in latest.get("progress", {}).items() if k not in ("t", "kind")}
    return {"id": status.id, "state": status.state, "words": list(status.spec.words),
            "folder": status.spec.folder, "attempt": status.attempt, "slots": list(status.slots),
            "submitted": status.spec.submitted, "started": status.started, "ended": status.ended,
            "code": status.code, "signal": status.signal, "error": status.error,
            "progress": progress or None, "outputs": runs.outputs(status.id)}  # fmt: skip


def _cells(status: Status) -> list[str]:
    return [status.id, status.state, how_far(status), status.spec.title]


def how_far(status: Status) -> str:
    """`40 %, 2 min left`, what went wrong, or how long it took."""
    if status.state == "running":
        return progress_words(runs.latest(status.id).get("progress"))
    if status.state == "failed":
        return status.error.split("\n")[0][:60]
    if status.started and status.ended:
        return seconds(status.ended - status.started)
    return ""


def progress_words(event: dict[str, Any] | None) -> str:
    """`frames 12/60  20 %  5 s left`."""
    if not event:
        return "starting"
    done, total, left = event.get("done"), event.get("total"), event.get("left")
    if not isinstance(done, int) or not isinstance(total, int):
        return ""
    words = f"{event.get('what', '')} {done}" + (
        f"/{total}  {100 * done // total} %" if total else ""
    )
    return words + (f"  {seconds(left)} left" if isinstance(left, int | float) else "")


def _show(run: Run, ids: Sequence[str]) -> int:
    for job in _named(run, ids):
        status = runs.status(job)
        if run.out.json:
            run.out.result("", **row(status))
            continue
        run.out.rows([[name, value] for name, value in _pairs(status) if value])
    return 0


def _pairs(status: Status) -> list[tuple[str, str]]:
    spec, code = status.spec, status.code
    return [("job", status.id), ("state", status.state), ("command", f"latty {spec.title}"),
            ("in", spec.folder), ("slots", ", ".join(status.slots)),
            ("submitted", _when(spec.submitted)), ("started", _when(status.started)),
            ("ended", _when(status.ended)), ("attempt", str(status.attempt)),
            ("exit code", "" if code is None else str(code)), ("signal", status.signal),
            ("error", status.error), ("progress", "" if status.over else how_far(status)),
            *(("output", path) for path in runs.outputs(status.id)),
            ("log", str(runs.folder_of(status.id) / runs.LOG))]  # fmt: skip


def _when(moment: float | None) -> str:
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")


def _named(run: Run, ids: Sequence[str]) -> Sequence[str]:
    """The jobs named, else the last one. Raises UsageError where there is none."""
    if ids:
        return ids
    return [runs.find("last")] if runs.ids() else _none(run.args.action)


def _none(action: str) -> list[str]:
    raise UsageError(f"there is no job to {action}", "see: latty jobs list")


def _watch(run: Run, ids: Sequence[str]) -> int:
    """Follow jobs until they are over; those that are not, where none is named. 1 if one failed."""
    watched = list(ids) or [status.id for status in runs.listed() if not status.over]
    watched = sorted(watched or _named(run, ids))
    bad = 0
    with signals.cooperative():
        for job in watched:
            status = _follow(job, run.out)
            run.out.result(f"{job}  {status.state}  {how_far(status)}".rstrip(), **row(status))
            for path in [] if run.out.json else runs.outputs(job):
                run.out.result(path)
            bad += status.state != "done"
    return 1 if bad else 0


def _follow(job: str, out: Out) -> Status:
    """Words of progress on a terminal, a line per state elsewhere, until the job is over."""
    live, said = is_terminal(sys.stderr) and out.loudness >= 0, ""
    while True:
        signals.check("the job goes on; see: latty jobs list")
        status = runs.status(job)
        words = f"{job}  {status.state}"
        if live and status.state == "running":
            words += f"  {how_far(status)}"
        if words != said:
            if live:
                print(f"\r\x1b[K{clean(words)}", end="", file=sys.stderr, flush=True)
            else:
                out.say(words)
            said = words
        if status.over:
            if live:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            return status
        time.sleep(POLL)


def _cancel(run: Run, ids: Sequence[str]) -> int:
    """Ask each, and wait until it has stopped."""
    if not ids:
        raise UsageError("which job?", "latty jobs cancel ID, or a part of the id, or last")
    failed = 0
    for job in ids:
        try:
            desk.cancel(job)
        except LattyError as error:
            if len(ids) == 1:
                raise
            run.out.error(str(error))
            failed += 1
            continue
        while not (status := runs.status(job)).over:
            time.sleep(POLL / 4)
        run.out.result(f"{job}  {status.state}", **row(status))
    return 1 if failed else 0


def _resume(run: Run, ids: Sequence[str]) -> int:
    """Those named, or all that were interrupted."""
    chosen = list(ids) or [s.id for s in runs.listed() if s.state == "interrupted"]
    if not chosen:
        run.out.say("no job was interrupted; name the one to resume")
    for job in sorted(chosen):
        status = desk.resume(job)
        run.out.result(f"{job}  {status.state}", **row(status))
    return 0


def _logs(run: Run, ids: Sequence[str]) -> int:
    """The end of what a job wrote to its streams."""
    for job in _named(run, ids):
        try:
            data = (runs.folder_of(job) / runs.LOG).read_bytes()
        except FileNotFoundError:
            data = b""
        lines = data.decode("utf-8", "replace").splitlines()
        for line in lines[-TAIL:]:
            run.out.result(line, id=job, line=clean(line))
    return 0
