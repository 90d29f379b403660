"""A ranking as files: CSV, JSON, and a page of Markdown with a GIF of each direction that leads.

README.md is written last: a folder that has it is whole, and one without it is gone on with.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from latty import files
from latty.directions.store import reference
from latty.errors import WouldOverwrite
from latty.presets.values import SCHEMA, Output, Preset, Track
from latty.rank.curves import Curves
from latty.rank.table import RankRow, best
from latty.render import Options, write
from latty.report import Report, silent
from latty.scene import Edit, Scene

PAGE = "README.md"
FRAMES, SIZE, FACES = 24, 128, 4  # of a GIF: steps of the walk, px, seeds in a square
COLUMNS = ("direction", "attribute", "corr", "amplitude", "selectivity", "monotone", "leakage",
           "drift", "effect", "low", "high")  # fmt: skip


def refuse(folder: Path, force: bool) -> None:
    """Raises WouldOverwrite where a whole ranking is in the way."""
    if (folder / PAGE).exists() and not force:
        raise WouldOverwrite(f"{folder} holds a ranking already", "--force replaces it")


def write_all(
    folder: Path,
    ref: str,
    model: str,
    found: Curves,
    rows: Sequence[RankRow],
    *,
    top: int = 3,
    key: str = "corr",
    truncation: float = 1.0,
    device: str = "auto",
    report: Report = silent,
) -> list[Path]:
    """Every file of a ranking; the paths, the page last. Raises OutputError and what a render
    raises."""
    folder.mkdir(parents=True, exist_ok=True)
    leaders = {name: best(rows, name, key, top) for name in found.attributes}
    leading = {row.direction for few in leaders.values() for row in few}
    chosen = [direction for direction in found.directions if direction in leading]
    paths = []
    for done, name in enumerate(chosen):
        report(done, len(chosen), "GIFs")
        preset = _preset(ref, model, found, name, truncation)
        options = Options(out_dir=folder, device=device, force=True)
        paths += write(preset, options)
    texts = {
        "ranking.csv": _table(rows),
        "curves.csv": _curves(found),
        "ranking.json": json.dumps(_summary(ref, model, found, rows, leaders), indent=1) + "\n",
        PAGE: "\n".join(_page(ref, model, found, leaders, key)) + "\n",
    }
    for name, text in texts.items():
        files.write(folder / name, [text.encode()])
        paths.append(folder / name)
    return paths


def gif_name(found: Curves, direction: str) -> str:
    """A file name that is unique whatever the direction is called."""
    index = found.directions.index(direction)
    word = "".join(c if c.isalnum() and c.isascii() else "-" for c in direction)[:40]
    return f"{index:03d}-{word}.gif"


def _preset(ref: str, model: str, found: Curves, name: str, truncation: float) -> Preset:
    reach = found.strengths[found.directions.index(name)]
    seeds = found.seeds[:FACES]
    edits = (Edit(reference(ref, name), reach[0]),)
    scene = Scene(model, seeds[0], truncation, edits=edits)
    track = Track(((0.0, reach[0]), (1.0, reach[-1])), "smooth")
    output = Output(gif_name(found, name), size=SIZE, loop="bounce")
    several = seeds if len(seeds) > 1 else ()
    tracks = (("edits.0.strength", track),)
    return Preset(SCHEMA, name, scene, FRAMES, tracks, several, (output,))


def table_row(row: RankRow) -> dict[str, Any]:
    """One line of ranking.csv, by column."""
    values = asdict(row) | asdict(row.figures)
    return {
        name: round(value, 5) if isinstance(value := values[name], float) else value
        for name in COLUMNS
    }


def _table(rows: Sequence[RankRow]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table_row(row) for row in rows)
    return out.getvalue()


def _curves(found: Curves) -> str:
    """Mean and spread over seeds of every attribute at every strength."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["direction", "strength", "attribute", "mean", "std"])
    mean, std = found.scores.mean(1), found.scores.std(1, unbiased=False)  # (K, S, A)
    for k, direction in enumerate(found.directions):
        for s, strength in enumerate(found.strengths[k]):
            for a, attribute in enumerate(found.attributes):
                figures = [round(float(each[k, s, a]), 5) for each in (mean, std)]
                writer.writerow([direction, round(strength, 4), attribute, *figures])
    return out.getvalue()


def _summary(
    ref: str, model: str, found: Curves, rows: Sequence[RankRow], leaders: dict[str, list[RankRow]]
) -> dict[str, Any]:
    return {
        "set": Path(ref).name,
        "model": Path(model).name,
        "seeds": list(found.seeds),
        "attributes": {
            name: {"spread": round(float(found.spread[a]), 6),
                   "best": [row.direction for row in leaders[name]]}
            for a, name in enumerate(found.attributes)
        },
        "rows": [table_row(row) for row in rows],
    }  # fmt: skip


def _page(
    ref: str, model: str, found: Curves, leaders: dict[str, list[RankRow]], key: str
) -> Iterator[str]:
    """The lines of the page."""
    seeds = len(found.seeds)
    yield f"# {Path(ref).name} on {Path(model).name}\n"
    yield (
        f"{len(found.directions)} directions, {len(found.attributes)} attributes, {seeds} seeds. "
        f"Best by {key}: corr is the mean correlation of strength and attribute, amplitude counts "
        "how far it goes (in standard deviations of the attribute), selectivity is its share of "
        "the amplitudes of all attributes, leakage the mean |corr| of the others.\n"
    )
    for attribute, rows in leaders.items():
        yield f"## {attribute}\n"
        yield "| direction | corr | amplitude | selectivity | leakage | usable | |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        for row in rows:
            f = row.figures
            yield (
                f"| {row.direction} | {f.corr:+.2f} | {row.amplitude:+.2f} | {row.selectivity:.2f} "
                f"| {f.leakage:.2f} | {f.low:+.1f} to {f.high:+.1f} "
                f"| ![{row.direction}]({gif_name(found, row.direction)}) |"
            )
        yield ""
