"""The grammar of the command line, and the words of `--help`: they are the documentation."""

import argparse
import re
from typing import Any, NoReturn

from core.errors import UsageError, did_you_mean

VERBS = {
    "render": "presets (or pictures that latty made) become GIFs, videos and pictures",
    "sample": "a sheet of a model's samples",
    "import": "a checkpoint of any kind becomes a model with a name, converted once",
    "fetch": "a public checkpoint comes from the web and becomes a model with a name",
    "list": "the models, directions, methods, scorers, presets or formats there are",
    "inspect": "what is in a file, without loading it",
    "check": "every mistake of a preset at once, as file:line:col",
    "schema": "the JSON schema of presets, for editors",
    "doctor": "what this machine has: Python, torch, devices, encoders, terminal, settings",
    "completion": "a completion script for your shell",
}
KINDS = ("models", "directions", "methods", "scorers", "presets", "formats")
SHELLS = ("bash", "zsh", "fish")

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
            near = did_you_mean(found[1], self._options())
            hint = near if near.startswith("did") else hint
        found = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if found:
            known = [word.strip("'\" ") for word in found[2].split(",")]
            message, hint = message.partition(" (choose")[0], did_you_mean(found[1], known)
        raise UsageError(message, hint)

    def _options(self) -> list[str]:
        own = [name for name in self._option_string_actions if name.startswith("--")]
        subs = (a for a in self._actions if isinstance(a, argparse._SubParsersAction))
        return own + [name for sub in subs for p in sub.choices.values() for name in p._options()]


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
    _device(parser)
    _pictures(parser)
    args, rest = parser.parse_known_args(words)
    if args.ref is not None and rest:  # several words: the first was meant to be a verb
        raise UsageError(f"no verb '{args.ref}'", did_you_mean(args.ref, VERBS))
    return parser.parse_args(words)


def build() -> Parser:
    """The whole command line."""
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
    makers = {"render": _render, "sample": _sample, "import": _import, "fetch": _fetch,
              "list": _list, "inspect": _inspect, "check": _check, "completion": _completion,
              "doctor": _json}  # fmt: skip
    for name, what in VERBS.items():
        verb = verbs.add_parser(name, help=what, description=what, parents=[common])
        if name in makers:
            makers[name](verb)
    return parser


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def _device(parser: Parser) -> None:
    parser.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")


def _pictures(parser: Parser) -> None:
    ways = "auto, sixel, kitty, iterm, blocks or saved"
    parser.add_argument("--pictures", metavar="WAY", help=f"how to show pictures: {ways}")


def _batch(parser: Parser) -> None:
    parser.add_argument("--batch", metavar="N", help="frames made at once (default 8)")


def _render(parser: Parser) -> None:
    parser.epilog = (
        "PRESET is a .toml file, the name of a shipped preset (hello), - for stdin, or a picture\n"
        "that latty made: it is rendered again under its own name into --out-dir.\n\n"
        'stdout: the files written. --json: {"preset", "path", "bytes"} per file, or, for a\n'
        'preset that failed, {"preset", "error", "hint", "code"}. --dry-run --json: the plan,\n'
        "one object per file that would be written."
    )
    add = parser.add_argument
    add("presets", nargs="+", metavar="PRESET")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the preset, as in scene.seed=3")  # fmt: skip
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("-o", "--output", metavar="PATH", help="write one file, there; the suffix is its format")
    add("--force", action="store_true", help="overwrite what is there")
    add("--dry-run", action="store_true", help="say what would be made; write nothing")
    add("--show", action="store_true", help="show the results in this terminal afterwards")
    _device(parser)
    _batch(parser)
    _pictures(parser)
    _json(parser)


def _sample(parser: Parser) -> None:
    parser.epilog = 'stdout: the file written. --json: {"path", "bytes", "model", "seeds"}.'
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--seeds", default="0-15", metavar="LIST", help="such as 0-15,40 (default: 0-15)")
    add("--label", metavar="N", help="class: an index, a name, or a mixture such as 3=0.7,5=0.3")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled, 0 = mean")
    add("--noise", default="const", metavar="KIND", help="const, none or a seed")
    add("--size", type=int, metavar="PX", help="height of one picture")
    add("--columns", type=int, metavar="N", help="pictures in a row (default: nearly square)")
    add("-o", "--output", metavar="PATH", help="a .png (default: MODEL-samples.png in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--force", action="store_true", help="overwrite what is there")
    add("--show", action="store_true", help="show the sheet in this terminal afterwards")
    _device(parser)
    _batch(parser)
    _pictures(parser)
    _json(parser)


def _import(parser: Parser) -> None:
    parser.set_defaults(verb="import_")  # Python keeps the bare word for itself
    parser.epilog = (
        "FILE is a .pkl, .pt, .pth, .bin or .safetensors; its content decides, and nothing in it\n"
        "is run. docs/checkpoints.md says what opens, docs/specs.md how to describe a plain\n"
        "network whose strides no checkpoint holds.\n\n"
        'stdout: the name of the model. --json: {"name", "path", "family", "origin", "notes", ...}.'
    )
    add = parser.add_argument
    add("file", metavar="FILE")
    add("--name", metavar="N", help="what to call it (default: the file's own name)")
    add("--spec", metavar="FILE", help="the architecture of a plain network, in TOML")
    add("--force", action="store_true", help="replace a model of that name")
    _json(parser)


def _fetch(parser: Parser) -> None:
    parser.epilog = (
        "NAME is one of `latty list models --zoo`. An interrupted run goes on where it stopped.\n"
        'LATTY_ZOO=FILE, or zoo = "FILE" in latty.toml, names a zoo of your own in place of it.\n\n'
        'stdout: the name of the model. --json: {"name", "path", "family", "address", ...}.'
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--force", action="store_true", help="fetch again, replace the model")
    _json(parser)


def _list(parser: Parser) -> None:
    parser.epilog = '--json: {"name", "what", ...} per entry; more keys depend on the kind.'
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--zoo", action="store_true", dest="in_zoo",
                        help="the models that latty fetch can get")  # fmt: skip
    _json(parser)


def _inspect(parser: Parser) -> None:
    parser.epilog = '--json: {"file", "bytes", "kind", ...}: what is known of the file.'
    parser.add_argument("file", metavar="FILE")
    _json(parser)


def _check(parser: Parser) -> None:
    parser.epilog = (
        '--json: {"preset", "ok", "warnings", "problems"} per preset;\n'
        'a problem is {"line", "column", "key", "what", "hint"}.'
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="a .toml, a name, or -")
    _json(parser)


def _completion(parser: Parser) -> None:
    parser.epilog = (
        "bash: latty completion bash > ~/.local/share/bash-completion/completions/latty\n"
        "zsh:  latty completion zsh > a folder of your $fpath, named _latty\n"
        "fish: latty completion fish > ~/.config/fish/completions/latty.fish"
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
