"""Find directions of a model by a method: ganspace, sefa, tlgan, ..."""

import time
from typing import TYPE_CHECKING, Any

from latty.cli import detach as cli_detach
from latty.cli import signals, workers
from latty.cli.out import seconds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.verbs.discover import parameters
from latty.cli.verbs.discover.search import RESUME, search_model
from latty.directions.registries import METHODS
from latty.errors import Missing, did_you_mean

if TYPE_CHECKING:
    from latty.directions.file import DirectionSet

ORDER = 30
DETACHES = True
SHOWN = 12  # directions that are told of, of a longer set


def options(parser: Parser) -> None:
    """What it takes."""
    add = parser.add_argument
    add("method", metavar="METHOD", help="latty list methods; latty discover METHOD --help")
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("-o", "--output", metavar="NAME", help="what to call the set, or a .safetensors path "
        "(default: MODEL-METHOD)")  # fmt: skip
    parser.add_overwrite("replace a set of that name")
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_precision()
    parser.add_json()
    parameters.add(parser)


def run(run: Run) -> int:
    """Search, write, tell; the name of the set is the result. Raises Missing, UsageError,
    WouldOverwrite, Locked."""
    args = run.args
    if args.method not in METHODS:
        known = METHODS.names()
        raise Missing(f"no method '{args.method}'", did_you_mean(args.method, known))
    params, split = parameters.given(run), workers.asked(run)
    from latty.directions import discovery as search

    name = args.output or _default_name(run, params)
    if args.detach:
        search.refuse_early(name, args.method, args.overwrite)
        return cli_detach.detached(run)
    begun = time.monotonic()
    with search.claimed(name) as target:
        header = search_model(run, params, target, split)
    took = time.monotonic() - begun
    _tell(run, header, name, seconds(took))
    shown = [info.table() for info in header.infos]
    run.out.result(name, name=name, path=str(target), method=header.method, model=header.model,
                   space=header.space, complete=header.complete, seconds=round(took, 3),
                   directions=shown)  # fmt: skip
    if not header.complete:
        signals.check(f"what was found so far is in {name}; {RESUME}")
    return 0


def _default_name(run: Run, params: dict[str, Any]) -> str:
    """The set's name where nobody says; told where it is not the usual one."""
    from latty.directions.discovery import default_name, default_names

    model, method = run.args.model, run.args.method
    name, usual = (
        default_name(model, method, params, run.args.overwrite),
        default_names(model, method),
    )
    if name != (taken := next(usual)):
        run.out.say(f"there is another set {taken}: this one is {name}")
    return name


def _tell(run: Run, header: "DirectionSet", name: str, took: str) -> None:
    told = [(info.name, "{:+g} to {:+g}".format(*info.usable), str(info.layers),
             ", ".join(f"{key} {value:.3g}" for key, value in info.scores[:4]))
            for info in header.infos[:SHOWN]]  # fmt: skip
    run.out.figures(
        [
            f"  {name}: {usable}, layers {layers}" + (f", {scores}" if scores else "")
            for name, usable, layers, scores in told
        ],
        told,
        ("direction", "usable", "layers", "scores"),
    )
    more = len(header.infos) - SHOWN
    if more > 0:
        run.out.say(f"  and {more} more: latty list directions")
    count = len(header.infos)
    first = header.infos[0].name
    run.out.say(f'{count} directions in {took}; use: direction = "{name}/{first}"')
