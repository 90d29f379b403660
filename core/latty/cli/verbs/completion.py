"""Print a completion script for your shell.

A static script answers at once; asking a Python process for every TAB would not.
"""

import sys

from latty.cli.out import print_line
from latty.cli.parser import VERBS, Parser, fill, program, verbs
from latty.cli.run import Run
from latty.directions.registries import METHODS

ORDER = 150
SHELLS = ("bash", "zsh", "fish")


def options(parser: Parser) -> None:
    """The shell."""
    parser.epilog = (
        "bash: latty completion bash > ~/.local/share/bash-completion/completions/latty\n"
        "zsh:  latty completion zsh > a folder of your $fpath, named _latty\n"
        "fish: latty completion fish > ~/.config/fish/completions/latty.fish"
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(run: Run) -> int:
    """The script on stdout."""
    import shtab

    script = shtab.complete(_whole(), shell=run.args.shell)
    print_line(script.rstrip("\n"), sys.stdout)
    return 0


def _whole() -> Parser:
    """One parser with those of all verbs below it. A value without choices may be a file."""
    import shtab

    whole = program()
    below = whole.add_subparsers(parser_class=Parser, prog="latty")
    for verb in verbs():
        parser = fill(below.add_parser(verb, help=VERBS.summary(verb)), verb)
        for action in parser._actions:
            if action.metavar == "METHOD":
                action.choices = METHODS.names()
            elif not action.choices and action.nargs != 0:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return whole
