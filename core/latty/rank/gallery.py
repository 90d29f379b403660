"""A ranking as files: CSV, JSON, and a page of Markdown with a GIF of each direction that leads.

README.md is written last: a folder that has it is whole. One without it is gone on with where all
that has a name we need is what a broken-off ranking of the same figures left there.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import files, reading
from latty.directions.store import reference
from latty.errors import LattyError, WouldOverwrite
from latty.presets import SCHEMA, Output, Preset, Track, to_dict
from latty.render import Options, provenance, write
from latty.report import Report, silent
from latty.scene import Edit, Scene
from latty.tables.spreadsheet import csv_text

if TYPE_CHECKING:  # they bring torch; `refuse` is called before that is imported
    from latty.rank.measuring import Curves
    from latty.rank.table import RankRow

PAGE = "README.md"
TABLES = ("ranking.csv", "curves.csv", "ranking.json")
FRAMES, SIZE, FACES = 24, 128, 4  # of a GIF: steps of the walk, px, seeds in a square
COLUMNS = ("direction", "attribute", "corr", "amplitude", "selectivity", "monotone", "leakage",
           "drift", "effect", "low", "high")  # fmt: skip


def refuse(folder: Path, overwrite: bool, directions: Sequence[str] | None = None) -> None:
    """What would stop `write_all`: a whole ranking; with the `directions` of one that nothing is
    measured of, any file that it may write. Raises WouldOverwrite, OSError."""
    if (folder / PAGE).is_file() and not overwrite:
        raise WouldOverwrite(f"{folder} holds a ranking already", "--overwrite replaces it")
    if directions is not None:
        pictures = (gif_name(directions, name) for name in directions)
        for name in (*TABLES, PAGE, *pictures):
            files.refuse_existing(folder / name, overwrite)


def write_all(
    folder: Path,
    ref: str,
    model: str,
    found: "Curves",
    rows: "Sequence[RankRow]",
    *,
    overwrite: bool = False,
    top: int = 3,
    key: str = "corr",
    truncation: float = 1.0,
    device: str = "auto",
    report: Report = silent,
) -> list[Path]:
    """Every file of a ranking; the paths, the page last. Raises WouldOverwrite where another file
    has such a name, without `overwrite`, OutputError and what a render raises."""
    from latty.rank.table import best

    leaders = {name: best(rows, name, key, top) for name in found.attributes}
    leading = {row.direction for few in leaders.values() for row in few}
    chosen = [direction for direction in found.directions if direction in leading]
    presets = [_preset(ref, model, found, name, truncation) for name in chosen]
    summary = json.dumps(_summary(ref, model, found, rows, leaders), indent=1) + "\n"
    page = "\n".join(_page(ref, model, found, leaders, key)) + "\n"
    contents = (_table(rows), _curves(found), summary, page)
    texts = dict(zip((*TABLES, PAGE), map(str.encode, contents), strict=True))
    _refuse_others(folder, texts, presets, overwrite)
    paths = []
    for done, preset in enumerate(presets):
        report(done, len(presets), "GIFs")
        paths += write(preset, Options(out_dir=folder, device=device, overwrite=True, foreign=True))
    for name, text in texts.items():
        with suppress(OSError):  # who writes there is told
            files.sweep(folder / name)
        files.write(folder / name, [text])
        paths.append(folder / name)
    return paths


def _refuse_others(
    folder: Path, texts: Mapping[str, bytes], presets: Sequence[Preset], overwrite: bool
) -> None:
    """Raises WouldOverwrite, without `overwrite`, for what no earlier try of this ranking wrote."""
    for name, text in texts.items():
        files.refuse_existing(folder / name, overwrite or _holds(folder / name, text))
    for preset in presets:
        path = folder / preset.outputs[0].path
        files.refuse_existing(path, overwrite or _shows(path, preset))


def _holds(path: Path, text: bytes) -> bool:
    """Whether an earlier try wrote a file, which holds just this."""
    with suppress(OSError):
        return reading.content(path, len(text)) == text
    return False


def _shows(path: Path, preset: Preset) -> bool:
    """Whether an earlier try drew a GIF: its recipe is this preset."""
    with suppress(LattyError, OSError, KeyError, TypeError):
        recipe = to_dict(provenance.portable(preset, preset.outputs[0]))
        return provenance.canonical(provenance.read(path)["preset"]) == provenance.canonical(recipe)
    return False


def gif_name(directions: Sequence[str], direction: str) -> str:
    """A file name that is unique whatever the direction is called."""
    index = directions.index(direction)
    word = "".join(c if c.isalnum() and c.isascii() else "-" for c in direction)[:40]
    return f"{index:03d}-{word}.gif"


def _preset(ref: str, model: str, found: "Curves", name: str, truncation: float) -> Preset:
    reach = found.strengths[found.directions.index(name)]
    seeds = found.seeds[:FACES]
    edits = (Edit(reference(ref, name), reach[0]),)
    scene = Scene(model, seeds[0], truncation, edits=edits)
    track = Track(((0.0, reach[0]), (1.0, reach[-1])), "smooth")
    output = Output(gif_name(found.directions, name), size=SIZE, loop="bounce")
    several = seeds if len(seeds) > 1 else ()
    tracks = (("edits.0.strength", track),)
    return Preset(SCHEMA, name, scene, FRAMES, tracks, several, (output,))


def table_row(row: "RankRow") -> dict[str, Any]:
    """One line of ranking.csv, by column."""
    values = asdict(row) | asdict(row.figures)
    return {
        name: round(value, 5) if isinstance(value := values[name], float) else value
        for name in COLUMNS
    }


def _table(rows: "Sequence[RankRow]") -> str:
    return csv_text(COLUMNS, ([*table_row(row).values()] for row in rows))


def _curves(found: "Curves") -> str:
    """Mean and spread over seeds of every attribute at every strength."""
    mean, std = found.scores.mean(1), found.scores.std(1, unbiased=False)  # (K, S, A)
    return csv_text(
        ("direction", "strength", "attribute", "mean", "std"),
        (
            (
                direction,
                round(strength, 4),
                attribute,
                *(round(float(each[k, s, a]), 5) for each in (mean, std)),
            )
            for k, direction in enumerate(found.directions)
            for s, strength in enumerate(found.strengths[k])
            for a, attribute in enumerate(found.attributes)
        ),
    )


def _summary(
    ref: str,
    model: str,
    found: "Curves",
    rows: "Sequence[RankRow]",
    leaders: "dict[str, list[RankRow]]",
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


def _plain(name: str) -> str:
    """A name, which may be anything, as text of Markdown: no markup, no cell of its own."""
    return re.sub(r"[\\`*\[\]<>|&]", r"\\\g<0>", name)


def _page(
    ref: str, model: str, found: "Curves", leaders: "dict[str, list[RankRow]]", key: str
) -> Iterator[str]:
    """The lines of the page."""
    seeds = len(found.seeds)
    yield f"# {_plain(Path(ref).name)} on {_plain(Path(model).name)}\n"
    yield (
        f"{len(found.directions)} directions, {len(found.attributes)} attributes, {seeds} seeds. "
        f"Best by {key}: corr is the mean correlation of strength and attribute, amplitude counts "
        "how far it goes (in standard deviations of the attribute), selectivity is its share of "
        "the amplitudes of all attributes, leakage the mean |corr| of the others.\n"
    )
    for attribute, rows in leaders.items():
        yield f"## {_plain(attribute)}\n"
        yield "| direction | corr | amplitude | selectivity | leakage | usable | |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        for row in rows:
            f, name = row.figures, _plain(row.direction)
            yield (
                f"| {name} | {f.corr:+.2f} | {row.amplitude:+.2f} | {row.selectivity:.2f} "
                f"| {f.leakage:.2f} | {f.low:+.1f} to {f.high:+.1f} "
                f"| ![{name}]({gif_name(found.directions, row.direction)}) |"
            )
        yield ""
