"""What `latty traverse` and `latty rank` walk, on the command line."""

from typing import Any

from latty import latents
from latty.cli import values
from latty.cli.parser import Parser
from latty.errors import Missing, UsageError
from latty.scene import Layers, latents_between

MOST = 4096  # starts
SAMPLES = 200
WALKS = ("model", "directions", "seeds", "latents", "label", "layers", "span", "steps",
         "truncation", "baseline", "samples")  # fmt: skip


def options(parser: Parser, seeds: str, steps: int) -> None:
    """The set, and the options that say how far it is walked; None where nobody says one."""
    add = parser.add_argument
    add("--model", metavar="MODEL", help="default: the model the set was made for")
    add("--directions", metavar="LIST", help="names in the set (default: all)")
    add("--seeds", metavar="LIST", help=f"where the walks start (default: {seeds})")
    add("--latents", metavar="POOL", help="start at stored latents: POOL, or some as in POOL#0-7")
    add("--label", metavar="N",
        help="class: an index, a name or a mixture (default: the latents', the set's)")  # fmt: skip
    add("--layers", metavar="A-B", help="all, 4 or 4-8 (default: where each works best)")
    add("--span", type=float, metavar="X", help="-X to +X sigma (default: the usable range)")
    add("--steps", type=int, metavar="N", help=f"strengths of a walk (default: {steps})")
    add("--truncation", type=float, metavar="PSI",
        help="1 = as sampled (default: the latents' own, 1)")  # fmt: skip
    add("--baseline", type=int, metavar="N", help="random directions walked beside, that the best "
        "are compared with (default: as many as the set has, 8 to 24)")  # fmt: skip
    add("--samples", type=int, metavar="N", help="pictures beside the walks that say what is usual "
        "(default: 200)")  # fmt: skip


def asked(args: Any) -> list[str]:
    """Which of them were given."""
    return [name for name in WALKS if getattr(args, name) is not None]


def of(args: Any, seeds: str, steps: int) -> dict[str, Any]:
    """What they say of a plan, but for the class and the random directions. Raises UsageError,
    Missing, BadData."""
    if args.span is not None and not 0 < args.span <= 100:
        raise UsageError(f"--span: {args.span:g} is not above 0, or above 100", values.RECIPE)
    steps = steps if args.steps is None else args.steps
    values.within("--steps", steps, 3, 10_000)
    if args.baseline is not None:
        values.within("--baseline", args.baseline, 0, 1000)
    samples = SAMPLES if args.samples is None else args.samples
    values.within("--samples", samples, 10, 100_000)
    if args.seeds is not None and args.latents is not None:
        raise UsageError("--seeds and --latents both say where to start", "leave one out")
    found, psi = _latents(args.latents) if args.latents is not None else ((), None)
    said = args.truncation if args.truncation is not None else psi
    names = tuple(word.strip() for word in (args.directions or "").split(",") if word.strip())
    if args.directions is not None and not names:
        raise UsageError("--directions names no direction", "leave it out for all of the set")
    return {
        "names": names,
        "seeds": () if found else tuple(values.seeds(seeds if args.seeds is None else args.seeds)),
        "latents": found,
        "layers": _layers(args.layers),
        "span": args.span,
        "steps": steps,
        "samples": samples,
        "truncation": values.truncation(1.0 if said is None else said),
        "foreign": args.foreign,
    }


def _layers(text: str | None) -> Layers | None:
    if text is None:
        return None
    try:
        return Layers.parse(text)
    except ValueError as error:
        raise UsageError(f"--layers: {error}") from None


def _latents(ref: str) -> tuple[tuple[str, ...], float | None]:
    """The stored latents of "POOL", "POOL#3" or "POOL#0-7", and the truncation that their file
    remembers. Raises UsageError for too many, Missing, BadData."""
    if (between := latents_between(ref)) is not None:
        source, first, last = between
    elif "#" in ref:
        return (ref,), latents.look(ref).truncation
    else:
        source, first, last = ref, 0, latents.look(ref).shape[0] - 1
    found = latents.look(source)
    if not 0 <= first <= last < found.shape[0]:
        what = f"--latents: '{ref}' is no rising range in {found.path.name}"
        raise Missing(what, f"it holds 0 to {found.shape[0] - 1}")
    if last - first >= MOST:
        hint = f"some of them: {source}#0-{MOST - 1}"
        raise UsageError(f"--latents: more than {MOST} walks of each direction", hint)
    return tuple(f"{source}#{index}" for index in range(first, last + 1)), found.truncation
