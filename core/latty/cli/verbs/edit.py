"""Walk a latent up or down an attribute until it reaches a goal."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import detach as cli_detach
from latty.cli import signals
from latty.cli.out import to_json
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import (
    label,
    size,
    stored_latent,
    switches,
    target,
    truncation,
    whole,
    within,
)
from latty.errors import LattyError, UsageError
from latty.render.batch import refuse_early
from latty.render.options import Allowed, ClimbFilm, Options
from latty.scene import AUTO, FP32, SEED_LIMIT, Layers, Scene

if TYPE_CHECKING:
    from latty.render.climb_film import Climbed
    from latty.render.climbing import Goal

ORDER = 50
DETACHES = True
MOST = 10_000  # frames
NOTED = ("seed", "attribute", "to", "of", "keep", "identity", "space", "layers", "truncation",
         "step", "steps", "distance", "label", "size", "frames", "captions",
         "every")  # fmt: skip
WHY = {
    "steps": ("the steps are used up", "--steps allows more"),
    "distance": ("it is as far from the start as allowed", "--distance allows more"),
    "stuck": ("no step leads on", "keep less, hold less (--identity), or try another seed"),
}


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "writes NAME.gif, the frames NAME/00000.png and so on, and NAME.safetensors with the\n"
        'latent of each frame: latent = "NAME.safetensors#-1" starts a preset where the walk\n'
        "ended. Where the goal is not reached they are written, too, and the exit code is 1.\n\n"
        "--to takes a score in the attribute's own unit (latty list scorers says which), a\n"
        "probability such as 95%, or a percentile such as p90: the score that 90 of 100 random\n"
        "pictures of the model do not exceed.\n\n"
        'stdout: the files. --json: {"paths", "start", "end", "goal", "unit", "steps", "stopped",\n'
        '"scores": one for each frame, ...}.'
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--attribute", required=True, metavar="NAME", help="as in smile or geometry/area")
    add("--to", required=True, metavar="GOAL",
        help="walk until the score is there: 0.95, 95%% or p90")  # fmt: skip
    add("--seed", type=int, metavar="N", help="where the walk starts (default: 0)")
    add("--latent", metavar="REF", help="or a stored latent, as in NAME#3 or FILE#3")
    add("--keep", metavar="LIST", help="attributes that stay, as in yaw,age")
    add("--identity", type=float, default=0.0, metavar="X",
        help="0 to 1: how strongly the first picture is held on to (default: 0)")  # fmt: skip
    add("--of", choices=("score", "logit"), default="score", metavar="WHAT",
        help="what is climbed: score, or the logit of a probability")  # fmt: skip
    add("--space", choices=("z", "w"), metavar="SPACE", help="z or w (default: the model's own)")
    add("--layers", default="all", metavar="RANGE", help="layers that move, as in 4-8")
    add("--step", type=float, default=0.3, metavar="X", help="longest step, in standard "
        "deviations of the latents (default: 0.3)")  # fmt: skip
    add("--steps", type=int, default=60, metavar="N", help="at most (default: 60)")
    add("--distance", type=float, default=8.0, metavar="X", help="at most (default: 8)")
    _picture_options(parser)
    add("-o", "--output", metavar="PATH", help="the GIF; the rest goes beside it")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--name", metavar="N", help="what to call them (default: MODEL-SEED-ATTRIBUTE)")
    parser.add_detach()
    parser.add_recipe()
    parser.add_switches()
    parser.add_device()
    parser.add_precision()
    parser.add_batch()
    parser.add_json()


def _picture_options(parser: Parser) -> None:
    add = parser.add_argument
    add("--size", type=int, metavar="PX", help="height of a picture")
    add("--label", metavar="N", help="class: an index, a name, or a mixture: husky:0.7,lynx:0.3")
    add("--truncation", type=float, metavar="PSI", help="1 = as sampled, 0 = mean (default: 1, "
        "or that of the stored latent)")  # fmt: skip
    add("--frames", default="30", metavar="N",
        help="pictures on the way, or all: every step (default: 30)")  # fmt: skip
    add("--captions", action="store_true", help="write the score into each picture")
    add("--every", type=int, metavar="N",
        help="NAME.png, too: a strip of frames about N apart, each over its score")  # fmt: skip


def run(run: Run) -> int:
    """Climb, draw, write. Raises UsageError, and LattyError (exit code 1) where the goal is out of
    reach, with the way to it kept."""
    args, config = run.args, run.config()
    _begin(args)
    _check(args)
    place = _target(args, config.out_dir)
    film = ClimbFilm(_frames(args), args.captions, args.every)
    note = _note(args, run.precision(args.model))
    refuse_early(args.model, film.files(place), switches(args)["overwrite"], note)
    if args.detach:
        return cli_detach.detached(run)
    from latty.render.climb_film import climb_to_files  # brings torch

    allowed: list[Allowed] = []
    with signals.cooperative(), run.progress(args.attribute) as progress:
        kind = label(args.label, args.model, config.device, run.precision(args.model))
        scene = Scene(args.model, args.seed, args.truncation, label=kind, size=args.size,
                      latent=args.latent)  # fmt: skip
        options = Options(
            place.parent,
            config.device,
            precision=run.precision(args.model),
            batch=config.frames_at_once,
            recipe=config.recipe,
            tell=allowed.append,
            **switches(args),
        )
        done = climb_to_files(scene, _goal(args), place, film, note, options, progress)
    run.say_allowed(allowed)
    run.say_notes(args.model)
    return _told(done, run)


def _told(done: "Climbed", run: Run) -> int:
    """Say what came of it. Raises LattyError where the goal was not reached."""
    args, result = run.args, done.result
    first, last = float(result.scores[0]), float(result.scores[-1])
    stopped, steps = result.climb.stopped, len(result.scores) - 1
    run.out.say(f"{args.attribute} {first:.4g} -> {last:.4g} in {steps} steps: {stopped}")
    goal = f"{result.goal:.4g}"
    if target(args.to).kind != "score":
        goal += f" ({args.to.strip()})"
        run.out.say(
            f"the goal is {goal}" + f"; the unit of scores: {result.unit}" * bool(result.unit)
        )
    run.out.say(f'a preset goes on from there with latent = "{done.files[-1]}#-1"')
    run.out.result("\n".join(map(str, done.files)), paths=[str(path) for path in done.files],
                   model=args.model, attribute=args.attribute, start=first, end=last,
                   goal=result.goal, unit=result.unit, steps=steps, stopped=stopped,
                   scores=done.scores)  # fmt: skip
    if stopped != "reached":
        why, hint = WHY[stopped]
        raise LattyError(f"{args.attribute} is {last:.4g}, not {goal}: {why}", hint)
    return 0


def _begin(args: Any) -> None:
    """Where the walk starts, and with which truncation. Raises UsageError for a seed beside a
    stored latent, and for several; Missing, BadData for one that is not there."""
    if args.latent is not None:
        if args.seed is not None:
            raise UsageError("--latent and --seed are two starts", "leave one out")
        psi = stored_latent("--latent", args.latent)[1]
        args.truncation = psi if args.truncation is None else args.truncation
    args.seed = args.seed or 0
    args.truncation = 1.0 if args.truncation is None else args.truncation


def _check(args: Any) -> None:
    """Numbers that cannot be. Raises UsageError."""
    limits = {"step": (1e-3, 10), "steps": (1, 10_000), "distance": (1e-3, 100),
              "identity": (0, 1), "seed": (0, SEED_LIMIT - 1)}  # fmt: skip
    for name, (low, high) in limits.items():
        within(f"--{name}", getattr(args, name), low, high)
    truncation(args.truncation)
    size(args.size)
    goal = target(args.to)
    if args.of == "logit" and goal.kind != "percentile" and not 0 < goal.number < 1:
        raise UsageError(f"--to: {args.to} is no probability between 0 and 1", "or leave --of")
    if args.every is not None:
        within("--every", args.every, 1, MOST)
    _frames(args)
    _layers(args.layers)


def _frames(args: Any) -> int | None:
    """How many there shall be, None for every step. Raises UsageError."""
    return None if args.frames == "all" else whole("--frames", args.frames, 2, MOST)


def _layers(text: str) -> Layers:
    try:
        return Layers.parse(text)
    except ValueError as error:
        raise UsageError(f"--layers: {error}") from None


def _target(args: Any, out_dir: Path) -> Path:
    """The files without their suffixes. Raises UsageError."""
    if args.output is not None:
        path = Path(args.output).expanduser()
        if path.suffix.lower() != ".gif" or args.name is not None:
            what = "is no .gif" if args.name is None else "and --name are two names"
            raise UsageError(f"--output: {path} {what}", "frames and latents go beside it")
        return path.with_suffix("")
    attribute = args.attribute.replace("/", "-")
    name = args.name or f"{Path(args.model).stem}-{_start(args)}-{attribute}"
    if Path(name).name != name or name.startswith("."):
        raise UsageError(f"--name: {name!r} is no file name", "the folder is --out-dir")
    return out_dir / name


def _start(args: Any) -> str:
    """What the start is called in a file's name: the seed, or "smiles-3"."""
    return str(args.seed) if args.latent is None else stored_latent("--latent", args.latent)[0]


def _goal(args: Any) -> "Goal":
    from latty.render.climbing import ClimbRules, Goal

    kept = tuple(word.strip() for word in (args.keep or "").split(",") if word.strip())
    rules = ClimbRules(args.step, args.steps, args.distance, args.identity)
    layers = _layers(args.layers)
    return Goal(args.attribute, target(args.to), args.of, kept, args.space, layers, rules)


def _note(args: Any, precision: str) -> str:
    """What was asked for, as it is noted with the latents; no folder's name in it."""
    facts = {name: getattr(args, name) for name in NOTED}
    if precision not in (AUTO, FP32):
        facts["precision"] = precision
    if args.latent is not None:
        facts["latent"] = Path(args.latent).name
    if ".toml" in args.attribute:
        facts["attribute"] = Path(args.attribute).name
    return to_json({"edit": {"model": Path(args.model).name, **facts}})
