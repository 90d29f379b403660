"""Give a checkpoint, directions, latents or a scorer a name here."""

from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli import kinds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import BadData, Missing, UsageError

if TYPE_CHECKING:
    from latty.directions.importing.base import Imported

ORDER = 60
SHOWN = 8  # names of directions said aloud
FORMATS = "docs/importing.md names the kinds of files and folders that can be imported"


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "FILE is a checkpoint, directions or latents of another program, a scorer (TOML), or the\n"
        "folder of an experiment; its content decides, and nothing in it is run.\n"
        "docs/checkpoints.md says which checkpoints open, docs/specs.md how to describe a plain\n"
        "network whose strides no checkpoint holds, docs/importing.md all the other kinds.\n\n"
        'stdout: the name. --json: {"name", "kind", "path", "notes", ...}.'
    )
    add = parser.add_argument
    add("file", metavar="FILE")
    add("--name", metavar="N", help="what to call it (default: the file's own name)")
    add("--as", metavar="KIND", dest="kind", help="what it is, as in interfacegan or latents")
    add("--space", metavar="SPACE", help="of directions or latents: z, w or activation:LAYER")
    add("--spec", metavar="FILE", help="the architecture of a plain network, in TOML")
    add("--force", action="store_true", help="replace what has that name")
    parser.add_json()


def run(run: Run) -> int:
    """Content decides what the file is; --as and --spec decide instead where they are given.
    Raises Missing, BadData, UsageError."""
    from latty.cli import importable

    path = Path(run.args.file).expanduser()
    if not path.exists():
        raise Missing(f"there is no file {path}", "check the path")
    if run.args.spec and not path.is_dir():
        return _model(run, path)
    if _is_scorer(path):
        return _scorer(run, path)
    if path.is_file() and kinds.kind(path) == "toml":
        raise BadData(
            f"{path.name} is TOML, but no scorer's", "a preset needs no import: latty render"
        )
    found = importable.find(path, run.args.kind or "", run.args.space or "")
    if found is not None:
        return _keep(run, path, found)
    if path.is_dir():
        raise BadData(f"{path} is a folder of nothing that can be imported", FORMATS)
    if run.args.space:
        raise UsageError("--space is for directions and latents, and this is neither", FORMATS)
    return _model(run, path)


# --- scorers --------------------------------------------------------------------------------------


def _is_scorer(path: Path) -> bool:
    from latty.attributes import store

    return path.is_file() and store.is_card(path)


def _scorer(run: Run, path: Path) -> int:
    from latty.attributes import store
    from latty.models.store import name_for

    name = run.args.name or name_for(path)
    target = store.add(path, name, run.args.force)
    run.out.say(f"a scorer; in `latty discover` and `latty rank`: {name}/ATTRIBUTE")
    run.out.result(name, name=name, kind="scorer", path=str(target))
    return 0


# --- models ---------------------------------------------------------------------------------------


def _model(run: Run, path: Path) -> int:
    from latty.cli.keep_model import keep
    from latty.models import store

    spec = Path(run.args.spec).expanduser() if run.args.spec is not None else None
    if spec is not None and not spec.is_file():
        raise Missing(f"there is no file {spec}", "see docs/specs.md for what to write in it")
    name = run.args.name or store.name_for(path)
    store.MODELS.free_place(name, run.args.force)
    keep(run, path, name, {}, spec)
    return 0


# --- directions and latents -----------------------------------------------------------------------


def _keep(run: Run, path: Path, found: "Imported") -> int:
    """Write a direction set or latents into the store, whole or not at all."""
    from latty.directions.store import SETS
    from latty.latents import LATENTS
    from latty.models.store import name_for

    name = run.args.name or name_for(path.resolve())
    store = SETS if found.kind == "directions" else LATENTS
    target = store.free_place(name, run.args.force)
    save(target, found)
    for note in found.notes:
        run.out.say(note)
    header = found.header
    made_for = f", for {header.model}" if header.model else ""
    size = "x".join(map(str, found.shape))
    run.out.say(f"{found.kind} of the kind {found.entry}, {size} in {header.space}{made_for}")
    if found.kind == "directions":
        more = ", ..." if len(found.names) > SHOWN else ""
        run.out.say(f"there is: {', '.join(found.names[:SHOWN])}{more}")
        run.out.say(f'in a preset: direction = "{name}/{found.names[0]}"')
    else:
        run.out.say(f'in a preset: latent = "{name}#0"')
    run.out.result(name, name=name, kind=found.kind, path=str(target), importer=found.entry,
                   space=header.space, shape=list(found.shape), names=list(found.names),
                   model=header.model, family=header.family, notes=list(found.notes))  # fmt: skip
    return 0


def save(target: Path, found: "Imported") -> None:
    """Read the numbers, check them, write them. Raises BadData, OutputError."""
    from latty import latents
    from latty.directions import file as directions_file
    from latty.directions.importing.base import CODES, Codes

    arrays, header = found.load(), found.header
    if isinstance(header, Codes):
        kept = latents.Latents(header.space, arrays[CODES], header.model, header.family,
                               header.model_digest, header.names, found.notes)  # fmt: skip
        latents.write(target, kept)
    else:
        directions_file.write(target, header, arrays)
