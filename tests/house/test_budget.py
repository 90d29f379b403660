"""Small files and small functions: the budgets of CONTRIBUTING.md, held by a test."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(p for d in ("core", "tui", "benchmarks") for p in (ROOT / d).rglob("*.py"))
FILE_LIMIT, NETWORK_LIMIT, FUNCTION_LIMIT = 300, 450, 40
NETWORKS = (
    "core/latty/models/",
    "core/latty/checkpoints/",
)  # a network or a reader is one thing in one file

# Calls that run or trust what a file says. Written in two parts so that this file does not match.
UNSAFE = [
    r"pickle\." + "loads?",
    "weights_only=" + "False",
    r"torch\." + "hub",
    "allow_pickle=" + "True",
    r"yaml\." + r"load\(",
    r"(?<![\w.])" + r"eval\(",
    r"(?<![\w.])" + r"exec\(",
]


def rel(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=rel)
def test_files_are_short(path: Path) -> None:
    limit = NETWORK_LIMIT if rel(path).startswith(NETWORKS) else FILE_LIMIT
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= limit, f"{rel(path)} has {lines} lines, {limit} is the limit: split it"


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without decorators and docstring."""
    first = function.body[0]
    has_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    doc = (first.end_lineno or 0) - first.lineno + 1 if has_doc else 0
    return (function.end_lineno or 0) - function.lineno + 1 - doc


@pytest.mark.parametrize("path", FILES, ids=rel)
def test_functions_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: body_length(f) for f in functions if body_length(f) > FUNCTION_LIMIT}
    assert not long, f"{rel(path)}: over {FUNCTION_LIMIT} lines: {long}"


@pytest.mark.parametrize("path", FILES, ids=rel)
def test_every_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{rel(path)}: docstring"


def test_nothing_in_the_tree_runs_what_a_file_says() -> None:
    for path in FILES:
        for pattern in UNSAFE:
            found = re.search(pattern, path.read_text(encoding="utf-8"))
            assert not found, f"{rel(path)} calls {found.group()}" if found else ""


def test_shipped_weights_stay_small() -> None:
    weights = sum(p.stat().st_size for p in (ROOT / "core").rglob("*.safetensors"))
    assert weights <= 4 * 2**20, f"{weights} bytes of weights in the repository"
