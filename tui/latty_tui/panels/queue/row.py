"""A job in one row: its state as a sign and a word, what it is, how far it is."""

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from rich.style import Style
from rich.text import Text

from latty import home
from latty.cli.out import seconds
from latty.directions.training.names import CHARTS
from latty.text import printable
from latty_tui.films.curves import bars
from latty_tui.films.documents import shown
from latty_tui.jobs import MARKS, Job

STATE = 14  # cells: a sign and the longest word
BAR = 10
EMPTY = "no jobs yet: r renders what you see, d searches for directions"


def row(job: Job, width: int, looks: dict[str, Style]) -> Text:
    """The row, at most `width` cells; `looks` are the styles of good, bad and dim parts."""
    line = Text(no_wrap=True, end="")
    style = {"failed": "bad", "interrupted": "bad", "done": "good", "running": "good"}
    line.append(f"{MARKS[job.state]} {job.state}".ljust(STATE), looks[style.get(job.state, "dim")])
    room = max(12, min(40, (width - STATE) * 2 // 5))
    title = Text(printable(job.title), no_wrap=True)
    title.truncate(room, overflow="ellipsis", pad=True)
    line.append_text(title).append("  ")
    line.append_text(_rest(job, width - line.cell_len, looks))
    line.truncate(width, overflow="ellipsis")
    return line


def _rest(job: Job, width: int, looks: dict[str, Style]) -> Text:
    """What is said of a job in its state."""
    if job.state == "running":
        return _progress(job, width, looks)
    words = {
        "queued": "waits for its turn",
        "failed": printable(job.error),
        "cancelled": "y goes on with it",
        "interrupted": "U goes on with it",
        "done": _result(job, width),
    }
    return Text(words[job.state], looks["dim" if job.state != "failed" else "bad"])


def _result(job: Job, width: int) -> str:
    """Its files, and how long it took where there is room."""
    paths = ", ".join(short(path) for path in job.outputs)
    took = "" if job.seconds is None else f"in {seconds(job.seconds)}"
    whole = "  ".join(part for part in (paths, took) if part)
    return printable(whole if len(whole) <= width else paths)


def _progress(job: Job, width: int, looks: dict[str, Style]) -> Text:
    """`━━━━━─────  52 %  frames 25/48  3.1/s  8 s left`; what does not fit is left out."""
    if not job.what:
        return Text("starting", looks["dim"])
    full = round(BAR * job.share)
    curve = curve_of(job.accuracy, BAR)
    line = Text("━" * full, looks["good"]).append("─" * (BAR - full), looks["dim"])
    left = job.seconds_left(time.time())
    words = printable(job.what).split(", ")
    if curve:  # which ends with it
        words = [word for word in words if not word.startswith("accuracy ")]
    parts = [
        f"  {100 * job.share:.0f} %" if job.total else "",
        "" if left is None else f"  {seconds(left)} left",
        f"  {curve} {job.accuracy[-1]:.0%}" if curve else "",
        "" if job.rate is None else f"  {job.rate:.3g}/s",
        f"  {', '.join(words)} {job.done}" + (f"/{job.total}" if job.total else ""),
    ]
    for part in parts:  # the most important first
        if line.cell_len + len(part) <= width:
            line.append(part)
    return line


def chart_words(chart: Path, job: Job) -> str:
    """`step 1400  ▁▂▄▆█ 62%  loss 1.31`: of the figures, the newest."""
    step = int(CHARTS.sub(r"\1", chart.name))
    figures = job.training.figures if job.training else {}
    curve = curve_of(job.accuracy, BAR)
    parts = [
        f"step {step}",
        f"{curve} {job.accuracy[-1]:.0%}" if curve else "",
        f"loss {figures['loss']:.3g}" if "loss" in figures else "",
    ]
    return "  ".join(filter(None, parts))


def curve_of(values: Sequence[float], cells: int) -> str:
    """Shares 0..1 as bars in at most so many cells, each the mean of its part."""
    cells = min(cells, len(values))
    ends = [len(values) * cell // cells for cell in range(cells + 1)] if cells else []
    return bars([fmean(values[a:b]) for a, b in pairwise(ends)], 0.0, 1.0)


def short(path: str) -> str:
    """A path as seen from here; a set of directions by its name."""
    full = Path(path)
    if full.parent == home.directions_dir():
        return f"directions {full.stem}"
    return shown(full)


def summary(jobs: list[Job]) -> str:
    """`2 running, 5 queued`, of those that are not over."""
    count = {state: sum(job.state == state for job in jobs) for state in ("running", "queued")}
    return ", ".join(f"{number} {state}" for state, number in count.items() if number)
