"""Give a direction, or a set of directions, another name."""

from pathlib import Path

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.directions.store import SETS, reference, resolve, split
from latty.errors import UsageError

ORDER = 107


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "A set remembers what its directions were called: a preset with an old name is told the\n"
        "new one, and a picture made with it can be made again. What ships with latty stays.\n\n"
        'stdout: the new name, as presets say it. --json: {"kind", "name", "was", "path"}.'
    )
    add = parser.add_argument
    add("ref", metavar="SET/NAME|SET", help="a direction by name or number, or a set; path#NAME")
    add("name", metavar="NEW", help="what to call it")
    parser.add_json()


def run(run: Run) -> int:
    """Rename; the name is the result. Raises Missing, UsageError, WouldOverwrite, Locked,
    OutputError."""
    ref, new = run.args.ref, run.args.name
    if "#" in ref or "/" in ref:
        kind, was, now, path = "direction", *_direction(ref, new)
    else:
        own = SETS.own(ref)
        from latty.directions import manage  # torch, once the name is known

        kind, was, now, path = "set", ref, new, manage.rename_set(str(own), new)
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
