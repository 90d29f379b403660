"""Train a scorer on labelled pictures."""

import math
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import locks
from latty.attributes.store import CARDS, discard_training
from latty.cli import detach as cli_detach
from latty.cli import signals
from latty.cli.out import seconds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import within
from latty.errors import LattyError, Locked, Missing, UsageError, WouldOverwrite

if TYPE_CHECKING:
    from latty.attributes.training import Trained

ORDER = 80
DETACHES = True
RESUME = "the same command goes on from there"
SHOWN = 12  # attributes whose figures are told of


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "DATA is a folder that holds a folder of pictures for each class, or a CSV with a column\n"
        "'file' (paths beside the CSV) and a column per attribute: 0 and 1, or numbers. An\n"
        "interrupted run goes on where it stopped. docs/scorers.md says how scorers are used.\n\n"
        'stdout: the name. --json: {"name", "path", "attributes", "pictures", "skipped", ...}.'
    )
    add = parser.add_argument
    add("data", metavar="DATA")
    add("-o", "--output", required=True, metavar="NAME", help="what to call the scorer")
    add("--size", type=int, default=64, metavar="PX", help="px it looks at (default: 64)")
    add("--channels", type=int, default=3, metavar="N", help="3 colour, 1 grey (default: 3)")
    add("--width", type=int, default=16, metavar="N", help="of the network (default: 16)")
    add("--epochs", type=int, default=20, metavar="N", help="times all pictures (default: 20)")
    add("--batch", type=int, default=64, metavar="N", dest="batch_size",
        help="pictures per step (default: 64)")  # fmt: skip
    add("--lr", type=float, default=3e-3, metavar="X", help="learning rate (default: 0.003)")
    add("--val", type=float, default=0.1, metavar="X", help="share held out (default: 0.1)")
    add("--flip", action="store_true", help="mirror pictures at random")
    add("--seed", type=int, default=0, metavar="N", help="of every random number (default: 0)")
    parser.add_overwrite("replace a scorer of that name")
    parser.add_detach()
    parser.add_device()
    parser.add_json()


def run(run: Run) -> int:
    """Train, write, tell; the name of the scorer is the result. Raises Missing, UsageError,
    WouldOverwrite, Locked."""
    args, data = run.args, Path(run.args.data).expanduser()
    place = _free(args)
    if not data.exists():
        raise Missing(f"there is no {data}", "a folder with a folder per class, or a CSV")
    numbers = _numbers(args)
    if args.detach:
        locks.refuse_taken(place)
        return cli_detach.detached(run)
    with locks.writing(place):
        _free(args)  # still
        return _trained(run, data, numbers)


def _free(args: Any) -> Path:
    """Where the scorer goes. Raises UsageError, WouldOverwrite; a training that was killed when
    its scorer was there already leaves nothing beside it then."""
    try:
        return CARDS.free_place(args.output, args.overwrite or _unfinished(args.output))
    except WouldOverwrite:
        with suppress(Locked), locks.writing(CARDS.place(args.output)):
            discard_training(args.output)
        raise


def _trained(run: Run, data: Path, numbers: dict[str, Any]) -> int:
    args = run.args
    begun = time.monotonic()
    trained = _train(run, data, numbers)
    took = time.monotonic() - begun
    _tell(run, trained, seconds(took))
    run.out.result(args.output, name=args.output, path=str(trained.path),
                   attributes=trained.figures, pictures=trained.pictures, skipped=trained.skipped,
                   complete=trained.complete, seconds=round(took, 3))  # fmt: skip
    if not trained.complete:
        signals.check(f"the best so far is {args.output}; {RESUME}")
    return 0


def _unfinished(name: str) -> bool:
    """Whether a scorer of that name came of an interrupted training, which may go on."""
    from latty.attributes.card import read_card

    try:
        return read_card(CARDS.place(name)).training.get("complete") is False
    except LattyError:
        return False


def _train(run: Run, data: Path, numbers: dict[str, Any]) -> "Trained":
    """A signal from here on keeps what there is."""
    from latty.attributes.training import TrainingOptions, train
    from latty.models.device import pick_device

    options = TrainingOptions(**numbers, flip=run.args.flip)
    device = pick_device(run.config().device)
    with signals.cooperative(), run.progress(run.args.output, RESUME) as progress:
        return train(data, run.args.output, options, device, progress)


def _numbers(args: Any) -> dict[str, Any]:
    """The options that are numbers, each within its range. Raises UsageError."""
    limits = {"size": (16, 512), "width": (4, 256), "epochs": (1, 100_000),
              "seed": (0, 2**32 - 1), "batch": (2, 65_536)}  # fmt: skip
    found: dict[str, Any] = {**vars(args), "batch": args.batch_size}
    for name, (low, high) in limits.items():
        within(f"--{name}", found[name], low, high)
    if args.channels not in (1, 3):
        raise UsageError(f"--channels: {args.channels}", "3 for colour, 1 for grey")
    if not (math.isfinite(args.lr) and 0 < args.lr <= 1):
        raise UsageError(f"--lr: {args.lr:g} is no learning rate", "above 0, at most 1")
    if not 0 < args.val <= 0.5:
        raise UsageError(f"--val: {args.val:g} is no share", "above 0, at most 0.5")
    return {name: found[name] for name in (*limits, "channels", "lr", "val")}


def _tell(run: Run, trained: "Trained", took: str) -> None:
    for name, figures in list(trained.figures.items())[:SHOWN]:
        words = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
        run.out.say(f"  {name}: {words or 'no label among the held-out pictures'}")
    more = len(trained.figures) - SHOWN
    if more > 0:
        run.out.say(f"  and {more} more: {trained.path}")
    if trained.skipped:
        run.out.say(f"{trained.skipped} pictures could not be read and were left out")
    first = next(iter(trained.figures))
    words = f"{trained.pictures} pictures in {took}; figures are of pictures held out"
    run.out.say(f"{words}; use: --attribute {run.args.output}/{first}")
