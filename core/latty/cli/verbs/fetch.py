"""Download a public checkpoint and make it a model with a name."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from latty.checkpoints.refusals import Refusal
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import BadData, Interrupted, LattyError

if TYPE_CHECKING:
    from latty.models.zoo import Entry

ORDER = 70
DETACHES = True
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
CUT = ("empty", "html", "json", "truncated", "bad-zip", "checksum", "lfs-pointer")  # codes


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "NAME is one of `latty list models --zoo`. An interrupted run goes on where it stopped.\n"
        'LATTY_ZOO=FILE, or zoo = "FILE" in latty.toml, names a zoo of your own in place of it.\n\n'
        'stdout: the name of the model. --json: {"name", "path", "family", "address", ...}.'
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_overwrite("fetch again, replace the model")
    parser.add_json()


def run(run: Run) -> int:
    """Bring the file, check it, convert it; the name is the result. Raises LattyError for a file
    that only a browser can fetch, and what `keep` raises."""
    from latty.models import store
    from latty.models import zoo as models_zoo

    own = run.config().zoo
    entry = models_zoo.find(run.args.name, models_zoo.read(Path(own).expanduser() if own else None))
    if entry.by_hand:
        store.MODELS.free_place(entry.name, run.args.overwrite)
        what = f"only a browser can fetch {entry.name}: {entry.address}"
        raise LattyError(what, f"then: latty import FILE --name {entry.name}")
    with store.MODELS.claimed(entry.name, run.args.overwrite):
        return _fetched(entry, run)


def _fetched(entry: "Entry", run: Run) -> int:
    path = _bring(entry, run)
    try:
        return _keep(entry, path, run)
    except BadData as error:
        if isinstance(error, Refusal) and error.code in CUT:
            path.unlink(missing_ok=True)
        else:
            run.out.say(f"the file is kept: {path}")
        raise


def _bring(entry: "Entry", run: Run) -> Path:
    """The checkpoint in the cache, from there or from the web."""
    folder = entry.cache()
    path = folder / (entry.member or entry.file)
    from latty.models.zoo.download import RESUMES, Wanted, download, note_of

    if path.exists() and not run.args.overwrite:
        run.out.say(f"{path.name} is in the cache already (--overwrite fetches it again)")
        with suppress(OSError):  # of a fetch that was killed when the file had its name
            note_of(path).unlink(missing_ok=True)
        return path
    from latty.models.zoo import archive, package

    run.out.say(f"{entry.name} from {entry.address}")
    with run.progress(entry.name, RESUMES) as progress, _stopping(RESUMES):
        if entry.config is not None:
            download(Wanted(entry.config), folder / "config.json", progress, run.out.say)
        wanted, target = Wanted(entry.address, entry.sha256, entry.size), folder / entry.file
        if entry.package is not None:
            package.bring(entry.package, wanted, path, progress, run.out.say)
            return path
        if run.args.overwrite or not target.exists():  # an archive may be here, not yet unpacked
            download(wanted, target, progress, run.out.say)
        if entry.member is not None:
            archive.take(target, entry.member, path, progress)
    if entry.sha256 is None:
        run.out.say("nobody published a checksum of this file; its content is checked as it opens")
    return path


@contextmanager
def _stopping(hint: str) -> Iterator[None]:
    """A signal ends a wait for the network at once; what is on the disk is good at any moment."""

    def stop(signum: int, frame: FrameType | None) -> NoReturn:
        raise Interrupted(signum, hint)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep(entry: "Entry", path: Path, run: Run) -> int:
    """Convert, try, write, as `latty import` does."""
    from latty.cli.keep_model import keep

    card = {"licence": entry.licence, "address": entry.address, "named_by": entry.source.page}
    info = keep(run, path, entry.name, card, licensed=entry.source.title)
    if info.family != entry.family:
        run.out.say(f"the zoo calls it {entry.family}; it is {info.family}")
    return 0
