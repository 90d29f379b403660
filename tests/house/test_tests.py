"""What tests may use: helpers of tests/support, and public names of both packages."""

import ast
from collections.abc import Iterator
from pathlib import Path

from places import ROOT
from source_tree import check, tree

PATHS = sorted((ROOT / "tests").rglob("*.py"))


def private_names(path: Path) -> Iterator[str]:
    """Names beginning with "_" of our packages that a file imports, reads or replaces."""
    ours: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latty"):
            ours |= {alias.asname or alias.name for alias in node.names}
            yield from (alias.name for alias in node.names if hidden(alias.name))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ours and hidden(node.attr):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr"):
            words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            place = ast.unparse(node.args[0])
            known = place in ours or place.startswith(("'latty", '"latty'))
            yield from (f"setattr {w}" for w in words
                        if known and isinstance(w, str) and hidden(w.split(".")[-1]))  # fmt: skip


def hidden(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def test_no_private_name_is_tested() -> None:
    check(
        "private names in tests",
        (f"{path.relative_to(ROOT)}: {name}" for path in PATHS for name in private_names(path)),
    )


def test_no_test_imports_another_test() -> None:
    check(
        "tests that import tests",
        (
            f"{path.relative_to(ROOT)} imports {node.module}"
            for path in PATHS
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("test_")
        ),
    )
