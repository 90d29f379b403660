"""The examples of `latty --help`, run in their order."""

import shlex
import shutil
from pathlib import Path

import pytest
from cli_in_process import latty

from latty import home
from latty.cli.parser import EXAMPLES, VERBS

# The studio needs a terminal, these a network, a checkpoint, processes that go on, and minutes.
LEFT_OUT = ("latty fetch ", "latty import ", "--detach", "latty discover ")


@pytest.mark.slow
def test_the_examples_do_what_they_say(tmp_path: Path) -> None:
    shutil.copy(home.presets_dir() / "hello.toml", tmp_path / "mine.toml")
    lines = [line.strip().split("   ")[0] for line in EXAMPLES.splitlines()[1:]]
    run = [
        line for line in lines
        if [*line.split(), ""][1] in VERBS and not any(word in line for word in LEFT_OUT)
    ]  # fmt: skip
    assert len(run) >= 5
    for line in run:
        done = latty(*shlex.split(line)[1:], home=tmp_path)
        assert done.returncode == 0 and done.stdout, (line, done.stderr)
    for made in ("renders/hello.gif", "again/hello.gif", "sheet.png"):
        assert (tmp_path / made).is_file(), made
