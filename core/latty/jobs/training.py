"""What a job that trains shows of its work: its latest chart, and the lines of its figures."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from latty.directions.training.names import STATS, latest
from latty.files import tail
from latty.jobs import run

LARGEST = 1 << 22  # bytes of figures that are read: of more, the last
LAST = 1 << 12  # bytes in which the last line is
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Training:
    """Where a training stands: `figures` are those of its last line, by name, "step" among them;
    `chart` and `stats` are files, None where there is none yet."""

    chart: Path | None
    stats: Path | None
    figures: Figures

    def words(self) -> str:
        """`step 1500: accuracy 0.62, loss 1.3`."""
        shown = {name: value for name, value in self.figures.items() if name != "seconds"}
        step = shown.pop("step", 0)
        told = ", ".join(f"{name} {value:.3g}" for name, value in shown.items())
        return f"step {step:g}: {told}" if told else ""


def training(job: str) -> Training | None:
    """That of job `job` (a whole id); None where it trains nothing, or has not begun. Raises
    Missing, BadData, UnfitFile, OSError."""
    with run.opened(job) as folder:
        names, place = folder.names(), folder.path
        chart, found = latest(names), STATS in names
        if not chart and not found:
            return None
        rows = _rows(place / STATS, LAST) if found else []
    return Training(
        place / chart if chart else None, place / STATS if found else None, rows[-1] if rows else {}
    )


def curve(job: str, name: str) -> list[float]:
    """What the figure of that name was, line by line. Raises what `training` does."""
    with run.opened(job) as folder:
        return [row[name] for row in _rows(folder.path / STATS, LARGEST) if name in row]


def _rows(path: Path, most: int) -> list[Figures]:
    """Whole lines; one that cannot be read is passed over."""
    data, start = tail(path, most)
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    found = []
    for line in lines[1 if start else 0 :]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            found.append({name: x for name, x in row.items() if _is_number(x)})
    return found


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e300 < value < 1e300 and math.isfinite(value)
