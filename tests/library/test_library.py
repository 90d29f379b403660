"""`import latty`: few names, imported when they are used; the page on Python holds what it says."""

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

import latty
from latty.errors import LattyError, UsageError

HEAVY = {"torch", "numpy", "PIL", "rich", "textual"}


def python(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_at_most_fifteen_names_each_with_a_docstring() -> None:
    assert len(latty.__all__) <= 15 and set(latty.__all__) <= set(dir(latty))
    for name in latty.__all__:
        assert getattr(latty, name).__doc__, name
    with pytest.raises(AttributeError, match="nmae"):
        latty.nmae  # noqa: B018


def test_the_import_is_light_and_the_lazy_names_are_the_typed_ones(tmp_path: Path) -> None:
    code = f"import sys, latty; assert not {HEAVY!r} & {{*sys.modules}}; latty.Scene('demo')"
    code += f"; assert not {HEAVY!r} & {{*sys.modules}}"
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    tree = ast.parse(Path(latty.__file__).read_text(encoding="utf-8"))
    typed = next(node for node in tree.body if isinstance(node, ast.If))
    names = [
        alias.name
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(names) == sorted(latty.__all__), "what a type checker sees is what there is"
    assert (Path(latty.__file__).parent / "py.typed").is_file()


@pytest.mark.slow
def test_a_type_checker_knows_the_names(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import latty\n"
        "reveal_type(latty.picture('demo'))\n"
        "reveal_type(latty.open_model('demo').info.num_layers)\n"
        "latty.Scene(model=3)\n"
    )
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'Revealed type is "latty.api.Picture"' in done.stdout, done.stdout
    assert re.search(r'Revealed type is "(builtins\.)?int"', done.stdout), done.stdout
    assert 'Argument "model" to "Scene"' in done.stdout


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S)


def run_blocks(page: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in python_blocks(page):
        exec(compile(block, page, "exec"), names)
    return names


def test_the_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks("README.md")
    assert (tmp_path / "out" / "hello.gif").is_file()


@pytest.mark.slow
def test_the_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(python_blocks("docs/python.md")) >= 6
    names = run_blocks("docs/python.md")
    assert names["gradient"].abs().sum() > 0 and len(names["mine"]) == 10
    assert {path.name for path in tmp_path.iterdir()} == {"face.png", "out", "short"}
    again = tmp_path / "again"
    subprocess.run(
        [sys.executable, "-m", "latty", "render", "face.png", "--out-dir", "again"], check=True
    )
    assert (again / "face.png").read_bytes() == (tmp_path / "face.png").read_bytes()


def test_results_show_themselves_in_a_notebook() -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    display = formatters.DisplayFormatter()
    picture = latty.picture("portraits", seed=1, size=32)
    data, _ = display.format(picture)
    assert data["image/png"].startswith(b"\x89PNG") and "portraits" in data["text/plain"]
    row = latty.strip("portraits", "portraits/smile", columns=3, size=32)
    assert display.format(row)[0]["image/png"].startswith(b"\x89PNG")
    assert row.pixels.shape[1] > 3 * 32
    table = display.format(latty.open_directions("demo"))[0]["text/html"]
    assert table.count("<tr>") == 1 + len(latty.open_directions("demo")) and "smile" in table
    ranking = latty.rank_directions("portraits", "smile", range(2), steps=3)
    assert ranking[0].direction == "smile"
    assert "<table>" in display.format(ranking)[0]["text/html"]


@pytest.mark.parametrize("scorers", ["", " , "])
def test_a_ranking_by_no_attribute_is_refused(scorers: str) -> None:
    with pytest.raises(UsageError, match="no attribute is named"):
        latty.rank_directions("portraits", scorers, range(2))


def test_a_picture_is_rendered_again(tmp_path: Path) -> None:
    saved = latty.picture("portraits", seed=4, size=32).save(tmp_path / "a.png")
    (again,) = latty.render_preset(saved, tmp_path / "again")
    assert again.name == "a.png" and again.read_bytes() == saved.read_bytes()
    seed = ["scene.seed=5"]
    (other,) = latty.render_preset(str(saved), tmp_path / "other", overrides=seed)
    assert other.read_bytes() == latty.picture("portraits", seed=5, size=32).png
    (same,) = latty.render_preset(
        latty.picture("portraits", seed=4, size=32).preset, tmp_path / "same", overrides=seed
    )
    assert same.read_bytes() == other.read_bytes()
    (tmp_path / "bare.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(LattyError, match="holds no recipe"):
        latty.render_preset(tmp_path / "bare.png", tmp_path / "x")


STOPPED = """
import latty
try:
    latty.render_preset("video", "out", overrides=["frames=4000", "outputs.0.size=256"])
except KeyboardInterrupt as stopped:
    print("stopped:", stopped)
    raise SystemExit(7)
"""


@pytest.mark.slow
def test_ctrl_c_stops_a_render_cleanly_and_the_same_call_goes_on(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", STOPPED], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    journals: list[Path] = []
    while not journals and child.poll() is None:
        time.sleep(0.05)
        journals = [path for path in tmp_path.glob("out/*/*") if path.stat().st_size > 100_000]
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate()
    assert child.returncode == 7, out
    assert "the same call goes on" in out
    assert [path for path in tmp_path.glob("out/*/*") if path.stat().st_size], "work is kept"
    assert not [path for path in tmp_path.glob("out/*") if path.suffix == ".mp4"]


@pytest.mark.slow
def test_ctrl_c_keeps_what_a_search_has_found(tmp_path: Path) -> None:
    code = (
        "import os, signal, threading, latty, latty.api\n"
        "from latty.directions import base\n"
        "threading.Timer(4.0, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "found = latty.discover('ganspace', 'demo', 'part', samples=50_000_000, layer='w')\n"
        "print(len(found), found.header.complete)\n"
    )
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environ,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "False" and int(done.stdout.split()[0]) > 0


def test_bars_are_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    code = (
        "from latty.interactive import working\n"
        "with working('film') as report:\n    report(3, 4, 'frames')\n"
    )
    assert python(code, tmp_path).stderr == ""
    pty = pytest.importorskip("pty")
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", code])
    said = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        said += part
        if not part:
            break
    os.waitpid(pid, 0)
    assert b"film: frames" in said and b"3/4" in said
