"""What docs/pipelines.md says of make, cron and CI, done as it stands there."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from cli_process import environment
from places import LIMIT, ROOT

from latty.cli.progress import KINDS, WORDS
from latty.cli.verbs import clean
from latty.errors import GRAVITY, worst
from latty.report import WAYS

PAGE = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
PRESET = """schema = 1
frames = 2
[scene]
model = "demo"
seed = 1
[[outputs]]
path = "{name}.gif"
size = 32
"""


def block(title: str) -> str:
    """The first block of code below a heading."""
    found = re.search(rf"^## {title}\n.*?^```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def first_cells(title: str) -> list[list[str]]:
    """The first column of each table below a heading: what stands in it as code, or plainly."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert section is not None
    tables = re.findall(r"^\| ---.*?\n((?:\|.*\n)+)", section[1], re.MULTILINE)
    return [[row.split("|")[1].strip(" `") for row in one.splitlines()] for one in tables]


def test_the_tables_say_what_there_is() -> None:
    ways, events = first_cells("Progress and logs")
    assert (ways, events) == ([*WAYS], [*KINDS, *WORDS])
    (codes,) = first_cells("Exit codes")
    ranks = [worst([int(code), int(next_one)]) for code, next_one in pairwise(codes)]
    assert ranks == [*map(int, codes[1:])]
    assert {0, *map(int, codes)} == {*GRAVITY}
    (kinds,) = first_cells("Cleaning up")
    assert kinds == [*clean.KINDS]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two presets, and `latty` on the path."""
    (tmp_path / "films").mkdir()
    for name in ("a", "b"):
        (tmp_path / "films" / f"{name}.toml").write_text(PRESET.format(name=name))
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/latty"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m latty_tui "$@"\n')
    script.chmod(0o755)
    return tmp_path


def done(words: list[str], home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    known = environment(home)
    known["PATH"] = f"{home / 'bin'}{os.pathsep}{known['PATH']}"
    return subprocess.run(words, cwd=folder, env=known, capture_output=True, text=True,
                          timeout=LIMIT, check=False)  # fmt: skip


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.slow
def test_make(place: Path) -> None:
    films = place / "films"
    (films / "Makefile").write_text("all: a.gif b.gif\n" + block("make"))
    for _ in range(2):
        made = done(["make"], place, films)
        assert made.returncode == 0, made.stderr
    assert "Nothing to be done" in made.stdout
    before = (films / "a.gif").read_bytes()
    (films / "a.toml").touch()
    again = done(["make"], place, films)
    assert again.returncode == 0 and "a.gif is up to date" in again.stderr
    assert "b.gif" not in again.stderr and (films / "a.gif").read_bytes() == before
    assert "Nothing to be done" in done(["make"], place, films).stdout


@pytest.mark.slow
def test_cron(place: Path) -> None:
    (place / "nightly").write_text(block("cron"))
    for _ in range(2):
        ran = done(["sh", "nightly"], place, place)
        assert ran.returncode == 0, ran.stderr
    assert {path.name for path in (place / "out").iterdir()} == {"a.gif", "b.gif"}
    assert ran.stdout == ran.stderr == ""


@pytest.mark.slow
def test_ci(place: Path) -> None:
    assert done(["latty", "pin", "films/a.toml", "films/b.toml"], place, place).returncode == 0
    (place / "ci").write_text(block("CI"))
    for expected in (["bytes", "path", "preset"], ["path", "preset", "up_to_date"]):
        ran = done(["sh", "-e", "ci"], place, place)
        assert ran.returncode == 0, ran.stderr
        rows = [json.loads(line) for line in (place / "results.json").read_text().splitlines()]
        assert [sorted(row) for row in rows] == [expected] * 2


@pytest.mark.slow
def test_the_events_of_a_list(place: Path) -> None:
    line = block("Progress and logs").strip()
    made = done(["sh", "-c", line], place, place)
    assert made.returncode == 0, made.stderr
    told = [json.loads(line) for line in (place / "events.jsonl").read_text().splitlines()]
    shown = re.search(r"^```json\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None and all(one.keys() == json.loads(shown[1]).keys() for one in told)
    ends = [(one["preset"], one["event"]) for one in told if one["event"] in ("start", "done")]
    assert ends == [("a", "start"), ("a", "done"), ("b", "start"), ("b", "done")]
