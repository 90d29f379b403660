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
# Straight after `latty` a file may stand, too, where shtab offers verbs alone.
INSIDE = {
    "zsh": """\
functions[_latty_verbs]=$functions[_shtab_latty_commands]
_shtab_latty_commands() { _latty_verbs; _files }"""
}
BELOW = {
    "bash": "_shtab_latty_pos_0_COMPGEN=_shtab_compgen_files",
    "fish": """\
complete -c latty -n '_shtab_latty_using; and test $_shtab_latty_npos -eq 0' \\
    -ka "(__fish_complete_path (commandline -ct))\"""",
}


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

    script = shtab.complete(_whole(), shell=run.args.shell, preamble=INSIDE.get(run.args.shell, ""))
    print_line(f"{script.rstrip()}\n{BELOW.get(run.args.shell, '')}".rstrip(), sys.stdout)
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
