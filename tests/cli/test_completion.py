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


def ask_bash(line: str, script: str, tmp_path: Path) -> list[str]:
    """What bash would offer at the end of a command line."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    asking = tmp_path / "ask"
    asking.write_text(
        f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
        f'_shtab_latty latty "{words[-1]}" "{words[-2]}"; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", asking], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(tmp_path: Path) -> None:
    script = latty("completion", "bash", home=tmp_path).stdout
    (tmp_path / "mine.toml").touch()
    offers = {
        "latty ren": {"render"},
        "latty list mo": {"models"},
        "latty render --ou": {"--out-dir", "--output"},
        "latty render mi": {"mine.toml"},
        "latty render --out-dir mi": {"mine.toml"},
        "latty discover se": {"sefa"},
        "latty render x.toml --engine r": {"ray"},
        "latty sample demo --qu": {"--quiet"},
    }
    assert {line: {*ask_bash(line, script, tmp_path)} for line in offers} == offers
