"""Give a checkpoint, directions, latents or a scorer a name here."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli import kinds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.verbs.import_ import keeping
from latty.errors import BadData, Missing, UsageError

if TYPE_CHECKING:
    from latty.cli.importable import Checkpoint

ORDER = 60
LISTED = 5  # files of which an error says why they are left out
FORMATS = "docs/importing.md names the kinds of files and folders that can be imported"


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "FILE is a checkpoint, directions or latents of another program, a scorer (TOML), scores\n"
        "of stored latents (with --for), a folder of `latty sample --files`, or a folder that\n"
        "holds one of these; its content decides, and nothing in it is run. Of several files\n"
        "of directions or latents, one set is made for each model and space, and what is left\n"
        "out is said. docs/checkpoints.md says which checkpoints open, docs/specs.md how to\n"
        "describe a network whose strides no checkpoint holds, docs/importing.md all the rest.\n\n"
        'stdout: the names. --json: {"name", "kind", "path", "notes", ...} of each.'
    )
    add = parser.add_argument
    add("files", metavar="FILE", nargs="+")
    add("--name", metavar="N", help="what to call it (default: the file's or folder's own name); "
        "of scores in an array their attributes, as in smile,age")  # fmt: skip
    add("--as", metavar="KIND", dest="kind", help="what it is, as in interfacegan, latents, scores")
    add("--space", metavar="SPACE", help="of directions or latents: z, w or activation:LAYER")
    add("--layers", type=int, default=0, metavar="N",
        help="how many layers its vectors have: 18, or 1 = each row is one by itself")  # fmt: skip
    add("--for", metavar="MODEL", dest="model",
        help="the model of directions or latents: checked, and kept with them; of scores the "
        "latents: a name or a path")  # fmt: skip
    add("--spec", metavar="FILE", help="the architecture of a plain network, in TOML")
    add("--set", metavar="KEY=VALUE", action="append", default=[], dest="settings",
        help="a setting of a model that its file lacks, as in z_space_dim=24")  # fmt: skip
    parser.add_overwrite("replace what has that name")
    parser.add_json()


def run(run: Run) -> int:
    """Content decides what each file is; --as and --spec decide instead where they are given.
    Raises Missing, BadData, UsageError."""
    paths = [Path(file).expanduser() for file in run.args.files]
    for path in paths:
        if not path.exists():
            raise Missing(f"there is no file {path}", "check the path")
    from latty.cli.verbs.import_ import pool

    if scored := [path for path in paths if pool.are_scores(run, path)]:
        if (other := next((path for path in paths if path not in scored), None)) is not None:
            raise UsageError(f"{other.name} is no file of scores", "import it without the rest")
        keeping.refuse(run.args, "scores")
        return max([pool.keep_scores(run, path) for path in scored])
    if len(paths) == 1:
        return _one(run, paths[0])
    alone = [path for path in paths if path.is_dir() or _is_alone(run, path)]
    if run.args.name and alone:
        raise UsageError(f"--name: {alone[0]} is imported by itself", "import it without the rest")
    for path in alone:
        _one(run, path)
    rest = [path for path in paths if path not in alone]
    return _several(run, rest) if rest else 0


def _is_alone(run: Run, path: Path) -> bool:
    """Whether a file is a scorer or a model."""
    from latty.cli import importable

    if run.args.spec or run.args.settings or _is_scorer(path):
        return True
    return not run.args.kind and importable.is_model(path)


def _one(run: Run, path: Path) -> int:
    from latty.cli.verbs.import_ import hdf5, pool

    if run.args.kind in (None, "latents", "latty") and (file := pool.pool_in(path)) is not None:
        keeping.refuse(run.args, "a pool, which says it itself")
        return pool.keep_pool(run, path, file)
    if hdf5.is_hdf5(path):
        return hdf5.keep(run, path)
    if run.args.spec or run.args.settings:
        return _model(run, path)
    if _is_scorer(path):
        return _scorer(run, path)
    if path.is_file() and kinds.kind(path) == "toml":
        raise BadData(
            f"{path.name} is TOML, but no scorer's", "a preset needs no import: latty render"
        )
    if path.is_dir():
        return _folder(run, path)
    from latty.cli import importable

    read = importable.opened(path)
    if _several(run, [path], read) == 0:
        return 0
    given = [o for o, value in (("--space", run.args.space), ("--layers", run.args.layers),
                                ("--for", run.args.model)) if value]  # fmt: skip
    if given:
        what = f"{given[0]} is for directions and latents, and this is neither"
        raise UsageError(what, FORMATS)
    if read is not None and pool.may_be_scores(path):
        raise pool.of_what(path)
    return _model(run, path, read)


def _folder(run: Run, path: Path) -> int:
    """A folder of directions, latents or an experiment, or one that holds a checkpoint."""
    from latty.cli import importable

    models, alone = ([], False) if run.args.kind else importable.models_in(path)
    if models and alone:
        return _model(run, path)
    try:
        if _several(run, [path]) == 0:
            return 0
    except BadData:
        if not models:
            raise
    if models:
        return _model(run, path)
    if not run.args.kind and (only := importable.held(path)) not in (None, path):
        return _one(run, only)  # which says what is wrong with it
    raise BadData(f"{path} is a folder of nothing that can be imported", FORMATS)


def _several(run: Run, paths: list[Path], read: "Checkpoint | None" = None) -> int:
    """A set for each model and space; 1 where no importer knows anything. Raises BadData where all
    of several files are left out."""
    from latty.cli import importable
    from latty.models.store import name_for

    args = run.args
    model = importable.known_model(args.model, "cpu") if args.model else None
    asked = importable.ImportChoices(args.kind or "", args.space or "", args.layers, model)
    found = importable.find_all(paths, asked, read)
    if found is None:
        return 1
    left = [f"{file}: {why}" for file, why in found.left.items()]
    if not found.sets:
        where = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
        more = f"; ... {len(left) - LISTED} more" if len(left) > LISTED else ""
        what = f"{where}: nothing in it can be imported: {'; '.join(left[:LISTED])}{more}"
        raise BadData(what, FORMATS)
    for line in left:
        run.out.say(f"left out: {line}")
    place = paths[0].resolve()
    base = args.name or name_for(place if len(paths) == 1 else place.parent)
    names = [f"{base}-{word}" if word else base for word in found.sets]
    with ExitStack() as claims:
        targets = [claims.enter_context(keeping.claimed(one, name, args.overwrite))
                   for one, name in zip(found.sets.values(), names, strict=True)]  # fmt: skip
        for one, name, target in zip(found.sets.values(), names, targets, strict=True):
            keeping.keep(run, name, target, one, found.left)
    return 0


# --- scorers --------------------------------------------------------------------------------------


def _is_scorer(path: Path) -> bool:
    from latty.attributes import store

    return path.is_file() and store.is_card(path)


def _scorer(run: Run, path: Path) -> int:
    from latty.attributes import store
    from latty.models.store import name_for

    name = run.args.name or name_for(path)
    target = store.add(path, name, run.args.overwrite)
    run.out.say(f"a scorer; in `latty discover` and `latty rank`: {name}/ATTRIBUTE")
    run.out.result(name, name=name, kind="scorer", path=str(target))
    return 0


# --- models ---------------------------------------------------------------------------------------


def _model(run: Run, path: Path, read: "Checkpoint | None" = None) -> int:
    from latty.cli import importable
    from latty.cli.keep_model import keep
    from latty.models import store

    given = importable.stated(run.args.settings)
    spec = Path(run.args.spec).expanduser() if run.args.spec is not None else None
    if spec is not None and not spec.exists():
        raise Missing(f"there is no file {spec}", "see docs/specs.md for what to write in it")
    name = run.args.name or store.name_for(path.resolve() if path.is_dir() else path)
    with store.MODELS.claimed(name, run.args.overwrite):
        keep(run, store.in_folder(path) or path, name, {}, spec, given=given, read=read)
    return 0
