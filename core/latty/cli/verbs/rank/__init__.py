"""Measure what each direction of a set does to each attribute."""

from pathlib import Path

from latty import locks
from latty.cli import detach as cli_detach
from latty.cli import values, walks, workers
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import Missing, UsageError

ORDER = 40
DETACHES = True
SEEDS, STEPS = "0-31", 7
BY = ("corr", "corr_l1", "amplitude", "selectivity")


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "writes README.md, index.html (all of it in one file), ranking.csv, curves.csv,\n"
        "samples.csv, ranking.json, plots and films into one folder (docs/traversals.md). Of a\n"
        "folder of latty traverse, or where SET-traverse in --out-dir is one of this set and no\n"
        "option says another walk, nothing is drawn.\n\n"
        'stdout: the folder. --json: {"path", "set", "model", "rows", "random"}.'
    )
    add = parser.add_argument
    add("set", metavar="SET", help="a direction set, or a folder of latty traverse")
    add("--scorers", metavar="LIST",
        help="attributes or scorers, as in smile,yaw,geometry (default: factors)")  # fmt: skip
    add("--group", metavar="NAME", help="attributes of [groups.NAME] in latty.toml")
    walks.options(parser, SEEDS, STEPS)
    add("--by", choices=BY, default="corr", metavar="FIGURE",
        help="corr, corr_l1, amplitude or selectivity (default: corr)")  # fmt: skip
    add("--top", type=int, default=3, metavar="N", help="directions shown of each (default: 3)")
    add("-o", "--output", metavar="DIR", help="the folder (default: SET-rank in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    parser.add_overwrite("replace a ranking of something else, and files that were changed")
    add("--foreign", "--force-model", action="store_true", help="walk directions of another model")
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_precision()
    parser.add_json()


def run(run: Run) -> int:
    """Walk, measure, write the page; its folder is the result. Raises UsageError, Missing."""
    from latty.cli.verbs.rank import sources

    args, config = run.args, run.config()
    if args.top < 1:
        raise UsageError("--top must be 1 or more")
    scorers, interest = _wanted(run)
    kept = sources.kept(run)
    model, rest = "", {}
    if kept is None:
        from latty.presets.naming import maker

        model = values.model(args.model or maker(args.set))
        rest = walks.of(args, SEEDS, STEPS)
    folder = config.out_dir / f"{sources.name_of(run, kept)}-rank"
    if args.output is not None:
        folder = Path(args.output).expanduser()
    if folder.exists() and not folder.is_dir():
        raise Missing(f"{folder} is no folder", "-o names a folder")
    spread = workers.asked(run)
    if args.detach:
        sources.refuse_early(folder, args.overwrite)
        return cli_detach.detached(run)
    with locks.writing(folder):
        if kept is None:
            import torch  # noqa: F401  the slow part, while a signal may still leave at once

        from latty.cli.verbs.rank import working

        working.rank(run, kept, model, rest, scorers, interest, folder, spread)
    return 0


def _wanted(run: Run) -> tuple[str, str]:
    """The attributes that are scored, and those of them that are ranked. Raises UsageError."""
    args = run.args
    if args.scorers is not None and not args.scorers.strip(", "):
        raise UsageError("--scorers names no attribute", "leave it out for all factors")
    if args.group is None:
        return args.scorers or "factors", ""
    if args.scorers is not None:
        raise UsageError("--scorers and --group both name attributes", "leave one out")
    group = run.config().group(args.group)
    return ",".join((*group.attributes, *group.keep)), ",".join(group.attributes)
