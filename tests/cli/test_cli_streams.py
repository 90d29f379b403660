"""Presets that come through a pipe: <(...), /dev/stdin, a named pipe that somebody writes into."""

import os
import subprocess
from pathlib import Path

import pytest
from cli_process import COMMAND, environment

PRESET = """schema = 1
[scene]
model = "portraits"
size = 16
[[outputs]]
path = "x.png"
"""


def shell(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A line of bash, `latty` in it."""
    (home / "x.toml").write_text(PRESET)
    latty = f'latty() {{ {" ".join(COMMAND)} "$@"; }}\n'
    return subprocess.run(["bash", "-c", latty + line], cwd=home, env=environment(home), text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "latty check <(cat x.toml)",
        "cat x.toml | latty check /dev/stdin",
        "latty check /dev/stdin < x.toml",
        "cat x.toml | latty check -",
        "latty check /dev/fd/7 7< <(cat x.toml)",
        "mkfifo p; cat x.toml > p & latty check p",
        "latty render --dry-run <(cat x.toml)",
    ],
)
def test_a_pipe_that_was_typed_is_read(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.endswith(": ok\n") or "renders/x.png" in done.stdout


REFUSED = {
    "mkfifo p; latty check p": (65, "p is a named pipe, and nobody writes into it"),
    "latty check <(head -c 3000000 /dev/zero)": (65, "is larger than 1 MiB"),
    "latty check /dev/zero": (65, "is a device, no file"),
    "latty check <(echo 'x = [')": (65, ":2:1: "),
    "latty render --detach <(cat x.toml)": (2, "a job cannot read stdin or a pipe"),
    "mkfifo p; echo 'extends = \"p\"' > y.toml; latty check y.toml": (65, "named pipe"),
}


@pytest.mark.parametrize(("line", "said"), REFUSED.items())
def test_what_no_pipe_can_be(line: str, said: tuple[int, str], tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    code, words = said
    assert words in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code


def test_a_slow_writer_is_waited_for_and_that_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    done = shell("{ sleep 2; cat x.toml; } > p & latty check p", tmp_path)
    assert done.returncode == 0 and "p: waiting for who writes into this pipe" in done.stderr
