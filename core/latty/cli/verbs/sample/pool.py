"""`latty sample --files`: a picture for each seed, their latents, and a manifest."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli import signals
from latty.cli.run import Run
from latty.cli.values import label, seed_ranges, switches
from latty.errors import UsageError, did_you_mean
from latty.latents import pools
from latty.latents.file import FORMS
from latty.presets.digests import model_digest
from latty.render import Allowed, Options, growing, work
from latty.scene import Scene

if TYPE_CHECKING:
    from latty.render.pool import LatentPool

FORM = "such as {seed:06d}.png"


def write(run: Run, scene: Scene) -> int:
    """All of `latty sample` with --files. Raises UsageError, and what latty.render.pool does."""
    args, config = run.args, run.config()
    for option, value in (("--columns", args.columns), ("--show", args.show)):
        if value:
            raise UsageError(f"{option} is of a sheet, and --files makes none", "leave one out")
    folder = Path(args.output).expanduser() if args.output is not None else (
        config.out_dir / f"{Path(args.model).stem}-pool")  # fmt: skip
    template, forms = _template(args.files), _forms(args.save_latents or "z")
    wanted = seed_ranges(args.seeds, pools.MOST, apart=True)
    model_digest(args.model)
    growing.refuse_early(folder, switches(args)["overwrite"])
    allowed: list[Allowed] = []
    with run.progress(folder.name, work.RESUME) as progress:
        from latty.render import pool as pool_of

        scene = replace(
            scene, label=label(args.label, args.model, config.device, run.precision(args.model))
        )
        made = pool_of.LatentPool(scene, wanted, template, forms)
        options = Options(folder.parent, config.device, precision=run.precision(args.model),
                          recipe=config.recipe, tell=allowed.append, **switches(args))  # fmt: skip
        with signals.cooperative():
            pool_of.write(made, folder, options, progress)
    run.say_allowed(allowed)
    run.say_notes(args.model)
    _tell(run, folder, made)
    return 0


def _tell(run: Run, folder: Path, made: "LatentPool") -> None:
    name, count = folder.resolve().name, len(made)
    run.out.say(
        f"{count} pictures and latents ({', '.join(made.forms)}); "
        f'in a preset: latent = "{folder}#0"; a name: latty import {folder} --name {name}'
    )
    run.out.result(str(folder), path=str(folder), model=run.args.model, files=count,
                   latents=str(folder / pools.FILE), manifest=str(folder / pools.MANIFEST),
                   arrays=[*made.forms])  # fmt: skip


def _template(text: str) -> str:
    """Raises UsageError for what names no PNG of each seed."""
    if not pools.TEMPLATE.fullmatch(text):
        what = f"--files: '{text}' does not name a .png for each seed"
        raise UsageError(what, f"{FORM}: letters, digits, spaces, . _ + - and one {{seed}}")
    return text


def _forms(text: str) -> tuple[str, ...]:
    """Raises UsageError for a form that there is not."""
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in found:
        if word not in FORMS:
            raise UsageError(f"--save-latents: no latents '{word}'", did_you_mean(word, FORMS))
    return tuple(form for form in FORMS if form in found)
