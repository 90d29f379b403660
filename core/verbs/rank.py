"""`latty rank`: what each direction of a set does, in figures, tables and GIFs."""

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import Run
from core.errors import Missing, UsageError
from core.verbs import _detach, _workers
from core.verbs import _signals as signals
from core.verbs._out import Progress
from core.verbs.sample import seeds

if TYPE_CHECKING:
    from core.models._base import Generator
    from core.rank import Curves, Plan, Row

GO_ON = "the same command goes on from there"


def rank(run: Run) -> int:
    """Walk, measure, write the page; its folder is the result."""
    from core.directions._names import set_info

    args, config = run.args, run.config()
    header = set_info(args.set)
    model = args.model or header.model
    chosen = seeds(args.seeds)
    if args.span is not None and not 0 < args.span < math.inf:
        raise UsageError("--span must be above 0")
    if args.top < 1 or args.steps < 3:
        raise UsageError("--top must be 1 or more, --steps 3 or more")
    folder = config.out_dir / f"{Path(args.set).stem}-rank"
    if args.output is not None:
        folder = Path(args.output).expanduser()
    if folder.exists() and not folder.is_dir():
        raise Missing(f"{folder} is no folder", "-o names a folder")
    names = tuple(word.strip() for word in (args.directions or "").split(",") if word.strip())
    _workers.asked(run)
    if args.detach:
        return _detach.detached(run)
    progress = Progress(run.out, "rank", GO_ON)
    import torch  # noqa: F401  the slow part, while a signal may still leave at once

    from core.rank import gallery

    gallery.refuse(folder, args.force)
    with signals.cooperative():
        try:
            found, rows, work = _measured(run, model, names, chosen, progress)
            gallery.write_all(folder, args.set, model, found, rows, top=args.top, key=args.by,
                              truncation=args.truncation, device=config.device,
                              report=progress)  # fmt: skip
            shutil.rmtree(work, ignore_errors=True)
        finally:
            progress.close()
    _tell(run, found, rows)
    run.out.result(str(folder), path=str(folder), set=args.set, model=model,
                   rows=[gallery.table_row(row) for row in rows])  # fmt: skip
    return 0


def _measured(
    run: Run, model: str, names: tuple[str, ...], chosen: list[int], progress: Progress
) -> "tuple[Curves, list[Row], Path]":
    """The figures, and the folder where they are kept until they are written."""
    from core.attributes import parse_attributes
    from core.files import locked
    from core.models import open_model
    from core.rank import Plan, curves, rows, work_of

    args, config = run.args, run.config()
    generator = open_model(model, config.device)
    wanted = parse_attributes(args.scorers, generator)
    plan = Plan(args.set, model, tuple(wanted), tuple(chosen), names, args.span, args.steps,
                args.truncation, force=args.force_model)  # fmt: skip
    work = work_of(plan, generator)
    work.mkdir(parents=True, exist_ok=True)
    with locked(work / "lock", "this very ranking"):
        if _workers.asked(run):
            _spread(run, plan, generator, work, progress)
        found = curves(plan, generator, progress, work)
    return found, rows(found), work


def _spread(run: Run, plan: "Plan", generator: "Generator", work: Path, progress: Progress) -> None:
    """Every direction measured by one of several processes, into files that `curves` finds."""
    from core.jobs import shards as jobs
    from core.rank import shards

    pieces = shards(plan, generator, work)
    if not all(piece.whole() for piece in pieces):
        with _workers.pool(run, generator.device.type) as pool:
            jobs.run(pieces, pool, plan.model, generator, progress)


def _tell(run: Run, found: "Curves", measured: "list[Row]") -> None:
    from core.rank import best

    for attribute in found.attributes:
        row = best(measured, attribute, run.args.by, 1)[0]
        run.out.say(
            f"  {attribute}: {row.direction}, corr {row.figures.corr:+.2f}, "
            f"amplitude {row.amplitude:+.2f} sd, leakage {row.figures.leakage:.2f}"
        )
