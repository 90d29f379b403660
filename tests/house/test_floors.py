"""The house stands on floors: a module imports its own floor and those below, never above.

Deferred and type-only imports count too: they hide a dependency, they do not remove it.
"""

import ast
from collections import defaultdict

from places import ROOT
from source_tree import check, cycles, files, imports, is_package, package_of, tree

# Bottom first. A module belongs to the entry with the longest matching prefix.
FLOORS = [
    "errors budget report scene home reading pictures folders files locks process tables store"
    " shard version wire shipped text easing stops sound unpacked",
    "plugins config",
    "checkpoints",
    "models attributes latents",
    "directions",
    "edits",
    "presets",
    "render",
    "rank",
    "jobs",
    "api interactive cli __main__",
]
HEIGHT = {f"latty.{room}": floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
HEIGHT |= {"latty": len(FLOORS) - 1, "latty_tui": len(FLOORS)}  # `import latty` opens every room
FAN_OUT = 12
UNDERSCORES = 20


def height(module: str) -> int:
    """The floor of a module. Raises KeyError for one that belongs to none."""
    room = ".".join(module.split(".")[:2])
    return HEIGHT["latty_tui" if room.startswith("latty_tui") else room]


def test_every_room_has_a_floor() -> None:
    rooms = {".".join(module.split(".")[:2]) for module in files() if module.startswith("latty.")}
    check("rooms", rooms - HEIGHT.keys())


def test_modules_import_only_floors_below() -> None:
    check(
        "floors",
        (
            f"{module} imports {target}"
            for module in files()
            for target in imports(module)
            if height(target) > height(module)
        ),
    )


def test_no_import_cycle() -> None:
    check("cycles", (" <-> ".join(group) for group in cycles()))


def test_fan_out() -> None:
    counts = {module: len(imports(module)) for module in files()}
    check("fan-out", (f"{m} imports {n} of ours" for m, n in counts.items() if n > FAN_OUT))


def hidden(module: str) -> bool:
    """Whether a module's name says that it is its package's own."""
    return module.rpartition(".")[2].startswith("_") and not module.endswith("__main__")


def test_few_modules_are_private() -> None:
    found = [module for module in files() if hidden(module)]
    check("underscore modules", found[UNDERSCORES:])


def test_no_private_module_is_imported_from_another_package() -> None:
    check(
        "private modules",
        (
            f"{module} imports {target}"
            for module in files()
            for target in imports(module)
            if hidden(target) and package_of(module) != target.rpartition(".")[0]
        ),
    )


def test_no_private_name_is_imported() -> None:
    check(
        "private names",
        (
            f"{module} imports {alias.name} of {node.module}"
            for module, path in files().items()
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latty")
            for alias in node.names
            if alias.name.startswith("_")
            and not alias.name.endswith("__")
            and f"{node.module}.{alias.name}" not in files()
        ),
    )


def test_a_helper_lives_with_its_only_user() -> None:
    """A module that one other module of its room imports lies in that module's package."""
    users: defaultdict[str, set[str]] = defaultdict(set)
    for module in files():
        for target in imports(module):
            users[target].add(module)
    check(
        "lone helpers",
        (
            f"{module} has one user, {user}"
            for module, (user, *more) in users.items()
            if not more
            and not is_package(module)
            and user.split(".")[1:2] == module.split(".")[1:2]
            and not module.startswith(f"{package_of(user)}.")
        ),
    )


def test_neither_package_imports_what_stays_outside_the_wheel() -> None:
    outside = {"tests", "training", "benchmarks"}
    check("outside", (f"{m} imports {name}" for m, name in all_imports() if name in outside))


def test_the_headless_half_never_imports_the_terminal_app() -> None:
    check(
        "app",
        (
            f"{module} imports {name}"
            for module, name in all_imports()
            if module.split(".")[0] == "latty" and name in ("latty_tui", "textual")
        ),
    )


def all_imports() -> list[tuple[str, str]]:
    """(module, top-level package) of every import in both packages."""
    found = []
    for module, path in files().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                found += [(module, alias.name.split(".")[0]) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"relative import in {module}"
                found.append((module, (node.module or "").split(".")[0]))
    return found


def test_nothing_else_is_at_the_top_level() -> None:
    for root, package in (("core", "latty"), ("tui", "latty_tui")):
        assert [p.name for p in (ROOT / root).iterdir() if p.name != "__pycache__"] == [package]
