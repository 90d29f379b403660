"""What the studio imports until its first paint: nothing that takes seconds, and never torch."""

import ast
import sys
from pathlib import Path

import pytest
from cli_process import environment
from places import FAKES, ROOT
from terminal_fake import PLAIN, running

SCRIPT = [
    sys.executable,
    str(FAKES / "studio.py"),
    "modules",
]
SLOW = ("torch", "numpy", "PIL", "sklearn", "scipy", "av", "tomlkit", "safetensors")


OURS = 215  # modules of ours that the first paint may take: half a millisecond each


@pytest.fixture(scope="module")
def first_paint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a studio in a terminal, after its first paint."""
    folder = tmp_path_factory.mktemp("studio")
    environ = environment(folder, TERM="xterm-256color")
    told = folder / "home" / "state" / "cycles.txt"
    with running(SCRIPT, environ, kind=PLAIN, folder=folder) as terminal:
        terminal.wait(lambda: told.is_file() and told.stat().st_size, "the first paint")
        terminal.wait_for("▀")
    return told.parent


@pytest.fixture(scope="module")
def modules(first_paint: Path) -> set[str]:
    """What was imported till then."""
    return set((first_paint / "modules.txt").read_text().split())


@pytest.mark.parametrize("name", SLOW)
def test_the_first_paint_needs_no(name: str, modules: set[str]) -> None:
    found = {module for module in modules if module == name or module.startswith(f"{name}.")}
    assert not found


def test_the_first_paint_needs_little_of_ours(modules: set[str]) -> None:
    ours = [name for name in modules if name.partition(".")[0] in ("latty", "latty_tui")]
    assert len(ours) <= OURS, sorted(ours)


def test_garbage_is_looked_for_from_the_first_paint_on(first_paint: Path) -> None:
    """And not while all that is made stays."""
    assert (first_paint / "cycles.txt").read_text() == "0 True"


def test_the_first_paint_is_a_studio(modules: set[str]) -> None:
    assert {
        "textual.app",
        "latty_tui.app",
        "latty_tui.panels.picture",
        "latty_tui.drawing.engine",
    } <= modules


def test_nothing_of_the_app_names_torch() -> None:
    """Not even in a function: torch lives in the engine."""
    for path in (ROOT / "tui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong = [name for name in names if name.split(".")[0] == "torch"]
            assert not wrong, f"{path.name} imports {wrong}"
