"""Say how alike directions are: the cosines within a set, or between two."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import files, locks
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.directions.store import SETS
from latty.errors import UsageError
from latty.scene import ALL, Layers
from latty.tables.spreadsheet import csv_text

if TYPE_CHECKING:
    from latty.directions.comparing import Cosines

ORDER = 45
EACH = "each"
WIDE = 10  # columns of a table that people read
NEAREST = 4  # of a wider one
SUFFIXES = (".png", ".csv")

Names = tuple[str, str]


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "cos(a, b) = sum_l a_l . b_l / (|a| |b|), over the code layers l that are compared; a\n"
        "direction that is the same in all layers has its vector in each, and where all are so\n"
        "there is no --layers. Of a wide table the nearest of each direction are told, and a file\n"
        "has all of it.\n\n"
        'stdout: the cosines, and the files. --json: {"set", "direction", "with", "layers",\n'
        '"cosines"} per direction, {"path"} per file.'
    )
    add = parser.add_argument
    add("sets", nargs="+", metavar="SET", help="one direction set, or two, by name or path")
    add("--layers", default="all", metavar="LIST", help="that are compared, as 4-8; each = a table "
        "for each layer (default: all together)")  # fmt: skip
    add("-o", "--output", action="append", default=[], metavar="FILE",
        help=".png, a heat map, or .csv; may stand there twice")  # fmt: skip
    add("--foreign", action="store_true", help="compare sets of different models, too")
    parser.add_overwrite("replace a file of that name")
    parser.add_json()


def run(run: Run) -> int:
    """Compare; the cosines are the result. Raises UsageError, Missing, BadData, WouldOverwrite,
    Locked, OutputError."""
    args = run.args
    if len(args.sets) > 2:
        raise UsageError(f"{len(args.sets)} sets", "one is compared with itself, or two")
    paths, targets, each = [*map(SETS.find, args.sets)], _targets(args), args.layers == EACH
    try:
        layers = ALL if each else Layers.parse(args.layers)
    except ValueError as error:
        raise UsageError(f"--layers: {error}", f"or {EACH}") from None
    from latty.directions.comparing import compared  # torch

    found = compared(paths[0], paths[-1], layers, each, args.foreign)
    names = args.sets[0], args.sets[-1]
    for target in targets:  # first: who reads the table may stop in the middle
        with locks.writing(target):
            files.refuse_existing(target, args.overwrite)
            files.write(target, [_picture(names, found) if target.suffix == ".png"
                                 else csv_text(HEAD, _lines(names, found)).encode()])  # fmt: skip
    _tell(run, names, found)
    for target in targets:
        run.out.result(str(target), path=str(target))
    return 0


def _targets(args: Any) -> list[Path]:
    """The files that are asked for. Raises UsageError, WouldOverwrite."""
    targets = [Path(name).expanduser() for name in args.output]
    for at, target in enumerate(targets):
        if target.suffix not in SUFFIXES:
            raise UsageError(f"--output: {target} is no .png or .csv", "name it so")
        if target in targets[:at]:
            raise UsageError(f"--output: {target} is named twice", "one file holds one of them")
        files.refuse_existing(target, args.overwrite)
    return targets


def _tell(run: Run, names: Names, found: "Sequence[Cosines]") -> None:
    for one in found:
        table = one.table.tolist()
        if run.out.json:
            for row, values in zip(one.rows, table, strict=True):
                cosines = {name: None if value != value else round(value, 6)
                           for name, value in zip(one.columns, values, strict=True)}  # fmt: skip
                run.out.result("", set=names[0], direction=row, **{"with": names[1]},
                               layers=one.layers, cosines=cosines)  # fmt: skip
            continue
        if len(found) > 1:
            run.out.result(f"layer {one.layers}")
        if len(one.columns) <= WIDE:
            shown = [[row, *(_shown(value) for value in values)]
                     for row, values in zip(one.rows, table, strict=True)]  # fmt: skip
            run.out.rows([["", *one.columns], *shown])
        else:
            run.out.rows([*_nearest(one, table, own=names[0] == names[1])])
    if found[0].chance:
        run.out.say(f"cosines of directions of chance have a deviation of {found[0].chance:.3f}")


def _nearest(one: "Cosines", table: list[list[float]], own: bool) -> Iterator[list[str]]:
    """Each direction, and the most alike of the others."""
    for j, (row, values) in enumerate(zip(one.rows, table, strict=True)):
        known = [(abs(value), one.columns[k], value) for k, value in enumerate(values)
                 if value == value and not (own and j == k)]  # fmt: skip
        best = sorted(known, key=lambda it: -it[0])[:NEAREST]
        yield [row, *(f"{name} {_shown(value)}" for _, name, value in best)]


def _shown(value: float) -> str:
    return "-" if value != value else f"{round(value, 2) + 0.0:+.2f}"  # no -0.00


HEAD = ("layers", "set", "direction", "with_set", "with", "cosine")


def _lines(names: Names, found: "Sequence[Cosines]") -> Iterator[list[str | float]]:
    """One line of CSV for each pair; a cosine that there is not is empty."""
    for one in found:
        for row, values in zip(one.rows, one.table.tolist(), strict=True):
            for column, value in zip(one.columns, values, strict=True):
                cosine = "" if value != value else round(value, 6)
                yield [one.layers, names[0], row, names[1], column, cosine]


def _picture(names: Names, found: "Sequence[Cosines]") -> bytes:
    """The tables as one PNG."""
    from latty.render.heatmap import HeatMap, drawn
    from latty.render.writers.png import pack

    what = names[0] if names[0] == names[1] else f"{names[0]} with {names[1]}"
    maps = []
    for one in found:
        where = "" if one.layers == "all" else f", layers {one.layers}"
        title = f"cosines of {what}{where}"
        maps.append(HeatMap(title, one.rows, one.columns, one.table.tolist()))
    return pack(drawn(maps), "")
