"""`latty traverse` at work: from the plan to the folder."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from latty import locks
from latty.cli import signals, values, workers
from latty.cli.run import Run
from latty.render import Allowed, Options, work


def traverse(
    run: Run, model: str, rest: dict[str, Any], film: str, folder: Path, spread: bool
) -> None:
    """Draw, write, tell. Raises what a traversal raises."""
    args, config = run.args, run.config()
    allowed: list[Allowed] = []
    with run.progress(folder.name, work.RESUME) as progress, signals.cooperative():
        import torch  # noqa: F401  the slow part, while a signal may still leave at once

        from latty.rank import plan as plans
        from latty.rank.traversal import header, keeping, making
        from latty.rank.traversal import task as tasks

        rest["label"] = values.label(args.label, model, config.device, run.precision(model))
        rest["precision"] = run.precision(model)
        plan, generator = plans.planned(args.set, model, args.scorers, config.device,
                                        args.baseline, report=progress, leap=args.leap,
                                        **rest)  # fmt: skip
        task = tasks.TraverseTask(plan, film)
        options = Options(folder.parent, config.device, recipe=config.recipe,
                          tell=allowed.append, **values.switches(args))  # fmt: skip
        share = partial(workers.share, run, model=plan.model, generator=generator,
                        report=progress) if spread else None  # fmt: skip
        known = header.key_of(folder) if args.update else ""
        if known and known == task.key(generator, options):
            with locks.writing(folder):
                keeping.score(plan.wanted, folder, header.read_header(folder), generator, progress)
        else:
            options = replace(options, overwrite=options.overwrite or args.update)
            making.make(task, folder, generator, options, run.out.say, progress, share)
    run.say_allowed(allowed)
    _tell(run, folder)


def _tell(run: Run, folder: Path) -> None:
    from latty.rank.traversal import header

    found = header.read_header(folder)
    shape = [len(found.directions), len(found.starts), found.steps, *found.codes]
    films = sorted(one.name for one in (folder / work.FILMS).glob("*"))
    scores = sorted(one.name for one in (folder / work.SCORES).glob("*"))
    run.out.say(f"latents {shape}, {len(films)} films; what they do: latty rank {folder}")
    latents = str(folder / header.LATENTS)
    run.out.result(str(folder), path=str(folder), set=run.args.set, model=found.model,
                   latents=latents, shape=shape, films=films, scores=scores)  # fmt: skip
