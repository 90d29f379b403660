"""The house stands on floors: a module imports its own floor and those below, never above.

Deferred imports count too: they hide a dependency, they do not remove it.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Bottom first. A module belongs to the entry with the longest matching prefix.
FLOORS = [
    ["latty.errors", "latty.report", "latty.scene", "latty.home", "latty.files", "latty.shard"],
    ["latty.plugins"],
    ["latty.checkpoints"],
    ["training"],  # the renderer and the regressor network: plain torch
    ["latty.models", "latty.attributes", "latty.latents"],
    ["latty.directions"],
    ["latty.edits"],
    ["latty.presets"],
    ["latty.render"],
    ["latty.rank"],
    ["latty.jobs"],
    [  # the programs that made the shipped files
        "training.prerender",
        "training.train",
        "training.train_regressor",
        "training.evaluate",
        "training.export",
        "training.fit_directions",
        "training.gallery",
    ],
    ["latty.cli.main", "latty.cli.verbs", "latty.config", "latty.__main__"],
    ["tui"],
    ["benchmarks"],
]
HEIGHT = {prefix: floor for floor, prefixes in enumerate(FLOORS) for prefix in prefixes}


def height(module: str) -> int:
    known = [p for p in HEIGHT if module == p or module.startswith((f"{p}.", f"{p}_"))]
    if module == "core":
        return -1  # the map and the version: it imports nothing
    assert known, f"{module} belongs to no floor: add it to FLOORS"
    return HEIGHT[max(known, key=len)]


def source_files() -> list[Path]:
    return sorted(p for d in ("core", "tui", "benchmarks") for p in (ROOT / d).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    return frozenset(module_name(path) for path in source_files())


def imported(nodes: list[ast.AST], package: str) -> set[str]:
    """Our own modules that the import statements among `nodes` name."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {package}"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            subs = whole & modules()
            found |= subs | ({node.module or ""} if subs != whole else set())
    return found & modules()


@pytest.mark.parametrize("path", source_files(), ids=lambda p: module_name(p))
def test_imports_only_floors_below(path: Path) -> None:
    name = module_name(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = {m for m in imported(list(ast.walk(tree)), name) if height(m) > height(name)}
    assert not above, f"{name} imports floors above it: {sorted(above)}"


def run_at_import(tree: ast.Module) -> list[ast.AST]:
    """Statements of a module's top level, without `if TYPE_CHECKING:` blocks."""
    nodes: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        nodes.append(node)
    return nodes


def test_no_import_cycle() -> None:
    graph = {
        module_name(path): imported(run_at_import(ast.parse(path.read_text("utf-8"))), "")
        for path in source_files()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for target in graph[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_core_never_imports_the_terminal_app() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(text))
            for name in (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not names & {"tui", "textual"}, f"{path} imports the terminal app"
