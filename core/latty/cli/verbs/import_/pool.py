"""`latty import` of a pool, kept as it is, and of scores for stored latents."""

from collections.abc import Iterator
from pathlib import Path

from latty import files, latents, locks, reading
from latty.attributes.score_tables import looks_like_scores, read_scores
from latty.attributes.score_tables import may_be_scores as may_be_scores
from latty.cli.run import Run
from latty.errors import BadData, LattyError, UsageError, WouldOverwrite
from latty.latents import LATENTS, Found, pools, scores
from latty.models.store import MODELS, name_for
from latty.text import clean

SCORES = "scores"  # for --as
PIECE = 2**20  # bytes copied at once
ARRAYS = (".npy", ".npz")
WAY = "latty import {file} --for POOL, the name or folder of the latents"


def are_scores(run: Run, path: Path) -> bool:
    """Whether a file is to be taken for scores of latents. Raises UsageError where they are and
    nobody says of which."""
    wanted, ref = run.args.kind, run.args.model
    if not path.is_file() or wanted not in (None, SCORES):
        return False
    if scores.is_own(path) and not ref:
        what = f"{clean(path.name)} holds scores, which come with the latents beside it"
        raise UsageError(what, f"import these; or {WAY.format(file=clean(str(path)))}")
    alike = scores.is_own(path) or wanted == SCORES or looks_like_scores(path)
    if not ref:
        if alike:
            raise of_what(path)
        return False
    return alike or (ref not in MODELS.names() and _names_latents(ref))


def of_what(path: Path) -> UsageError:
    """The error that says how scores are imported."""
    what = f"{clean(path.name)} holds scores: a number for each of some latents"
    return UsageError(what, WAY.format(file=clean(str(path))))


def _names_latents(ref: str) -> bool:
    """Whether --for names latents rather than a model."""
    try:
        place = LATENTS.find(ref)
        return LATENTS.named(ref) is not None or place.suffix in ARRAYS or (
            latents.is_own(place))  # fmt: skip
    except LattyError:
        return False


def keep_scores(run: Run, path: Path) -> int:
    """Put scores beside the latents that they are of. Raises Missing, BadData, Locked, OutputError,
    WouldOverwrite where there are scores of the same names."""
    args = run.args
    if "#" in args.model:
        raise UsageError(f"--for: scores are for all of '{args.model}'", "name it without #")
    found = latents.look(args.model)
    names = tuple(part.strip() for part in (args.name or "").split(",") if part.strip())
    place = scores.place_of(found.path)
    with locks.writing(place):
        brought = read_scores(path, found, names)
        whole = scores.joined(_there(found, brought.names, args.overwrite), brought)
        scores.write(found.path, whole)
    count = found.shape[0]
    run.out.say(f"{_counted(brought)} of the {count} latents of {args.model}; "
                f"latty discover tlgan|interfacegan MODEL --latents {args.model}")  # fmt: skip
    run.out.result(str(place), name=args.model, kind="scores", path=str(place),
                   names=[*brought.names], count=count)  # fmt: skip
    return 0


def _there(found: Found, names: tuple[str, ...], overwrite: bool) -> scores.Scores | None:
    """The scores that stay. Raises WouldOverwrite, BadData for scores of other latents."""
    try:
        before = scores.read(found.path, found.shape[0])
    except BadData as error:
        if overwrite:
            return None
        raise BadData(error.message, "--overwrite replaces them") from None
    twice = [name for name in names if before and name in before.names]
    if twice and not overwrite:
        told = ", ".join(twice[:8])
        raise WouldOverwrite(f"there are scores already: {told}", "--overwrite replaces them")
    return before


def _counted(brought: scores.Scores) -> str:
    """ "scores of smile, age (3 are empty)"."""
    empty = int(brought.array.isnan().sum())
    names = ", ".join(brought.names[:8]) + (", ..." if len(brought.names) > 8 else "")
    return f"scores {names}" + (f" ({empty} of them empty)" if empty else "")


# --- pools ----------------------------------------------------------------------------------------


def pool_in(path: Path) -> Path | None:
    """The file of a pool, which may be named by its folder; None for anything else."""
    file = path / pools.FILE if path.is_dir() else path
    try:
        return file if file.is_file() and latents.is_own(file) and (
            latents.look(str(file)).arrays) else None  # fmt: skip
    except LattyError:
        return file if path.is_dir() and file.is_file() and pools.is_pool(path) else None


def keep_pool(run: Run, path: Path, file: Path) -> int:
    """Copy a pool's latents into the store, and their scores where there are any. Raises BadData,
    UsageError, Missing, Locked, WouldOverwrite, OutputError."""
    args = run.args
    found = latents.look(str(file))
    if args.model:
        _check_model(found, args.model)
    name = args.name or name_for(
        path.resolve() if file.name != pools.FILE else file.resolve().parent
    )
    with LATENTS.claimed(name, args.overwrite) as target:
        names = scores.names_of(file)
        files.write(target, _copied(file))
        beside = scores.place_of(target)
        if names:
            files.write(beside, _copied(scores.place_of(file)))
        else:
            beside.unlink(missing_ok=True)
    size = "x".join(map(str, found.shape))
    told = f", with scores of {', '.join(names[:8])}" if names else ""
    run.out.say(f"a pool, {size}: {', '.join(found.arrays)}, for {found.model}{told}")
    run.out.say(f'in a preset: latent = "{name}#0"')
    run.out.result(name, name=name, kind="latents", path=str(target), importer="latty",
                   space=found.space, shape=[*found.shape], names=[], model=found.model,
                   family=found.family, notes=[], scores=[*names])  # fmt: skip
    return 0


def _copied(file: Path) -> Iterator[bytes]:
    with reading.opened(file) as opened:
        while piece := opened.read(PIECE):
            yield piece


def _check_model(found: Found, ref: str) -> None:
    """Raises BadData for latents of another model than --for names, Missing for one that is not
    there."""
    from latty.presets.digests import model_digest

    digits = model_digest(ref)
    if digits and found.model_digest and digits != found.model_digest:
        what = f"{found.path.name} was made for {found.model} ({found.family}), not for {ref}"
        raise BadData(what, "leave out --for")
