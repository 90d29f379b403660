"""Remove models, direction sets, latents, scorers or jobs by name; asks first."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from latty.attributes.store import discard_training
from latty.cli.leftovers import sets_of
from latty.cli.owned import OWN, STORES, kind_of
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, UsageError, explain, worst
from latty.jobs import control
from latty.jobs import run as runs
from latty.text import bytes_words

ORDER = 108
FINDS = {**OWN, "job": runs.find}


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "What ships with latty stays, as do the outputs of a job.\n\n"
        '--json: {"kind", "name", "bytes", "needed_by"} per thing removed.'
    )
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="of a model, set, latents, scorer, or a job's id")
    add("--kind", choices=FINDS, metavar="KIND", help=f"which one is meant: {', '.join(FINDS)}")
    add("-y", "--yes", action="store_true", help="remove without a question")
    parser.add_json()


def run(run: Run) -> int:
    """Each name in turn; one that cannot be removed does not stop the others. Raises UsageError,
    Missing before anything is removed."""
    kinds = {name: kind_of(name, FINDS, run.args.kind) for name in run.args.names}
    codes = []
    for name, kind in kinds.items():
        try:
            _remove(runs.find(name) if kind == "job" else name, kind, run)
        except (LattyError, OSError) as error:
            if len(kinds) == 1 or explain(error) is None:
                raise
            run.out.error(str(explain(error)))
            codes.append(getattr(explain(error), "exit_code", 1))
    return worst(codes)


def _remove(name: str, kind: str, run: Run) -> None:
    """Ask, and remove it. Raises LattyError, OSError."""
    needing = _needing(name) if kind == "model" else []
    size = 0 if kind == "job" else STORES[kind].size(name)
    words = f"{kind} {name}" + (f", {bytes_words(size)}" if size else "")
    if needing:
        words += f", which {', '.join(needing)} (made for it) needs"
    if not run.args.yes:
        if not run.out.asks:
            raise UsageError(f"this would remove {words}", "--yes does it without a question")
        if not run.out.agrees(f"remove {words}?"):
            run.out.say(f"{kind} {name} stays")
            return
    elif needing:
        run.out.say(f"{', '.join(needing)}: made for {name}, which is removed")
    if kind == "scorer":
        discard_training(name)
    do: Callable[[], None]
    do = partial(control.remove, name) if kind == "job" else partial(STORES[kind].remove, name)
    do()
    run.out.result(f"{kind} {name}", kind=kind, name=name, bytes=size, needed_by=needing)


def _needing(name: str) -> list[str]:
    """The direction sets of the store that were made for a model."""
    with suppress(LattyError):
        return sets_of(name)
    return []
