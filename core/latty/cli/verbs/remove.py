"""Remove models, direction sets, latents, scorers or jobs by name; asks first."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from latty.attributes.store import CARDS, discard_training
from latty.cli.leftovers import model_of
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.directions.store import SETS
from latty.errors import LattyError, Missing, UsageError, explain, worst
from latty.jobs import control
from latty.jobs import run as runs
from latty.latents import LATENTS
from latty.models.store import MODELS
from latty.store import Store
from latty.text import bytes_words

ORDER = 108
STORES: Mapping[str, Store] = {"model": MODELS, "set": SETS, "latents": LATENTS, "scorer": CARDS}
KINDS = (*STORES, "job")


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "What ships with latty stays, as do the outputs of a job.\n\n"
        '--json: {"kind", "name", "bytes", "needed_by"} per thing removed.'
    )
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="of a model, set, latents, scorer, or a job's id")
    add("--kind", choices=KINDS, metavar="KIND", help=f"which one is meant: {', '.join(KINDS)}")
    add("-y", "--yes", action="store_true", help="remove without a question")
    parser.add_json()


def run(run: Run) -> int:
    """Each name in turn; one that cannot be removed does not stop the others. Raises UsageError,
    Missing before anything is removed."""
    kinds = {name: _kind(name, run.args.kind) for name in run.args.names}
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


def _kind(name: str, asked: str | None) -> str:
    """What a name means. Raises UsageError where it means several things, or one that ships;
    Missing where it means nothing."""
    faults = list[LattyError]()
    found = []
    for kind in KINDS if asked is None else (asked,):
        try:
            runs.find(name) if kind == "job" else STORES[kind].own(name)
            found.append(kind)
        except LattyError as error:
            faults.append(error)
    if len(found) > 1:
        hint = " or ".join(f"--kind {kind}" for kind in found)
        raise UsageError(f"'{name}' is a {' and a '.join(found)}", f"say which: {hint}")
    if found:
        return found[0]
    told = [one for one in faults if not isinstance(one, Missing)]
    near = [one for one in faults if one.hint.startswith("did you mean")]
    if asked is not None or told or near:
        raise (told or near or faults)[0]
    raise Missing(f"nothing is called '{name}'", f"looked for: {', '.join(KINDS)}")


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
        return [one for one in SETS.files() if model_of(one) == name]
    return []
