"""Print a completion script for your shell.

A static script answers at once; asking a Python process for every TAB would not.
"""

import sys
from shlex import quote

from latty import home
from latty.cli.out import print_line
from latty.cli.parser import VERBS, Parser, fill, program, verbs
from latty.cli.run import Run
from latty.directions.registries import METHODS

ORDER = 150
SHELLS = ("bash", "zsh", "fish")
# What `latty remove` may remove: names of files, looked up when they are asked for.
NAMED = """\
sh -c 'd=${{LATTY_HOME:+$LATTY_HOME/data}}; s=${{LATTY_HOME:+$LATTY_HOME/state}}
for f in "${{d:=$0}}"/models/*.safetensors \
    "$d"/directions/*.safetensors "$d"/latents/*.safetensors \
    "$d"/scorers/*.toml "${{s:=$1}}"/runs/*; do
f=${{f##*/}}; f=${{f%.safetensors}}; f=${{f%.toml}}
case $f in *.*|"*") ;; *) echo "$f";; esac; done' {data} {state}"""
NAMES = {
    "bash": '_latty_names() {{ compgen -W "$({})" -- "$1"; }}',
    "zsh": '_latty_names() {{ compadd -- ${{(f)"$({})"}}; }}',
    "fish": "function __latty_names\n{}\nend",
}
ASKED = {"bash": "_latty_names", "zsh": "_latty_names", "fish": "(__latty_names)"}
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

    shell = run.args.shell
    named = NAMED.format(data=quote(str(home.data_dir())), state=quote(str(home.state_dir())))
    above = f"{NAMES[shell].format(named)}\n{INSIDE.get(shell, '')}"
    script = shtab.complete(_whole(), shell=shell, preamble=above)
    print_line(f"{script.rstrip()}\n{BELOW.get(shell, '')}".rstrip(), sys.stdout)
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
            elif verb == "remove" and action.dest == "names":
                action.complete = ASKED  # type: ignore[attr-defined]
            elif not action.choices and action.nargs != 0:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return whole
