"""Small functions, a docstring in every file, small weights, and nothing that runs what a file
says: the budgets of CONTRIBUTING.md. 300 lines of a file are a warning sign, not a rule."""

import ast
import re
from collections import Counter

from places import ROOT
from source_tree import Function, check, files, tree

PATHS = [*files().values()]
PATHS += [p for d in ("benchmarks", "training") for p in sorted((ROOT / d).rglob("*.py"))]
FUNCTION_LIMIT = 40

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


def body_length(function: Function) -> int:
    """Lines of a function without decorators and docstring."""
    first = function.body[0]
    has_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    doc = (first.end_lineno or 0) - first.lineno + 1 if has_doc else 0
    return (function.end_lineno or 0) - function.lineno + 1 - doc


def test_functions_are_short() -> None:
    check(
        "long functions",
        (
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {body_length(node)} lines"
            for path in PATHS
            for node in ast.walk(tree(path))
            if isinstance(node, Function) and body_length(node) > FUNCTION_LIMIT
        ),
    )


def test_every_file_says_what_it_is() -> None:
    everywhere = [*PATHS, *sorted((ROOT / "tests").rglob("*.py"))]
    silent = [path for path in everywhere if not ast.get_docstring(tree(path))]
    check("files without a docstring", (str(path.relative_to(ROOT)) for path in silent))


def test_nothing_in_the_tree_runs_what_a_file_says() -> None:
    check(
        "unsafe calls",
        (
            f"{path.relative_to(ROOT)} calls {found.group()}"
            for path in PATHS
            for pattern in UNSAFE
            if (found := re.search(pattern, path.read_text(encoding="utf-8")))
        ),
    )


def test_shipped_weights_stay_small() -> None:
    weights = sum(p.stat().st_size for p in (ROOT / "core").rglob("*.safetensors"))
    assert weights <= 4 * 2**20, f"{weights} bytes of weights in the repository"


def test_one_word_means_one_class() -> None:
    """No two public classes of one name; parts of a network are named as in each family's paper."""
    classes = [
        node
        for path in files().values()
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    layers = {"Module"}  # torch's, and what inherits from it
    while more := {c.name for c in classes if bases(c) & layers} - layers:
        layers |= more
    names = Counter(node.name for node in classes if not bases(node) & layers)
    check("classes of one name", (f"{name} x{n}" for name, n in names.items() if n > 1))


def bases(node: ast.ClassDef) -> set[str]:
    """Names of the classes that one inherits from, without their modules."""
    return {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases}
