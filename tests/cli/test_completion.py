"""Completion scripts: the shells read them, and they know every verb and option."""

import os
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
        ["bash", asking], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "LATTY_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(tmp_path: Path) -> None:
    script = latty("completion", "bash", home=tmp_path).stdout
    (tmp_path / "mine.toml").touch()
    offers = {
        "latty rend": {"render"},
        "latty mi": {"migrate", "mine.toml"},
        "latty list mo": {"models"},
        "latty render --ou": {"--out-dir", "--output"},
        "latty render mi": {"mine.toml"},
        "latty render --out-dir mi": {"mine.toml"},
        "latty discover se": {"sefa"},
        "latty render x.toml --engine r": {"ray"},
        "latty sample demo --qu": {"--quiet"},
        "latty remove my": {"my-model", "my-card"},
    }
    data = tmp_path / "home" / "data"
    for name in ("models/my-model", "models/my-model.0123456789ab.encoder", "models/other"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / f"{name}.safetensors").touch()
    (data / "scorers").mkdir()
    (data / "scorers" / "my-card.toml").touch()
    assert {line: {*ask_bash(line, script, tmp_path)} for line in offers} == offers


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_completes(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(latty("completion", "fish", home=tmp_path).stdout)
    (tmp_path / "mine.toml").touch()
    offers = {
        "latty mi": "mine.toml",
        "latty rend": "render",
        "latty render mi": "mine.toml",
        "latty discover se": "sefa",
    }
    for line, word in offers.items():
        ask = ["fish", "--private", "-c", f"source script; complete -C '{line}'"]
        done = subprocess.run(
            ask, capture_output=True, text=True, check=True, cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        found = [offer.split("\t")[0] for offer in done.stdout.splitlines()]
        assert word in found, (line, found)


ASK_ZSH = """\
zmodload zsh/zpty
until_it_says() {
  local said= part=
  for i in {1..300}; do
    while zpty -r -t shell part; do said+=$part; done
    [[ $said == *$1* ]] && return
    sleep 0.1
  done
  print -r -- $said; exit 1
}
zpty shell zsh -f -i
zpty -w shell 'PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; print REA""DY'
until_it_says READY
zpty -n -w shell "$1"$'\t'
until_it_says "$2"
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
@pytest.mark.parametrize(
    ("line", "word"),
    [("latty mi", "mine.toml"), ("latty rend", "render"), ("latty discover se", "sefa")],
)
def test_zsh_completes(line: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "_latty").write_text(latty("completion", "zsh", home=tmp_path).stdout)
    (tmp_path / "mine.toml").touch()
    ask = ["zsh", "-f", "-c", ASK_ZSH, "ask", line, word]
    done = subprocess.run(ask, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
