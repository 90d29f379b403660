"""The grammar of the command line, and the words of `--help`: they are the documentation."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from latty.errors import UsageError, did_you_mean

VERBS = {
    "render": "presets (or pictures that latty made) become GIFs, videos and pictures",
    "sample": "a sheet of a model's samples",
    "discover": "a method finds directions of a model: ganspace, sefa, tlgan, ...",
    "rank": "what each direction of a set does to each attribute: figures, curves, GIFs",
    "edit": "a picture walks up or down an attribute until it reaches a goal",
    "import": "a checkpoint, directions, latents or a scorer of others gets a name here",
    "fetch": "a public checkpoint comes from the web and becomes a model with a name",
    "train-scorer": "labelled pictures become a scorer with a name",
    "jobs": "work that goes on without this terminal: list, show, watch, cancel, resume, logs",
    "list": "the models, directions, methods, scorers, presets, formats or jobs there are",
    "inspect": "what is in a file, without loading it",
    "check": "every mistake of a preset at once, as file:line:col",
    "schema": "the JSON schema of presets, for editors",
    "doctor": "what this machine has: Python, torch, devices, encoders, terminal, settings",
    "completion": "a completion script for your shell",
}
EXAMPLES = """\
examples:
  latty                                     a first picture, right here
  latty demo                                a sheet of a model's samples
  latty render hello                        a shipped preset becomes renders/hello.gif
  latty render mine.toml --set scene.seed=3 --out-dir out
  latty render renders/hello.gif --out-dir again
  latty sample demo --seeds 0-15,40 --truncation 0.7 -o sheet.png
  latty import ffhq.pkl --name ffhq         any checkpoint: its content decides what it is
  latty fetch ada-metfaces                  a public checkpoint (latty list models --zoo)
  latty discover ganspace demo -o mine      a method finds directions (latty list methods)
  latty render presets/*.toml --detach      as jobs that outlive this terminal (latty jobs)
  latty list directions --json
"""
CODES = """\
exit codes:
  0    ok                                   73   would overwrite (--force)
  1    a job failed                         74   I/O error, disk full
  2    the command line is wrong            75   locked by another run, try again
  65   bad data: preset, weights, recipe    78   settings: latty.toml, LATTY_*
  66   input missing                        129 130 143   HUP, INT, TERM
  69   device unavailable, out of memory    141  nobody reads the output

settings: flag, then LATTY_DEVICE and the like, then latty.toml here or above, then config.toml
(`latty doctor` names where each value came from)
"""
HEAD = """\
latty [MODEL | PRESET | PICTURE]    shows it in this terminal
       latty VERB ..."""


class Parser(argparse.ArgumentParser):
    """argparse that raises UsageError, in one line, with the nearest word."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        hint = f"see: {self.prog} --help"
        found = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        if found:
            near = did_you_mean(found[1], self.flags())
            hint = near if near.startswith("did") else hint
        found = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if found:
            known = [word.strip("'\" ") for word in found[2].split(",")]
            message, hint = message.partition(" (choose")[0], did_you_mean(found[1], known)
        raise UsageError(message, hint)

    def flags(self) -> list[str]:
        own = [name for name in self._option_string_actions if name.startswith("--")]
        subs = (a for a in self._actions if isinstance(a, argparse._SubParsersAction))
        return own + [name for sub in subs for p in sub.choices.values() for name in p.flags()]


def _common() -> Parser:
    """What every verb takes. Suppressed defaults, so that they may stand before the verb too."""
    parser = Parser(add_help=False)
    group = parser.add_argument_group("talking")
    add = group.add_argument
    hide = argparse.SUPPRESS
    add("-q", "--quiet", action="store_const", dest="loudness", const=-1, default=hide,
        help="errors only")  # fmt: skip
    add("-v", "--verbose", action="store_const", dest="loudness", const=1, default=hide,
        help="more words")  # fmt: skip
    add("--no-color", action="store_false", dest="color", default=hide,
        help="words without colours (as does NO_COLOR)")  # fmt: skip
    add("--debug", action="store_true", default=hide, help="a traceback with every error")
    return parser


def parse_studio(words: list[str]) -> argparse.Namespace:
    """`latty [MODEL | PRESET | PICTURE]`."""
    parser = Parser(prog="latty", parents=[_common()], add_help=False)
    parser.add_argument("ref", nargs="?")
    from latty.cli import options as cli_options

    cli_options.device(parser)
    cli_options.image(parser)
    args, rest = parser.parse_known_args(words)
    if args.ref is not None and rest:  # several words: the first was meant to be a verb
        raise UsageError(f"no verb '{args.ref}'", did_you_mean(args.ref, VERBS))
    return parser.parse_args(words)


def build(words: Sequence[str] = ()) -> Parser:
    """The whole command line; `words` name the method whose parameters `discover` takes."""
    common = _common()
    parser = Parser(
        prog="latty",
        usage=HEAD,
        description="The studio for steering pretrained GANs from a terminal.",
        epilog=f"{EXAMPLES}\n{CODES}",
        parents=[common],
    )
    parser.add_argument("--version", action="store_true", help="versions and licence")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", title="verbs", prog="latty", parser_class=Parser
    )
    from latty.cli import options as cli_options

    options = cli_options.functions(words)
    for name, what in VERBS.items():
        verb = verbs.add_parser(name, help=what, description=what, parents=[common])
        if name in options:
            options[name](verb)
    return parser
