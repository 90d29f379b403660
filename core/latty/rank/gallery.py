"""A ranking as files: CSV, JSON, plots, and a page with the films of each direction that leads.

README.md is written last but for ranking.json, which says what was written, with the SHA-256 of
each file: a ranking of the same set and model replaces those that are as it left them, and no
others. A folder without ranking.json is gone on with where all that has a name we need is what a
broken-off ranking of the same figures left there.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import files, reading
from latty.errors import LattyError, WouldOverwrite
from latty.presets import Preset, to_dict
from latty.render import provenance
from latty.render.work import is_left
from latty.report import Report, silent
from latty.tables.spreadsheet import csv_text

if TYPE_CHECKING:  # they bring numpy; `refuse` is called before that is imported
    from latty.rank.page import RankingPage
    from latty.rank.table import Measured, RankRow
    from latty.rank.walk_curves import Curves

PAGE, RECORD, HTML, HEAT = "README.md", "ranking.json", "index.html", "heatmap.svg"
TABLES = ("ranking.csv", "curves.csv", "samples.csv")
FACES = 4  # starts of a direction whose films are shown
LARGEST = 2**28  # bytes of a record
COLUMNS = ("direction", "attribute", "corr", "corr_l1", "amplitude", "selectivity", "monotone",
           "leakage", "drift", "effect", "low", "high")  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankedSet:
    """What was ranked.

    space      in which its directions act
    digests    of the set and of the model
    walks      a hash of the kept walks that its films are of; "" where they are drawn
    film       makes the film of a direction from a start, by their numbers, under this name in a
               folder
    film_name  what it is called
    shows      whether a file is that film
    """

    name: str
    model: str
    space: str
    digests: tuple[str, str]
    film: "Callable[[int, int, Path], None]"
    film_name: "Callable[[int, int], str]"
    shows: "Callable[[int, int, Path], bool]"
    walks: str = ""


@dataclass(frozen=True, slots=True)
class RankingRecord:
    """What ranking.json says of its folder: the SHA-256 of its files by name, and the kept walks
    that its films are of; "" where they were drawn."""

    files: Mapping[str, str]
    walks: str


def recorded(folder: Path, digests: tuple[str, str] | None = None) -> RankingRecord | None:
    """The record of the ranking in a folder; None where there is none of this set and model."""
    with suppress(LattyError, OSError):
        said = reading.json_file(folder / RECORD, LARGEST)
        files_said = said["files"] if isinstance(said, dict) and "files" in said else None
        if isinstance(files_said, dict) and digests in (
            None,
            (said.get("set_digest"), said.get("model_digest")),
        ):
            # A stranger's record may name files elsewhere; what it names may be removed.
            own = {name: str(one) for name, one in files_said.items() if Path(name).name == name}
            return RankingRecord(own, str(said.get("walks", "")))
    return None


def refuse(folder: Path, overwrite: bool, ranked: RankedSet | None = None,
           shape: tuple[int, int] = (0, 0)) -> None:  # fmt: skip
    """What would stop `write_all`: a ranking of something else; with what is `ranked`, of so many
    directions from so many starts, nothing measured of which is there, any file that it may write
    and did not. Raises WouldOverwrite, OSError."""
    known = recorded(folder, ranked.digests if ranked else None)
    broken_off = not (folder / RECORD).exists() and _is_page(folder / HTML)  # it is compared later
    if (folder / PAGE).is_file() and not overwrite and known is None and not broken_off:
        raise WouldOverwrite(f"{folder} holds another ranking", "--overwrite replaces it")
    if ranked is not None:
        films = (ranked.film_name(k, n) for k in range(shape[0])
                 for n in range(min(shape[1], FACES)))  # fmt: skip
        for name in (*TABLES, PAGE, RECORD, HTML, HEAT, *films):
            _refuse_one(folder / name, overwrite, known.files if known else {})


def _refuse_one(path: Path, overwrite: bool, known: Mapping[str, str]) -> None:
    ours = path.name == RECORD and bool(known)
    files.refuse_existing(path, overwrite or ours or _is_known(path, known))


def _is_known(path: Path, known: Mapping[str, str]) -> bool:
    """Whether a file is as a ranking left it."""
    return path.name in known and _digest(path) == known[path.name]


def shows(path: Path, preset: Preset) -> bool:
    """Whether an earlier try drew a film: its recipe is this preset."""
    with suppress(LattyError, OSError, KeyError, TypeError):
        recipe = to_dict(provenance.portable(preset, preset.outputs[0]))
        return provenance.canonical(provenance.read(path)["preset"]) == provenance.canonical(recipe)
    return False


def _digest(path: Path) -> str:
    with suppress(OSError):
        if not path.is_symlink():
            return provenance.digest_of_output(path)
    return ""


def write_all(
    folder: Path,
    ranked: RankedSet,
    measured: "Measured",
    interest: Sequence[str],
    *,
    overwrite: bool = False,
    top: int = 3,
    key: str = "corr",
    report: Report = silent,
) -> list[Path]:
    """Every file of a ranking, of which the attributes of `interest` have leaders; the paths, the
    page last. Raises WouldOverwrite where another file has such a name, without `overwrite`,
    OutputError and what a film raises."""
    page, texts = _contents(ranked, measured, interest, top, key)
    found = measured.curves
    known = recorded(folder, ranked.digests) or RankingRecord({}, "")
    films = [(found.directions.index(name), n, file) for name, some in page.films.items()
             for n, (_, file) in enumerate(some)]  # fmt: skip
    _refuse_others(folder, ranked, page, texts, films, known.files, overwrite)
    written = dict[str, str]()
    for done, (k, n, name) in enumerate(films):
        report(done, len(films), "films")
        if not _is_there(folder / name, ranked, k, n, known):
            _sweep(folder / name)
            ranked.film(k, n, folder / name)
        written[name] = provenance.digest_of_output(folder / name)
    report(len(films), len(films), "films")
    for name, text in [*texts.items(), (HTML, None), (PAGE, None)]:
        _put(folder / name, _page_text(page, name, folder) if text is None else text)
        written[name] = provenance.digest_of_output(folder / name)
    for name in known.files.keys() - written.keys():  # of leaders that lead no more
        if _is_known(folder / name, known.files):
            files.remove(folder / name)
    record = _summary(ranked, measured, page) | {"files": written}
    _put(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())
    return [folder / name for name in (*written, RECORD)]


def _is_there(path: Path, ranked: RankedSet, k: int, n: int, known: RankingRecord) -> bool:
    """Whether a film need not be made: nobody changed what the ranking of these walks made, or it
    shows what it would."""
    if is_left(path):
        return False  # made again, what is left beside it goes
    same = ranked.walks and ranked.walks == known.walks
    return bool(same and _is_known(path, known.files)) or ranked.shows(k, n, path)


def _put(path: Path, text: bytes) -> None:
    _sweep(path)
    files.write(path, [text])


def _sweep(path: Path) -> None:
    """What a killed try left beside a file goes."""
    with suppress(OSError):  # who writes there is told
        files.sweep(path)


def _page_text(page: "RankingPage", name: str, folder: Path) -> bytes:
    from latty.rank import page as pages

    lines = pages.html(page, folder) if name == HTML else pages.markdown(page)
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _contents(
    ranked: RankedSet,
    measured: "Measured",
    interest: Sequence[str],
    top: int,
    key: str,
) -> "tuple[RankingPage, dict[str, bytes]]":
    """The page, and the files that need no film: tables and plots."""
    from latty.rank import plots
    from latty.rank.page import RankingPage
    from latty.rank.table import best

    found, rows, random = measured.curves, measured.rows, measured.random
    leaders = {name: best(rows, name, key, top) for name in interest}
    films, drawn, texts = {}, {}, dict[str, bytes]()
    contents = (_table(rows), _curves(found), _samples(found))
    texts |= dict(zip(TABLES, map(str.encode, contents), strict=True))
    texts[HEAT] = plots.heat_map(rows, found.attributes, key, random).encode()
    shown = range(min(len(found.seeds), FACES))
    for attribute, some in leaders.items():
        a = found.attributes.index(attribute)
        for row in some:
            k = found.directions.index(row.direction)
            films[row.direction] = [(found.seeds[n], ranked.film_name(k, n)) for n in shown]
            file = f"plot-{k:03d}-{a:03d}.svg"
            drawn[row.direction, attribute] = file
            texts[file] = plots.of_direction(found, k, a).encode()
    title = f"{ranked.name} on {ranked.model}"
    inside = ranked.space not in ("z", "w")
    return RankingPage(title, found, leaders, key, random, films, drawn, inside), texts


def _refuse_others(
    folder: Path,
    ranked: RankedSet,
    page: "RankingPage",
    texts: Mapping[str, bytes],
    films: Sequence[tuple[int, int, str]],
    known: Mapping[str, str],
    overwrite: bool,
) -> None:
    """Raises WouldOverwrite, without `overwrite`, for what no earlier try of this ranking wrote."""
    films = [film for film in films if not _is_known(folder / film[2], known)]
    for name, text in texts.items():
        _refuse_one(folder / name, overwrite or _holds(folder / name, text), known)
    for k, n, name in films:
        _refuse_one(folder / name, overwrite or ranked.shows(k, n, folder / name), known)
    for name in (HTML, PAGE, RECORD):
        half = name == HTML and not (folder / RECORD).exists() and _is_page(folder / name)
        ours = overwrite or half or (name != RECORD and _holds_page(folder, name, page))
        _refuse_one(folder / name, ours, known)


def _is_page(path: Path) -> bool:
    """Whether a file begins as our page does."""
    with suppress(OSError), path.open("rb") as file:
        from latty.rank.page import STYLE  # brings numpy

        return STYLE.encode() in file.read(4096)
    return False


def _holds(path: Path, text: bytes) -> bool:
    """Whether an earlier try wrote a file, which holds just this."""
    with suppress(OSError):
        return reading.content(path, len(text)) == text
    return False


def _holds_page(folder: Path, name: str, page: "RankingPage") -> bool:
    """Whether a try of this ranking that broke off wrote a page, which has all its films."""
    with suppress(OSError):
        there = (folder / name).is_file()
        return there and _holds(folder / name, _page_text(page, name, folder))
    return False


def table_row(row: "RankRow") -> dict[str, Any]:
    """One line of ranking.csv, by column."""
    values = (getattr(row if hasattr(row, name) else row.figures, name) for name in COLUMNS)
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name, value in zip(COLUMNS, values, strict=True)
    }


def _table(rows: "Sequence[RankRow]") -> str:
    return csv_text(COLUMNS, ([*table_row(row).values()] for row in rows))


def _curves(found: "Curves") -> str:
    """Mean and spread over starts of every attribute at every strength."""
    import numpy as np

    known = np.isfinite(found.scores)
    count = np.where(known.any(1), known.sum(1), np.nan)  # (K, S, A)
    mean = np.where(known, found.scores, 0).sum(1) / count
    off = np.where(known, found.scores - mean[:, None], 0)
    std = np.sqrt(np.square(off).sum(1) / count)

    def lines() -> Iterator[list[Any]]:
        tables = zip(found.directions, found.strengths, mean.tolist(), std.tolist(), strict=True)
        for direction, strengths, means, spreads in tables:
            for strength, some, widths in zip(strengths, means, spreads, strict=True):
                at = round(strength, 4)
                for name, value, width in zip(found.attributes, some, widths, strict=True):
                    yield [direction, at, name, _number(value), _number(width)]

    return csv_text(("direction", "strength", "attribute", "mean", "std"), lines())


def _number(value: float) -> float | str:
    """As a table has it: nothing where nothing can be said."""
    return "" if math.isnan(value) else round(value, 5)


def _samples(found: "Curves") -> str:
    """The curve of each start: a line for each direction, attribute and start, its scores at the
    strengths in their order."""

    def lines() -> Iterator[list[Any]]:
        every = found.scores.transpose(0, 3, 1, 2).tolist()  # (K, A, N, S)
        for direction, walks in zip(found.directions, every, strict=True):
            for attribute, curves in zip(found.attributes, walks, strict=True):
                for start, scores in zip(found.seeds, curves, strict=True):
                    yield [direction, attribute, start, *map(_number, scores)]

    steps = (f"s{i}" for i in range(found.scores.shape[2]))
    return csv_text(("direction", "attribute", "start", *steps), lines())


def _summary(ranked: RankedSet, measured: "Measured", page: "RankingPage") -> dict[str, Any]:
    found = measured.curves
    attributes = {
        name: {
            "spread": round(float(found.spread[a]), 6),
            "best": [row.direction for row in page.leaders.get(name, ())],
            "random": {key: round(luck.expected, 5) for key, luck in page.luck(name)},
            "random_range": {
                key: [round(luck.low, 5), round(luck.high, 5)] for key, luck in page.luck(name)
            },
        }
        for a, name in enumerate(found.attributes)
    }
    return {
        "set": ranked.name,
        "set_digest": ranked.digests[0],
        "model": ranked.model,
        "model_digest": ranked.digests[1],
        "walks": ranked.walks,
        "by": page.key,
        "seeds": list(found.seeds),
        "strengths": {name: list(found.strengths[k]) for k, name in enumerate(found.directions)},
        "random_directions": 0 if found.random is None else len(found.random),
        "attributes": attributes,
        "rows": [table_row(row) for row in measured.rows],
    }
