"""The command line: argparse with one-line errors, the options that verbs share, and the verbs.

A verb is a file of verbs/ (or an entry point of another package): the first line of its docstring
is what `latty --help` says, `options(parser)` adds its options, `run(run)` does the work.
"""

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, Protocol, TypeVar

from latty.cli.run import Run
from latty.errors import UsageError, did_you_mean
from latty.plugins import Registry
from latty.report import WAYS
from latty.scene import AUTO, PRECISIONS

EXAMPLES = """\
examples:
  latty                                     the studio, right here
  latty mine.toml                           the studio, on a preset, a model or a picture
  latty render hello                        a shipped preset becomes renders/hello.gif
  latty render mine.toml --set scene.seed=3 --out-dir out
  latty render renders/hello.gif --out-dir again
  latty pack mine.toml -o mine.latty        all that it names in one file, for another machine
  latty sample demo --seeds 0-15,40 --truncation 0.7 -o sheet.png
  latty import ffhq.pkl --name ffhq         any checkpoint: its content decides what it is
  latty fetch ada-metfaces                  a public checkpoint (latty list models --zoo)
  latty discover ganspace demo -o mine      a method finds directions (latty list methods)
  latty render presets/*.toml --detach      as jobs that outlive this terminal (latty jobs)
  latty list directions --json
"""
CODES = """\
exit codes:
  0    ok                                   73   would overwrite (--overwrite)
  1    a job failed                         74   I/O error, disk full
  2    the command line is wrong            75   locked by another run, try again
  65   bad data: preset, weights, recipe    78   settings: latty.toml, LATTY_*
  66   input missing                        129 130 143   HUP, INT, TERM
  69   device unavailable, out of memory    141  nobody reads the output

Of several presets the code is that of the worst (docs/pipelines.md).

settings: flag, then LATTY_DEVICE and the like, then latty.toml here or above, then config.toml
(`latty doctor` names where each value came from)
"""
HEAD = """\
latty [MODEL | PRESET | PICTURE]    opens the studio
       latty VERB ..."""
HELP = {"-h", "--help"}
BEFORE = (
    "--progress",
    "--device",
    "--precision",
    "--image",
)  # options with a value that a verb may follow
S = TypeVar("S", bound=str)
LAST = 1000  # where `latty --help` lists a verb without ORDER


class Parser(argparse.ArgumentParser):
    """argparse that raises UsageError, in one line, with the nearest word.

    words  what follows the verb, for a verb whose options depend on it
    """

    def __init__(self, words: Sequence[str] = (), **options: Any) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=raw, **options)
        self.words = words

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        hint = f"see: {self.prog} --help"
        found = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        if found:
            own = [one for one in self._option_string_actions if one.startswith("--")]
            near = [one for one in own if one.startswith(found[1])]
            near = near or get_close_matches(
                found[1].strip("-"), [o.strip("-") for o in own], 1, 0.7
            )
            hint = f"did you mean '--{near[0].strip('-')}'?" if near else hint
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            known = [word.strip("'\" ") for word in found[2].split(",")]
            message, hint = message.partition(" (choose")[0], did_you_mean(found[1], known)
        raise UsageError(message, hint)

    def print_help(self, file: Any = None) -> None:
        """To stdout. Raises OSError, which argparse would keep to itself."""
        print(self.format_help(), end="", file=file)

    def add_talking(self) -> None:
        """What every verb takes. Suppressed defaults, so that they may stand before the verb."""
        add, hide = self.add_argument_group("talking").add_argument, argparse.SUPPRESS
        add("-q", "--quiet", action="store_const", dest="loudness", const=-1, default=hide,
            help="errors only")  # fmt: skip
        add("-v", "--verbose", action="store_const", dest="loudness", const=1, default=hide,
            help="more words")  # fmt: skip
        add("--no-color", action="store_false", dest="color", default=hide,
            help="words without colours (as does NO_COLOR)")  # fmt: skip
        add("--progress", choices=WAYS, metavar="WAY", default=hide,
            help="how far work is: bar, plain (a line a film), json (a line an event), "
            "none")  # fmt: skip
        add("--log-time", action="store_true", default=hide, help="words begin with the time")
        add("--debug", action="store_true", default=hide, help="a traceback with every error")

    def add_json(self) -> None:
        """--json."""
        self.add_argument("--json", action="store_true", help="one JSON object per line on stdout")

    def add_device(self) -> None:
        """--device."""
        self.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")

    def add_precision(self) -> None:
        """--precision."""
        self.add_argument("--precision", choices=(AUTO, *PRECISIONS), metavar="WORD",
                          help="numbers of the network: fp32 (as auto for what is kept), bf16, "
                          "fp16 (docs/precision.md)")  # fmt: skip

    def add_image(self) -> None:
        """--image, and its old name."""
        words = "how to show pictures: auto, or a way that `latty doctor` names"
        self.add_argument("--image", metavar="WAY", help=words)
        self.add_argument("--pictures", metavar="WAY", dest="image", help=argparse.SUPPRESS)

    def add_overwrite(self, words: str = "replace what is there") -> None:
        """--overwrite, of a verb that does nothing else by force."""
        self.add_argument("--overwrite", "--force", action="store_true", help=words)

    def add_recipe(self) -> None:
        """--no-recipe."""
        self.add_argument("--no-recipe", action="store_const", const=False, dest="recipe",
                          help="leave the recipe out of the file: it cannot be made again from "
                          "it")  # fmt: skip

    def add_switches(self) -> None:
        """--overwrite, --foreign, --ignore-space, and --force for all three; latty.cli.switches
        reads them."""
        add = self.add_argument_group("although").add_argument
        add("--overwrite", action="store_true", help="a file of that name is there: replace it")
        add("--foreign", action="store_true",
            help="directions or latents are another model's: apply what fits")  # fmt: skip
        add("--ignore-space", action="store_true", help="the disk may be too small: begin")
        add("--force", action="store_true", help="all three: --overwrite --foreign --ignore-space")

    def add_batch(self) -> None:
        """--batch."""
        words = "frames made at once (auto: by the size of the pictures and the device)"
        self.add_argument("--batch", metavar="N", help=words)

    def add_detach(self) -> None:
        """--detach and --gpus, of a verb with DETACHES."""
        add = self.add_argument_group("as a job").add_argument
        add("--detach", action="store_true", help="go on without this terminal; see: latty jobs")
        add("--gpus", type=int, default=1, metavar="N",
            help="GPUs the job needs at once (default: 1)")  # fmt: skip
        add("--pin", action="append", default=[], metavar="KIND:NAME=SHA256", dest="pinned",
            help="begin with this content only; --detach adds what is here now")  # fmt: skip

    def add_workers(self) -> None:
        """--workers, --engine and --address; latty.cli.workers acts on them."""
        add = self.add_argument_group("on several processes").add_argument
        what = "processes: one per GPU, or N on the CPU, with one thread each (docs/jobs.md)"
        add("--workers", type=int, metavar="N", help=what)
        add("--engine", choices=("local", "ray"), default="local", metavar="NAME",
            help="local, or ray for a cluster (default: local)")  # fmt: skip
        add("--address", metavar="HOST:PORT", help="of the Ray cluster "
            "(default: RAY_ADDRESS, or one on this machine alone)")  # fmt: skip


