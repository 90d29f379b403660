"""A completion script for your shell.

A static script answers at once; asking a Python process for every TAB would not.
"""

import argparse
from dataclasses import dataclass

from latty.cli.parser import VERBS, Parser, program
from latty.cli.run import Run

ORDER = 150
SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, whether a value follows, what it does."""

    names: tuple[str, ...]
    takes_value: bool
    what: str


@dataclass(frozen=True, slots=True)
class Described:
    """One verb: its options and the words its first argument may be (none: files)."""

    name: str
    what: str
    options: tuple[Option, ...]
    choices: tuple[str, ...]


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "bash: latty completion bash > ~/.local/share/bash-completion/completions/latty\n"
        "zsh:  latty completion zsh > a folder of your $fpath, named _latty\n"
        "fish: latty completion fish > ~/.config/fish/completions/latty.fish"
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(run: Run) -> int:
    """The script on stdout."""
    writers = {"bash": bash, "zsh": zsh, "fish": fish}
    run.out.result(writers[run.args.shell](verbs()).rstrip("\n"))
    return 0


def verbs() -> list[Described]:
    """The grammar, read from the parser itself."""
    whole = program(VERBS.names(), options=True)
    subs = next(a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    found = []
    for name, parser in subs.choices.items():
        actions = parser._actions
        options = tuple(
            Option(tuple(a.option_strings), a.nargs != 0, a.help or "")
            for a in actions
            if a.option_strings and a.help != argparse.SUPPRESS
        )
        words = next((a.choices for a in actions if not a.option_strings and a.choices), ())
        found.append(Described(name, VERBS.summary(name), options, tuple(words)))
    return found


def _names(options: tuple[Option, ...]) -> str:
    return " ".join(name for option in options for name in option.names)


def bash(found: list[Described]) -> str:
    """A function for `complete -F`."""
    cases = "\n".join(
        f'    {v.name}) options="{_names(v.options)}"; words="{" ".join(v.choices)}" ;;'
        for v in found
    )
    return f"""\
# bash completion for latty; written by: latty completion bash
_latty() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" options="" words="" verb="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ "${{COMP_WORDS[i]}}" != -* ]]; then verb="${{COMP_WORDS[i]}}"; break; fi
  done
  case "$verb" in
    "") options="--help --version"; words="{" ".join(v.name for v in found)}" ;;
{cases}
  esac
  if [[ "$word" == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
  fi
}}
complete -o filenames -F _latty latty
"""


def _quote(text: str) -> str:
    """Inside single quotes of a shell, without the characters that zsh reads in a description."""
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", ",")


def zsh(found: list[Described]) -> str:
    """An autoloaded `_latty`."""
    lines = "\n".join(f"    '{v.name}:{_quote(v.what)}'" for v in found)
    cases = "\n".join(f"    {v.name}) _arguments {_zsh_arguments(v)} ;;" for v in found)
    return f"""\
#compdef latty
# zsh completion for latty; written by: latty completion zsh
_latty() {{
  local -a verbs
  verbs=(
{lines}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    _files
    return
  fi
  local verb="${{words[2]}}"
  shift words
  (( CURRENT-- ))
  case "$verb" in
{cases}
    *) _files ;;
  esac
}}
compdef _latty latty
"""


def _zsh_arguments(verb: Described) -> str:
    value = {True: ":value:_files", False: ""}
    specs = [
        f"'{name}[{_quote(option.what)}]{value[option.takes_value]}'"
        for option in verb.options
        for name in option.names
    ]
    rest = f"(({' '.join(verb.choices)}))".replace("((", "(").replace("))", ")")
    return " ".join([*specs, f"'*:argument:{rest if verb.choices else '_files'}'"])


def fish(found: list[Described]) -> str:
    """`complete` commands."""
    lines = ["# fish completion for latty; written by: latty completion fish"]
    for verb in found:
        seen = f"-n '__fish_seen_subcommand_from {verb.name}'"
        first = "-n __fish_use_subcommand"
        lines.append(f"complete -c latty {first} -a {verb.name} -d '{_quote(verb.what)}'")
        if verb.choices:
            lines.append(f"complete -c latty -f {seen} -a '{' '.join(verb.choices)}'")
        for option in verb.options:
            names = (f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            value = " -r" if option.takes_value else ""
            lines.append(f"complete -c latty {seen} {' '.join(names)}{value} "
                         f"-d '{_quote(option.what)}'")  # fmt: skip
    return "\n".join(lines) + "\n"
