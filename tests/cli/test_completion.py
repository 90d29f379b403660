"""Completion scripts: the shells read them, and they know every verb and option."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cli_in_process import latty

from latty.cli.parser import VERBS
from latty.cli.verbs import completion

CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_shell_reads_its_script(shell: str, tmp_path: Path) -> None:
    done = latty("completion", shell, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in VERBS.names()) and "out-dir" in done.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "script"
    script.write_text(done.stdout)
    subprocess.run([*CHECKS[shell], script], check=True)


def ask_bash(line: str, tmp_path: Path) -> list[str]:
    """What bash would offer at the end of a command line."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = tmp_path / "ask"
    script.write_text(
        f"{completion.bash(completion.verbs())}\nCOMP_WORDS=({quoted}); "
        f'COMP_CWORD={len(words) - 1}; _latty; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(tmp_path: Path) -> None:
    assert ask_bash("latty ren", tmp_path) == ["render"]
    assert ask_bash("latty list mo", tmp_path) == ["models"]
    assert ask_bash("latty render --ou", tmp_path) == ["--out-dir", "--output"]
    (tmp_path / "mine.toml").touch()
    assert ask_bash("latty render mi", tmp_path) == ["mine.toml"]


def test_the_grammar_is_the_parsers() -> None:
    found = {verb.name: verb for verb in completion.verbs()}
    assert {*found} == {*VERBS.names()}
    options = {name: option for option in found["render"].options for name in option.names}
    assert options["--set"].takes_value and not options["--force"].takes_value
