"""`latty edit`: a latent walks up or down an attribute until its picture reaches a goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import detach as cli_detach
from latty.cli import signals
from latty.cli.main import Run
from latty.cli.out import Progress
from latty.cli.verbs.sample import label, tell_notes
from latty.config import Config
from latty.errors import BadData, LattyError, OutputError, UsageError
from latty.scene import SEED_LIMIT, Layers, Scene

if TYPE_CHECKING:
    from torch import Tensor

    from latty.directions.climb import Climb
    from latty.directions.climb_objective import Sight
    from latty.models.base import Generator
    from latty.report import Report

LOOKED = 64  # px at which models that draw any size are looked at: scorers see no more
WHY = {
    "steps": ("the steps are used up", "--steps allows more"),
    "distance": ("it is as far from the start as allowed", "--distance allows more"),
    "stuck": ("no step leads on", "keep less, hold less (--identity), or try another seed"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What was walked: latents (T, Z) or codes (T, L, D), scores (T,) as the scorer gives them."""

    generator: "Generator"
    sight: "Sight"
    climb: "Climb"
    scores: "Tensor"


def edit(run: Run) -> int:
    """Climb, draw, write; exit code 1 where the goal is out of reach, with the way to it kept."""
    args, config = run.args, run.config()
    _check(args)
    films, latents = _targets(args, config)
    _refuse_early(args.model, [*films, latents], args.force)
    if args.detach:
        return cli_detach.detached(run)
    progress = Progress(run.out, args.attribute)
    try:
        with signals.cooperative():
            walk = _climbed(args, config, progress)
            from latty.cli import climb_film

            climb_film.write(walk, args, config, films, latents, progress)
    finally:
        progress.close()
    tell_notes(run, args.model, config)
    first, last = float(walk.scores[0]), float(walk.scores[-1])
    stopped, steps = walk.climb.stopped, len(walk.scores) - 1
    run.out.say(f"{args.attribute} {first:.4g} -> {last:.4g} in {steps} steps: {stopped}")
    run.out.say(f'a preset goes on from there with latent = "{latents}#-1"')
    paths = [*films, latents]
    run.out.result("\n".join(map(str, paths)), paths=[str(path) for path in paths],
                   model=args.model, attribute=args.attribute, start=first, end=last,
                   goal=args.to, steps=steps, stopped=stopped)  # fmt: skip
    if stopped != "reached":
        why, hint = WHY[stopped]
        raise LattyError(f"{args.attribute} is {last:.4g}, not {args.to:g}: {why}", hint)
    return 0


def _check(args: Any) -> None:
    """Numbers that cannot be. Raises UsageError."""
    limits = {"to": (-1e9, 1e9), "step": (1e-3, 10), "steps": (1, 10_000), "distance": (1e-3, 100),
              "identity": (0, 1), "frames": (2, 10_000), "truncation": (-100, 100),
              "seed": (0, SEED_LIMIT - 1)}  # fmt: skip
    for name, (low, high) in limits.items():
        if not low <= getattr(args, name) <= high:
            raise UsageError(f"--{name}: {getattr(args, name):g} is not from {low:g} to {high:g}")
    if args.size is not None and not 8 <= args.size <= 4096:
        raise UsageError(f"--size: {args.size} is not from 8 to 4096")
    if args.of == "logit" and not 0 < args.to < 1:
        raise UsageError(f"--to: {args.to:g} is no probability between 0 and 1", "or leave --of")
    _layers(args.layers)


def _layers(text: str) -> Layers:
    try:
        return Layers.parse(text)
    except ValueError as error:
        raise UsageError(f"--layers: {error}") from None


def _targets(args: Any, config: Config) -> tuple[list[Path], Path]:
    """The GIF and the folder of frames, and the latents. Raises UsageError."""
    if args.output is not None:
        path = Path(args.output).expanduser()
        if path.suffix.lower() != ".gif" or args.name is not None:
            what = "is no .gif" if args.name is None else "and --name are two names"
            raise UsageError(f"--output: {path} {what}", "frames and latents go beside it")
        base = path.with_suffix("")
    else:
        attribute = args.attribute.replace("/", "-")
        name = args.name or f"{Path(args.model).stem}-{args.seed}-{attribute}"
        if Path(name).name != name or name.startswith("."):
            raise UsageError(f"--name: {name!r} is no file name", "the folder is --out-dir")
        base = config.out_dir / name
    films = [base.with_name(base.name + ".gif"), base]
    return films, base.with_name(base.name + ".safetensors")


def _refuse_early(model: str, files: Sequence[Path], force: bool) -> None:
    """What would fail at the end, or after torch was imported, fails now."""
    from latty.models.store import model_file
    from latty.render.work import refuse_overwrite

    model_file(model)
    refuse_overwrite(files, force)
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {files[0].parent}: {error.strerror}") from None


def _climbed(args: Any, config: Config, report: "Report") -> Walk:
    """Open, look, climb. Raises BadData where the attribute cannot be climbed."""
    from latty.directions.climb import Rules, climb
    from latty.directions.climb_objective import logit
    from latty.models import open_model

    generator = open_model(args.model, config.device)
    sight = _sight(args, generator)
    goal = args.to
    if args.of == "logit":
        import torch

        goal = float(logit(torch.tensor(args.to)))
    rules = Rules(args.step, args.steps, args.distance, args.identity)
    walked = climb(sight, sight.origin, goal, rules, report)
    scores = walked.scores.sigmoid() if args.of == "logit" else walked.scores
    return Walk(generator, sight, walked, scores)


def _sight(args: Any, generator: "Generator") -> "Sight":
    from latty.attributes import attribute
    from latty.directions.climb_objective import Sight, check_scorers
    from latty.directions.whitened import whitened
    from latty.edits import codes, labels
    from latty.models.base import AnySize

    refs = [attribute(args.attribute, generator)]
    kept = [word.strip() for word in (args.keep or "").split(",") if word.strip()]
    refs += [ref for ref in (attribute(word, generator) for word in kept) if ref not in refs]
    check_scorers(generator, refs, args.of)
    layers, space = _layers(args.layers), args.space or generator.info.space
    if not layers.indices(generator.info.num_layers):
        count = generator.info.num_layers
        raise BadData(f"no layers {args.layers}", f"{args.model} has layers 0 to {count - 1}")
    scene = scene_of(args, generator)
    names = labels([scene], generator)
    if space == "w":
        index = scene.label if isinstance(scene.label, int) else None
        start, basis = codes([scene], generator), whitened(generator, "w", index, layers).basis
    else:
        start, basis = generator.sample([args.seed]), None
    return Sight(
        generator=generator.at_size(LOOKED) if isinstance(generator, AnySize) else generator,
        start=start,
        space=space,
        layers=layers,
        basis=basis,
        refs=refs,
        of=args.of,
        pictures=args.identity > 0,
        label=names,
        truncation=args.truncation,
    )


def scene_of(args: Any, generator: "Generator") -> Scene:
    """Where the walk starts."""
    chosen = None
    if args.label is not None:
        names = generator.class_names() if hasattr(generator, "class_names") else ()
        chosen = label(args.label, names)
    return Scene(args.model, args.seed, args.truncation, label=chosen, size=args.size)
