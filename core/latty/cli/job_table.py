"""A job as a row: for `latty jobs` and `latty list jobs`."""

from typing import Any

from latty.cli.out import counted, seconds
from latty.jobs import run as runs
from latty.jobs.run import Status
from latty.jobs.training import training


def row(status: Status) -> dict[str, Any]:
    """A job as JSON."""
    latest = runs.latest(status.id)
    progress = {k: v for k, v in latest.get("progress", {}).items() if k not in ("t", "kind")}
    return {"id": status.id, "state": status.state, "words": list(status.spec.words),
            "folder": status.spec.folder, "attempt": status.attempt, "slots": list(status.slots),
            "submitted": status.spec.submitted, "started": status.started, "ended": status.ended,
            "code": status.code, "signal": status.signal, "error": status.error,
            "progress": progress or None, "outputs": runs.outputs(status.id),
            "training": _training(status.id)}  # fmt: skip


def _training(job: str) -> dict[str, Any] | None:
    """What it shows of its training: its files, and the last figures by name."""
    if (found := training(job)) is None:
        return None
    files = {"chart": found.chart, "stats": found.stats}
    return {**{name: path and str(path) for name, path in files.items()}, **found.figures}


def how_far(status: Status) -> str:
    """`40 %, 2 min left`, what went wrong, or how long it took."""
    if status.state == "running":
        return progress_words(runs.latest(status.id).get("progress"))
    if status.state == "failed":
        return status.error.split("\n")[0][:60]
    if status.state == "interrupted":
        on = "goes on with: latty jobs resume"
        return f"by {status.signal}; {on}" if status.signal else on
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
    left = left if isinstance(left, int | float) else None
    return counted(event.get("what", ""), done, total, left)
