"""Measure what each direction of a set does to each attribute."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import locks
from latty.cli import detach as cli_detach
from latty.cli import signals, values, walks, workers
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import Missing, UsageError

if TYPE_CHECKING:
    from latty.rank import Curves, RankPlan, RankRow

ORDER = 40
DETACHES = True
SEEDS, STEPS = "0-31", 7
GO_ON = "the same command goes on from there"


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "writes ranking.csv, curves.csv, ranking.json, GIFs and README.md into one folder.\n\n"
        'stdout: the folder. --json: {"path", "set", "model", "rows"}.'
    )
    add = parser.add_argument
    add("set", metavar="SET", help="a direction set (latty list directions) or a path")
    add("--scorers", default="factors", metavar="LIST",
        help="attributes or scorers, as in smile,yaw,geometry (default: factors)")  # fmt: skip
    walks.options(parser, SEEDS, STEPS)
    add("--by", choices=("corr", "amplitude", "selectivity"), default="corr", metavar="FIGURE",
        help="corr, amplitude or selectivity (default: corr)")  # fmt: skip
    add("--top", type=int, default=3, metavar="N", help="directions shown of each (default: 3)")
    add("-o", "--output", metavar="DIR", help="the folder (default: SET-rank in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    parser.add_overwrite("replace a ranking that is there")
    add("--foreign", "--force-model", action="store_true", help="walk directions of another model")
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_json()


def run(run: Run) -> int:
    """Walk, measure, write the page; its folder is the result. Raises UsageError, Missing."""
    from latty.directions.store import set_info

    args, config = run.args, run.config()
    model = values.model(args.model or set_info(args.set).model)
    rest = _plan(args)
    folder = config.out_dir / f"{Path(args.set).stem}-rank"
    if args.output is not None:
        folder = Path(args.output).expanduser()
    if folder.exists() and not folder.is_dir():
        raise Missing(f"{folder} is no folder", "-o names a folder")
    spread = workers.asked(run)
    if args.detach:
        _refuse_early(folder, args.overwrite)
        return cli_detach.detached(run)
    with locks.writing(folder):
        import torch  # noqa: F401  the slow part, while a signal may still leave at once

        found, measured = _ranked(run, model, rest, folder, spread)
    _tell(run, found, measured)
    from latty.rank import gallery

    run.out.result(str(folder), path=str(folder), set=args.set, model=model,
                   rows=[gallery.table_row(row) for row in measured])  # fmt: skip
    return 0


def _refuse_early(folder: Path, overwrite: bool) -> None:
    """What is certain to stop a ranking, as far as it is seen without its model. Raises
    WouldOverwrite, Locked, OutputError."""
    from latty.rank import gallery

    locks.refuse_taken(folder)
    gallery.refuse(folder, overwrite)


def _ranked(
    run: Run, model: str, rest: dict[str, Any], folder: Path, spread: bool
) -> "tuple[Curves, list[RankRow]]":
    """Measured, and written. Raises Missing, BadData, WouldOverwrite."""
    from latty.rank import gallery, planned, ranking, rows, work_of

    args, device = run.args, run.config().device
    gallery.refuse(folder, args.overwrite)
    with signals.cooperative(), run.progress("rank", GO_ON) as progress:
        rest["label"] = values.label(args.label, model, device)
        plan, generator = planned(args.set, model, args.scorers, device, **rest)
        if not work_of(plan, generator).exists():
            gallery.refuse(folder, args.overwrite, [info.name for info in plan.chosen()])
        share = partial(_spread, run, plan, generator, progress) if spread else None
        with ranking(plan, generator, progress, share) as found:
            measured = rows(found)
            gallery.write_all(folder, args.set, model, found, measured, overwrite=args.overwrite,
                              top=args.top, key=args.by, truncation=rest["truncation"],
                              device=device, report=progress)  # fmt: skip
    return found, measured


def _plan(args: Any) -> dict[str, Any]:
    """What the flags say of the plan. Raises UsageError, Missing, BadData."""
    if args.top < 1:
        raise UsageError("--top must be 1 or more")
    return walks.of(args, SEEDS, STEPS)


def _spread(run: Run, plan: "RankPlan", generator: Any, report: Any, pieces: Sequence[Any]) -> None:
    """Every direction measured by one of several processes."""
    workers.share(run, pieces, plan.model, generator, report)


def _tell(run: Run, found: "Curves", measured: "list[RankRow]") -> None:
    from latty.rank import best

    tops = [best(measured, attribute, run.args.by, 1)[0] for attribute in found.attributes]
    figures = [(f"{row.figures.corr:+.2f}", f"{row.amplitude:+.2f}", f"{row.figures.leakage:.2f}")
               for row in tops]  # fmt: skip
    named = [*zip(found.attributes, tops, figures, strict=True)]
    run.out.figures(
        [f"  {attribute}: {row.direction}, corr {corr}, amplitude {far} sd, leakage {leak}"
         for attribute, row, (corr, far, leak) in named],
        [[attribute, *told, row.direction] for attribute, row, told in named],
        ("attribute", "corr", "amplitude, sd", "leakage", "best direction"),
    )  # fmt: skip
