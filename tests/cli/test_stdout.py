"""Results that nobody is given: a full disk, a closed stdout, a pipe without a reader."""

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from cli_words import WORDS
from forked import forked

from latty.cli.main import main
from latty.cli.parser import VERBS

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def full() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def closed() -> None:
    os.close(1)
    sys.stdout = None  # type: ignore[assignment]  # as Python begins then


def pipe() -> None:
    readable, writable = os.pipe()
    os.close(readable)
    os.dup2(writable, 1)


WAYS: dict[Callable[[], None], int] = {full: 74, closed: 74, pipe: 141}


def run(words: list[str], place: Path, way: Callable[[], None], buffered: bool) -> tuple[int, str]:
    """Its exit code and its stderr, in a home of its own."""
    place.mkdir()

    def work() -> int:
        os.environ["LATTY_HOME"] = str(place / "home")
        os.chdir(place)
        with (place / "stderr").open("w", buffering=1) as sys.stderr:
            way()
            if sys.stdout is not None:
                raw = open(1, "wb", -1 if buffered else 0, closefd=False)  # noqa: SIM115
                sys.stdout = io.TextIOWrapper(raw, write_through=not buffered)
            try:
                return main(words)
            except SystemExit as end:
                return int(end.code or 0)

    return forked(work), (place / "stderr").read_text()


def to_a_file() -> None:
    os.dup2(os.open("stdout", os.O_CREAT | os.O_WRONLY), 1)


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_help_of_every_verb(way: Callable[[], None], buffered: bool, tmp_path: Path) -> None:
    lines = [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS.names())]
    whole = buffered and way is full  # else the first ones stand for all
    for number, words in enumerate(lines if whole else lines[:4]):
        code, told = run(words, tmp_path / str(number), way, buffered)
        assert (code, told.count("\n")) == (WAYS[way], way is not pipe), (words, told)


QUICK = ("completion", "list", "schema")


@pytest.mark.parametrize(
    "verb",
    [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in VERBS.names()],
)
def test_results_of_every_verb(verb: str, tmp_path: Path) -> None:
    words = [verb, *WORDS[verb]]
    usual, said = run(words, tmp_path / "usual", to_a_file, True)
    printed = (tmp_path / "usual/stdout").stat().st_size
    for way, code in WAYS.items():
        found, told = run(words, tmp_path / way.__name__, way, True)
        assert found == (code if printed else usual), (way, told)
        assert "Traceback" not in told and told.count("\n") <= said.count("\n") + 1, told


@pytest.mark.parametrize(("line", "code"), [("> /dev/full", 74), (">&-", 74), ("| true", 141)])
def test_a_process(line: str, code: int, tmp_path: Path) -> None:
    """And a file of ours never gets the number of a stdout that is closed."""
    command = " ".join([*COMMAND, "list formats", line])
    # the reader is gone before the first word
    head = "" if line != "| true" else "sleep 0.5; exec "
    shell = ["bash", "-c", f"({head}{command.removesuffix(line)}) {line}; exit ${{PIPESTATUS[0]}}"]
    done = subprocess.run(shell, env=environment(tmp_path), capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == (code == 74), done.stderr


@pytest.mark.parametrize("line", ["<&-", "0> /dev/null"])
def test_a_preset_that_a_stdin_cannot_give(line: str, tmp_path: Path) -> None:
    shell = ["sh", "-c", " ".join([*COMMAND, "check -", line])]
    done = subprocess.run(shell, env=environment(tmp_path), capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (74, 1), done.stderr
    assert "cannot read stdin" in done.stderr


STREAMS = """\
import os, subprocess, sys
from latty.process import hold_streams
hold_streams()
look = "import os, sys; open(sys.argv[1], 'w').write(str([os.fstat(n).st_rdev for n in range(3)]))"
subprocess.run([sys.executable, "-c", look, sys.argv[1]], check=True)
"""


def test_children_have_no_closed_streams_either(tmp_path: Path) -> None:
    """The first files that they open would be their stdin, stdout and stderr."""
    command = shlex.join([sys.executable, "-c", STREAMS, str(tmp_path / "told")])
    done = subprocess.run(["sh", "-c", f"{command} <&- >&- 2>&-"], check=False)
    assert done.returncode == 0
    assert (tmp_path / "told").read_text() == str(3 * [Path(os.devnull).stat().st_rdev])
