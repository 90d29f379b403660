"""What the studio imports until its first paint: nothing that takes seconds, and never torch."""

import ast
import sys

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


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Of a studio in a terminal, at its first paint."""
    folder = tmp_path_factory.mktemp("studio")
    environ = environment(folder, TERM="xterm-256color")
    told = folder / "home" / "state" / "modules.txt"
    with running(SCRIPT, environ, kind=PLAIN, folder=folder) as terminal:
        terminal.wait(lambda: told.is_file() and told.stat().st_size, "the first paint")
        terminal.wait_for("▀")
    return set(told.read_text().split())


@pytest.mark.parametrize("name", SLOW)
def test_the_first_paint_needs_no(name: str, modules: set[str]) -> None:
    found = {module for module in modules if module == name or module.startswith(f"{name}.")}
    assert not found


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