class Verb(Protocol):
    """A module in verbs/. Literals beside the functions: ORDER, its place in `latty --help`, and
    DETACHES = True where it may run as a job."""

    def options(self, parser: Parser) -> None:
        """Add what it takes to its parser."""

    def run(self, run: Run) -> int:
        """Do it; the exit code."""


VERBS = Registry[Verb]("latty.cli.verbs", needs=("options", "run"), words=True)


def parse_studio(words: list[str]) -> argparse.Namespace:
    """`latty [MODEL | PRESET | PICTURE]`. Raises UsageError."""
    parser = Parser(prog="latty", add_help=False)
    parser.add_talking()
    parser.add_argument("ref", nargs="?")
    parser.add_device()
    parser.add_precision()
    parser.add_image()
    args, rest = parser.parse_known_args(words)
    if args.ref is not None and rest:  # several words: the first was meant to be a verb
        raise _no_verb(args.ref)
    return parser.parse_args(words)


def _no_verb(word: str) -> UsageError:
    return UsageError(f"no verb '{word}'", did_you_mean(word, VERBS.names()))


def split(words: Sequence[S]) -> tuple[Sequence[S], S | None, Sequence[S]]:
    """The options before the verb, the verb (None: there is none), the words after it."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in BEFORE else 1
    return words[:place], words[place] if place < len(words) else None, words[place + 1 :]


def parse(words: Sequence[str]) -> argparse.Namespace:
    """A command line of one verb, or of flags alone (verb None). Only the parser of that verb is
    built. Raises UsageError, Missing; SystemExit after `--help`."""
    before, verb, rest = split(words)
    unknown = verb is not None and verb not in VERBS
    if unknown and HELP & {*rest}:  # `latty demo --help`
        before = ["--help"]
    whole = program(summaries=bool(HELP & {*before}))
    if verb is None:
        args = whole.parse_args(before)
        args.verb = None
        return args
    args, own = whole.parse_known_args(before)  # `own` are the verb's: it may stand after them
    args.verb = verb
    if unknown:
        raise _no_verb(verb)
    rest = [*own, *rest]
    return fill(Parser(rest, prog=f"latty {verb}"), verb).parse_args(rest, args)


def fill(parser: Parser, verb: str) -> Parser:
    """The parser with the options of a verb. Raises Missing where it is an outside one that
    cannot be used."""
    parser.description = VERBS.summary(verb)
    parser.add_talking()
    VERBS.load(verb).options(parser)
    return parser


def program(summaries: bool = False) -> Parser:
    """The parser of what stands before a verb; its help lists the verbs if it has `summaries`."""
    listed = [f"  {verb:<13} {VERBS.summary(verb)}" for verb in (verbs() if summaries else ())]
    title = "The studio for steering pretrained GANs from a terminal.\n\nverbs:\n"
    parser = Parser(
        prog="latty",
        usage=HEAD,
        description=title + "\n".join(listed),
        epilog=f"{EXAMPLES}\n{CODES}",
    )
    parser.add_talking()
    parser.add_argument("--version", action="store_true", help="versions and licence")
    return parser


def verbs() -> list[str]:
    """Every verb, in the order of `latty --help`."""
    return sorted(VERBS.names(), key=lambda verb: VERBS.constant(verb, "ORDER", LAST))
