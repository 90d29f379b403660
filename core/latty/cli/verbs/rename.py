"""Give a direction, a set of directions, a model, latents or a scorer another name."""

from pathlib import Path

from latty.cli.owned import OWN, STORES, kind_of
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.directions.store import SETS, reference, resolve, split
from latty.errors import UsageError

ORDER = 107


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "A set remembers what its directions were called: a preset with an old name is told the\n"
        "new one, and a picture made with it can be made again. No byte of a model, of latents or\n"
        "of a scorer changes: what was made for it, or pins it, knows it by its content. What\n"
        "ships with latty stays.\n\n"
        'stdout: the new name, as presets say it. --json: {"kind", "name", "was", "path"}.'
    )
    add = parser.add_argument
    what = "a direction by name or number (path#NAME), or a set, model, latents, scorer"
    add("ref", metavar="SET/NAME|NAME", help=what)
    add("name", metavar="NEW", help="what to call it")
    add("--kind", choices=STORES, metavar="KIND", help=f"which is meant: {', '.join(STORES)}")
    parser.add_json()


def run(run: Run) -> int:
    """Rename; the name is the result. Raises Missing, UsageError, WouldOverwrite, Locked,
    OutputError."""
    ref, new = run.args.ref, run.args.name
    if "#" in ref or "/" in ref:
        kind, was, now, path = "direction", *_direction(ref, new)
    else:
        kind, was, now = kind_of(ref, OWN, run.args.kind), ref, new
        path = str(STORES[kind].rename(ref, new))
    run.out.result(now, kind=kind, name=now, was=was, path=path)
    return 0


def _direction(ref: str, new: str) -> tuple[str, str, str]:
    """Its old and its new name, each with its set, and the file."""
    if "#" not in ref and Path(ref).suffix == SETS.suffix:
        raise UsageError(f"{ref} is a file: mv renames it", f"write {ref}#NAME for a direction")
    path, header, index = resolve(ref)
    source, was = split(ref)[0], header.names[index]
    name = new.removeprefix(reference(source, ""))  # `mine/c3 mine/smile`, as mv takes it
    from latty.directions import manage

    manage.rename(str(path), was, name)
    return reference(source, was), reference(source, name), str(path)
