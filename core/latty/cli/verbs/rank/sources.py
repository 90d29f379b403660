"""Where the walks of a ranking come from: a folder that keeps them, or the model."""

from contextlib import suppress
from pathlib import Path

from latty import locks
from latty.cli import walks
from latty.cli.run import Run
from latty.errors import LattyError, UsageError
from latty.presets.digests import set_digest
from latty.rank import gallery
from latty.render import work


def kept(run: Run) -> Path | None:
    """The traversal that is ranked: the folder that is named, or the one of this set in the output
    folder where no option says another walk; None where the walks are to be drawn. Raises
    UsageError."""
    args = run.args
    if _names_one(args.set):
        if said := [word for word in walks.asked(args) if word != "model"]:
            what = f"--{said[0]}: what {args.set} keeps is ranked as it was walked"
            raise UsageError(what, "leave it out, or rank the set itself")
        return Path(args.set)
    place = run.config().out_dir / f"{Path(args.set).stem}-traverse"
    if walks.asked(args) or args.foreign or not (place / work.TRAVERSAL).is_file():
        return None
    from latty.directions.store import set_info
    from latty.rank.traversal.header import read_header

    with suppress(LattyError):
        found, own = read_header(place), Path(set_info(args.set).model).name
        if (found.set_digest, found.model) == (set_digest(args.set), own):
            shape = f"{len(found.directions)} directions from {len(found.starts)} starts"
            run.out.say(f"ranks what {place} keeps, {shape}: nothing is drawn (--seeds walks anew)")
            return place
    return None


def _names_one(word: str) -> bool:
    """Whether a word is the folder of a traversal."""
    with suppress(OSError, ValueError):
        return (Path(word) / work.TRAVERSAL).is_file()
    return False


def name_of(run: Run, kept: Path | None) -> str:
    """What is ranked, as a part of a folder's name."""
    if kept is None or not _names_one(run.args.set):
        return Path(run.args.set).stem
    return kept.resolve().name


def refuse_early(folder: Path, overwrite: bool) -> None:
    """What is certain to stop a ranking, as far as it is seen without its model. Raises
    WouldOverwrite, Locked, OutputError."""
    locks.refuse_taken(folder)
    gallery.refuse(folder, overwrite)
