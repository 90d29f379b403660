"""A folder is a registry: a file without a leading underscore is an entry, its name is its name.

Packages outside latty add entries through the entry-point group named like the folder, for
example `core.models`. Nothing is imported until it is asked for by name.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import Missing, did_you_mean

if TYPE_CHECKING:  # importing it costs a third of what `latty --help` may take
    from importlib.metadata import EntryPoint


@cache
def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is no package")
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def _inside(package: str) -> frozenset[str]:
    files = _folder(package).glob("*.py")
    return frozenset(path.stem for path in files if not path.stem.startswith("_"))


@cache
def _outside(package: str) -> "dict[str, EntryPoint]":
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=package)}


def names(package: str) -> list[str]:
    """The entries of a registry folder, sorted, without importing any of them."""
    return sorted(_inside(package) | set(_outside(package)))


def has(package: str, name: str) -> bool:
    """Whether there is such an entry; our own are found without a look at other packages."""
    return name in _inside(package) or name in _outside(package)


def module(package: str, name: str) -> Any:
    """Entry `name`, imported; raises Missing, with the nearest name, where there is none."""
    if name in _inside(package):
        return import_module(f"{package}.{name}")
    if name in _outside(package):
        return _outside(package)[name].load()
    what = package.rpartition(".")[2].removesuffix("s")
    raise Missing(f"no {what} '{name}'", did_you_mean(name, names(package)))


def load(package: str, name: str, attribute: str) -> Any:
    """`attribute` of entry `name`; raises Missing where there is no such entry."""
    return getattr(module(package, name), attribute)


def summary(package: str, name: str) -> str:
    """First line of an entry's docstring, read from its source: importing may cost seconds."""
    if name not in _inside(package):
        return f"from {_outside(package)[name].value}"
    text = (_folder(package) / f"{name}.py").read_text(encoding="utf-8")
    return text.split('"""', 2)[1].strip().split("\n", 1)[0] if text.startswith('"""') else ""
