"""The program of `make bench`: what stands above its tables, and what one failure leaves."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

ROW = "def run(quick):\n    return [('a sum', 'by hand', 2.5, f'quick: {quick}')]\n"
BROKEN = "def run(quick):\n    yield 'a row', 'none', 1.0, ''\n    raise OSError('no such peer')\n"


def _run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The program with two benchmarks of its own, of which the first one breaks."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("__init__.py", "__main__.py", "_setting.py"):
        shutil.copy(ROOT / "benchmarks" / name, folder)
    (folder / "bench_broken.py").write_text(BROKEN)
    (folder / "bench_sum.py").write_text(ROW)
    return tmp_path


def test_tables_say_what_they_were_measured_on_and_one_failure_leaves_the_others(
    home: Path,
) -> None:
    done = _run(home, "--quick")
    assert done.returncode == 1
    machine, commit, peers = done.stdout.splitlines()[:3]
    assert re.fullmatch(r"- Machine: .+, \d+ cores \(.+\), \d+ GiB, \w+", machine)
    assert re.fullmatch(r"- Commit: .+; begun \d{4}-\d\d-\d\d \d\d:\d\d UTC, load .+", commit)
    assert re.match(r"- With: Python \d.*, torch \d", peers)
    assert "| a row | none | 1.00x |  |\n" in done.stdout
    assert "### sum, " in done.stdout and "| a sum | by hand | 2.50x | quick: True |" in done.stdout
    assert done.stderr == "broken: OSError: no such peer\nwithout figures: broken\n"


def test_named_benchmarks_alone_and_a_name_that_is_none(home: Path) -> None:
    done = _run(home, "sum")
    assert done.returncode == 0 and "broken" not in done.stdout + done.stderr
    assert "quick: False" in done.stdout
    done = _run(home, "sun")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("no benchmark 'sun', did you mean") and "sum" in done.stderr
