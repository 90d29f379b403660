"""Remove what lies about: work that something ended, halves, old jobs, caches; asks first."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from latty.cli import leftovers
from latty.cli.leftovers import Leftover
from latty.cli.out import seconds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, Missing, OutputError, UsageError, explain, worst
from latty.text import bytes_words

ORDER = 107
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
KINDS = {
    "renders": "work folders of renders that something ended",
    "searches": "what discover, rank and train-scorer go on from",
    "halves": "what writers and downloads left that something ended",
    "jobs": "jobs that have long been over, without their outputs",
    "replaced": "what directions were before the studio changed them: undo needs it",
    "caches": "scores and pictures that are made again",
    "downloads": "checkpoints as they were fetched (only with --downloads)",
    "models": "imported models that nothing needs and nobody uses (only with --models)",
}


def options(parser: Parser) -> None:
    """What it takes."""
    kinds = "\n".join(f"  {kind:<11}{what}" for kind, what in KINDS.items())
    parser.epilog = (
        f"{kinds}\n\nRenders are looked for in the output folder, where jobs worked, and in each "
        f"FOLDER,\n{leftovers.DEPTH} folders deep. Nothing that a running latty is at is shown "
        'or removed.\n\n--json: {"kind", "path", "bytes", "age_s", "removed"} per thing.'
    )
    add = parser.add_argument
    add("folders", nargs="*", metavar="FOLDER", help="look for work folders there, too")
    add("--older", default="30d", metavar="TIME",
        help="how long a job must be over, a direction changed or a model unused: 12h, 30d "
              "(default), 0d")  # fmt: skip
    add("--downloads", action="store_true", help="fetched checkpoints, too")
    add("--models", action="store_true", help="models that nothing needs, too")
    add("-n", "--dry-run", action="store_true", help="show, remove nothing")
    add("-y", "--yes", action="store_true", help="remove without a question")
    parser.add_json()


def run(run: Run) -> int:
    """Show all with sizes, ask, remove; last a line for each place that the disk does not show.
    Raises UsageError, Missing."""
    older = _seconds(run.args.older)
    for folder in run.args.folders:
        if not Path(folder).is_dir():
            raise Missing(f"there is no folder {folder}", "check the path")
    unseen: list[str] = []
    found = sorted(_found(run, older, unseen.append), key=lambda one: [*KINDS].index(one.kind))
    if not run.out.json and found:
        run.out.rows([_row(one) for one in found], ("what", "size", "age", "where"))
    total = f"{len(found)} in all, {bytes_words(sum(one.size for one in found))}"
    agreed = bool(found) and not run.args.dry_run and (
        run.args.yes or run.out.agrees(f"remove all of this, {total}?")
    )  # fmt: skip
    codes = [_removed(one, run) if agreed else _told(one, run, False) for one in found]
    if not found:
        run.out.say("nothing lies about" if not unseen else "nothing else lies about")
    elif not agreed:
        hint = "" if run.args.dry_run else " (--yes removes it)"
        run.out.say(f"{total}; nothing was removed{hint}")
    else:
        freed = sum(one.size for one, code in zip(found, codes, strict=True) if not code)
        run.out.say(f"{bytes_words(freed)} freed")
    for line in dict.fromkeys(unseen):
        run.out.error(line)
    return worst([*codes, *[OutputError.exit_code] * bool(unseen)])


def _found(run: Run, older: float, unseen: Callable[[str], None]) -> Iterator[Leftover]:
    args = run.args
    more = map(Path, args.folders)
    yield from leftovers.everything(run.config().out_dir, unseen, older, more)
    yield from leftovers.downloads(unseen) if args.downloads else ()
    yield from leftovers.models(older, unseen) if args.models else ()


def _removed(one: Leftover, run: Run) -> int:
    """The code of removing it; one that cannot be removed does not stop the others."""
    try:
        one.remove()
    except (LattyError, OSError) as error:
        _told(one, run, False)
        known = explain(error)
        told = str(known or error)
        run.out.error(told if str(one.path) in told else f"{one.path}: {told}")
        return known.exit_code if known else 1
    return _told(one, run, True)


def _told(one: Leftover, run: Run, removed: bool) -> int:
    if run.out.json:
        run.out.result("", kind=one.kind, path=str(one.path), bytes=one.size,
                       age_s=round(one.age), removed=removed)  # fmt: skip
    return 0


def _row(one: Leftover) -> list[str]:
    days = one.age / UNITS["d"]
    age = f"{days:.0f} days" if days >= 2 else seconds(one.age)
    return [one.kind, bytes_words(one.size), age, str(one.path)]


def _seconds(text: str) -> float:
    """A time such as 30d. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if found is None:
        raise UsageError(f"--older: '{text}' is no time", "for example 12h, 30d, 8w")
    return int(found[1]) * UNITS[found[2]]
