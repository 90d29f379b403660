"""The search of `latty discover`, in this process or spread over several."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import signals, workers
from latty.cli.out import EVENTS
from latty.cli.run import Run
from latty.report import Report

if TYPE_CHECKING:
    from latty.directions.base import Method
    from latty.directions.file import DirectionSet
    from latty.models.base import Generator

RESUME = "the same command goes on from there"


def search_model(run: Run, params: dict[str, Any], target: Path, split: bool) -> "DirectionSet":
    """A signal from here on keeps what there is."""
    import torch  # noqa: F401  the slow part, while a signal may still leave at once

    from latty.directions.discovery import discover as search
    from latty.directions.viewing import Viewing
    from latty.render.charts import png

    generator = _opened(run, params)
    viewing = Viewing(png, run.out.say, EVENTS.folder)
    with signals.cooperative(), run.progress(run.args.method, RESUME) as progress:
        before = partial(_spread, run, generator, progress) if split else None
        return search(run.args.method, params, generator, target, progress,
                      overwrite=run.args.overwrite, before=before, viewing=viewing)  # fmt: skip


def _opened(run: Run, params: dict[str, Any]) -> "Generator":
    """The model in the precision that is asked for; where the settings ask for one in which the
    method learns nothing, in fp32, and that is said. Raises what opening does, UsageError."""
    from latty.directions.base import precision_for
    from latty.directions.discovery import make
    from latty.models import open_model

    model, device, wish = run.args.model, run.config().device, run.precision(run.args.model)
    generator = open_model(model, device, wish)
    found = precision_for(make(run.args.method, params), generator)
    if run.args.precision is not None or found == generator.info.precision:
        return generator
    run.out.say(f"{run.args.method} trains in {found}, not in {wish} as the settings say")
    return open_model(model, device, found)


def _spread(run: Run, generator: "Generator", progress: Report, made: "Method", work: Path) -> None:
    """What the method draws, drawn by several processes into files that its fit then finds."""
    from latty.directions.base import HasShards

    shards = made.shards(generator, work) if isinstance(made, HasShards) else ()
    if not shards:
        run.out.say(f"{run.args.method} has nothing to split here: --workers does nothing for it")
    elif not all(shard.whole() for shard in shards):
        workers.share(run, shards, run.args.model, generator, progress)
