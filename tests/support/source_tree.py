"""The source of both packages as syntax trees: who imports whom, what is public."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from places import ROOT

SOURCES = {"latty": ROOT / "core", "latty_tui": ROOT / "tui"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> dict[str, Path]:
    """Module -> its file, of both packages."""
    return {
        module_name(path, root): path
        for package, root in SOURCES.items()
        for path in sorted((root / package).rglob("*.py"))
    }


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_package(module: str) -> bool:
    return files()[module].name == "__init__.py"


def package_of(module: str) -> str:
    """The folder that a module lies in; a package's own for its __init__."""
    return module if is_package(module) else module.rpartition(".")[0]


@cache
def imports(module: str) -> frozenset[str]:
    """Our own modules that a module imports anywhere in it: deferred and type-only ones count."""
    found: set[str] = set()
    for node in ast.walk(tree(files()[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & files().keys()
            if names - files().keys():
                found.add(node.module or "")
    return frozenset((found & files().keys()) - {module})


def cycles() -> list[list[str]]:
    """Groups of modules that import each other (strongly connected components, Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in sorted(imports(module)):
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            place = stack.index(module)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1:
                found.append(sorted(group))

    for module in files():
        if module not in index:
            visit(module)
    return found


def public_functions() -> Iterator[tuple[str, Function, ast.ClassDef | None]]:
    """MODULE:NAME, the function and its class, of all that other modules may call."""
    for module, path in files().items():
        if any(part.startswith("_") and part != "__main__" for part in module.split(".")):
            continue
        for node in tree(path).body:
            if isinstance(node, Function) and not node.name.startswith("_"):
                yield f"{module}:{node.name}", node, None
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                for inner in node.body:
                    if isinstance(inner, Function) and not inner.name.startswith("_"):
                        yield f"{module}:{node.name}.{inner.name}", inner, node


def check(rule: str, offenders: Iterable[str]) -> None:
    """Fails with the list of offenders."""
    found = sorted(offenders)
    assert not found, f"{rule}: {len(found)}\n  " + "\n  ".join(found)
