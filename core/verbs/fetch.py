"""`latty fetch`: a public checkpoint of the zoo comes here and becomes a model of the store."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from core import home
from core.checkpoints.refusals import Refusal
from core.cli import Run
from core.errors import BadData, Interrupted, LattyError
from core.verbs._out import Progress

if TYPE_CHECKING:
    from core.models._zoo import Entry

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
CUT = ("empty", "html", "json", "truncated", "bad-zip", "checksum", "lfs-pointer")  # codes


def fetch(run: Run) -> int:
    """Bring the file, check it, convert it; the name is the result."""
    from core.models import _store, _zoo

    own = run.config().zoo
    entry = _zoo.find(run.args.name, _zoo.read(Path(own).expanduser() if own else None))
    _store.check_free(entry.name, run.args.force)
    if entry.by_hand:
        what = f"only a browser can fetch {entry.name}: {entry.address}"
        raise LattyError(what, f"then: latty import FILE --name {entry.name}")
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
    folder = home.cache_dir() / "zoo" / entry.name
    path = folder / (entry.member or entry.file)
    if path.exists() and not run.args.force:
        run.out.say(f"{path.name} is in the cache already (--force fetches it again)")
        return path
    from core.models import _archive
    from core.models._download import RESUMES, Wanted, download

    run.out.say(f"{entry.name} from {entry.address}")
    progress = Progress(run.out, entry.name, RESUMES)
    try:
        with _stopping(RESUMES):
            if entry.config is not None:
                download(Wanted(entry.config), folder / "config.json", progress, run.out.say)
            wanted, target = Wanted(entry.address, entry.sha256, entry.size), folder / entry.file
            if run.args.force or not target.exists():  # an archive may be here, not yet unpacked
                download(wanted, target, progress, run.out.say)
            if entry.member is not None:
                _archive.take(target, entry.member, path, progress)
    finally:
        progress.close()
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
    from core.models import _open, _store
    from core.models._device import pick_device

    model = _open.convert(path)
    generator = _open.build(model, path, entry.name, pick_device("cpu"))
    info = generator.info
    card = {"file": path.name, "bytes": path.stat().st_size, "sha256": info.digest,
            "licence": entry.licence, "address": entry.address,
            "named_by": entry.source.page}  # fmt: skip
    target = _store.save(model, info, card, run.args.force)
    for note in model.notes:
        run.out.say(note)
    if info.family != entry.family:
        run.out.say(f"the zoo calls it {entry.family}; it is {info.family}")
    origin = model.meta.get("origin", info.family)
    run.out.say(f"licence: {entry.licence} (named by {entry.source.title})")
    run.out.say(f"{info.family}, {info.resolution} px; try: latty sample {entry.name}")
    run.out.result(entry.name, name=entry.name, path=str(target), family=info.family,
                   origin=origin, resolution=info.resolution, num_layers=info.num_layers,
                   num_classes=info.num_classes, notes=[*model.notes], **card)  # fmt: skip
    return 0
