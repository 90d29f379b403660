"""A folder is a registry: every file or folder in it is an entry, and its name is the entry's name.

Other distributions add entries through the entry-point group named like the registry's package,
for example `latty.render.writers`. Nothing is imported until it is asked for by name. What is wrong
with an outside entry is told once, in one line, and the entry is left out.
"""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from latty.errors import LattyError, Missing, did_you_mean

if TYPE_CHECKING:  # importing it costs a third of what `latty --help` may take
    from importlib.metadata import EntryPoint

TOP_LEVEL = re.compile(r"^[^\s)\]}]", re.MULTILINE)  # where a statement may begin
_NONE = object()  # what an entry does not assign
T = TypeVar("T")
R = TypeVar("R")
registries: list["Registry[Any]"] = []  # all that were made so far
faults: dict[str, str] = {}  # "GROUP NAME" of an outside entry -> what is wrong with it


def _to_stderr(line: str) -> None:
    print(f"latty: {line}", file=sys.stderr)


def _to_nobody(line: str) -> None:
    pass


tell: Callable[[str], None] = _to_stderr  # hears of a fault; command line and studio set it
tell_more: Callable[[str], None] = _to_nobody  # hears what is only worth a word under -v


class Registry(Generic[T]):
    """The entries of one kind.

    package    the folder, as a dotted name; also the entry-point group of outside entries
    attribute  the name in the entry's module that is the entry, such as METHOD; "" = the module
    needs      what an entry must have; T, the Protocol it satisfies, says what each is
    words      names are spelled as on a command line: train_scorer.py is train-scorer,
               import_.py is import
    """

    def __init__(
        self, package: str, attribute: str = "", needs: tuple[str, ...] = (), words: bool = False
    ) -> None:
        self.package, self.attribute, self.needs, self.words = package, attribute, needs, words
        kind = package.rpartition(".")[2]
        self.what = f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
        registries.append(self)

    @cached_property
    def _folder(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"{self.package} is no package")
        return Path(next(iter(spec.submodule_search_locations)))

    @cached_property
    def _inside(self) -> dict[str, Path]:
        files = {path.stem: path for path in self._folder.glob("*.py") if path.stem != "__init__"}
        folders = {path.parent.name: path for path in self._folder.glob("*/__init__.py")}
        found: dict[str, Path] = files | folders
        if self.words:
            return {stem.rstrip("_").replace("_", "-"): path for stem, path in found.items()}
        return found

    @cached_property
    def _outside(self) -> "dict[str, EntryPoint]":
        found: dict[str, EntryPoint] = {}
        if not _may_have(self.package):
            return found
        from importlib.metadata import entry_points

        for point in entry_points(group=self.package):
            if point.name in self._inside:
                self._fault(point, f"there is a {self.what} of that name in latty")
            elif point.name in found:
                self._fault(point, f"{_owner(found[point.name])} has one of that name")
            else:
                found[point.name] = point
        return found

    def names(self) -> list[str]:
        """Every entry, sorted, without importing any of them."""
        return sorted({*self._inside, *self._outside})

    def __contains__(self, name: str) -> bool:
        """Whether there is such an entry; ours are found without a look at other distributions."""
        return name in self._inside or name in self._outside

    def load(self, name: str) -> T:
        """Entry `name`, imported. Raises Missing, with the nearest name, where there is none, and
        where an outside entry cannot be used."""
        if name in self._inside:
            path = self._inside[name]
            stem = path.parent.name if path.stem == "__init__" else path.stem
            module = import_module(f"{self.package}.{stem}")
            return cast(T, getattr(module, self.attribute) if self.attribute else module)
        if name in self._outside:
            return self._loaded(name)
        raise Missing(f"no {self.what} '{name}'", did_you_mean(name, self.names()))

    def loaded(self) -> Iterator[tuple[str, T]]:
        """Name and entry of all that can be used, sorted by name."""
        for name in self.names():
            if name in self._inside:
                yield name, self.load(name)
                continue
            try:
                yield name, self._loaded(name)
            except Missing:
                continue  # told already

    def check_outside(self) -> None:
        """Load every entry of other packages, so that `faults` names those that cannot be used."""
        for name in self._outside:
            with suppress(Missing):
                self._loaded(name)

    def spelled(self, word: str) -> str:
        """The entry that a word means: one of that name, or one that says in its literal ALSO that
        other programs call it so. A word of none is returned as it is."""
        if word in self:
            return word
        called = (name for name in self.names() if word in self.constant(name, "ALSO", ()))
        return next(called, word)

    def source(self, name: str) -> Path | None:
        """The file an entry is written in, found without importing it; None if there is none."""
        if name in self._inside:
            return self._inside[name]
        if name not in self._outside:
            return None
        return _source_of(self._outside[name].module)

    def constant(self, name: str, word: str, default: Any = None) -> Any:
        """A literal that entry `name` assigns to `word`, read from its source: importing a family
        or a method costs seconds of torch, and `latty inspect` must not wait for it. Without one,
        and of an outside entry whose source is no Python, which is told, the default."""
        if name in self._inside:
            return _constant(self._inside[name], word, default)
        found: dict[str, Any] = self._read(name, constants, {})
        return found.get(word, default)

    def summary(self, name: str) -> str:
        """First line of an entry's docstring, read from its source."""
        said = self._read(name, _docstring, "").split("\n", 1)[0]
        return said or (f"from {_owner(self._outside[name])}" if name in self._outside else "")

    def owner(self, name: str) -> str:
        """The distribution that brought an entry, "" for ours."""
        return "" if name in self._inside else _owner(self._outside[name])

    def refused(self, name: str, why: str) -> Missing:
        """Tells, once, why an outside entry is left out; the error for whoever asks for it."""
        return self._fault(self._outside[name], why)

    def _read(self, name: str, reader: Callable[[Path], R], nothing: R) -> R:
        """What a reader finds in the source of an entry."""
        if (path := self.source(name)) is None:
            return nothing
        try:
            return reader(path)
        except (OSError, SyntaxError, ValueError) as error:  # ValueError: no UTF-8, or a null byte
            if name in self._inside:
                raise
            self.refused(name, f"{type(error).__name__}: {error}")
            return nothing

    def _loaded(self, name: str) -> T:
        point = self._outside[name]
        try:
            module = point.load()
        except LattyError as error:
            raise self._fault(point, str(error)) from error
        except Exception as error:
            raise self._fault(point, f"{type(error).__name__}: {error}") from error
        entry = getattr(module, self.attribute, None) if self.attribute else module
        needs = self.needs if entry is not None else (self.attribute,)
        lacks = [word for word in needs if not hasattr(entry, word)]
        if lacks:
            raise self._fault(point, f"it lacks {', '.join(lacks)}")
        return cast(T, entry)

    def _fault(self, point: "EntryPoint", why: str) -> Missing:
        line = " ".join(f"{self.what} '{point.name}' of {_owner(point)} is left out: {why}".split())
        key = f"{self.package} {point.name} {_owner(point)}"
        if key not in faults:
            faults[key] = line
            tell(line)
        return Missing(line, f"mend or remove it: pip uninstall {_owner(point)}")


def every_registry() -> list[Registry[Any]]:
    """Those of all modules: each that makes one, which its source tells, is imported for it."""
    for top in {registry.package.partition(".")[0] for registry in registries}:
        spec = find_spec(top)
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            for path in Path(place).rglob("*.py"):
                if "= Registry" in path.read_text(encoding="utf-8"):
                    parts = path.relative_to(place).with_suffix("").parts
                    import_module(".".join((top, *parts)).removesuffix(".__init__"))
    return registries


def _owner(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else point.value


def _may_have(group: str) -> bool:
    """Whether a distribution may have entries of a group: only then is importlib.metadata worth
    its import, a fifth of the time of `latty --help`; most machines have no entry of anybody else.
    Into archives on the path only importlib.metadata looks."""
    return group in _entry_point_files() or any(map(os.path.isfile, sys.path))


@cache
def _entry_point_files() -> str:
    """Every entry_points.txt that is installed, in one text; one that cannot be read is passed
    over, as importlib.metadata does."""
    texts = []
    for folder in dict.fromkeys(sys.path):
        for kind in ("dist-info", "egg-info"):
            for file in Path(folder or ".").glob(f"*.{kind}/entry_points.txt"):
                with suppress(OSError):
                    texts.append(file.read_text("utf-8", "replace"))
    return "\n".join(texts)


@cache
def _source_of(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except Exception:  # whatever the __init__ of its package raises; `load` tells it
        return None
    path = Path(spec.origin) if spec is not None and spec.origin else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _docstring(path: Path) -> str:
    text = _text_of(path)
    if text.startswith('"""'):
        return text.split('"""', 2)[1].strip()
    return (ast.get_docstring(ast.parse(text)) or "").strip()


def _constant(path: Path, word: str, default: Any) -> Any:
    """The literal that one of our own entries assigns to a word, which nobody may change."""
    found = _literal(path, word)
    return default if found is _NONE else found


@cache
def _literal(path: Path, word: str) -> Any:
    """The same, or _NONE: `constants` of that statement alone, as all that is in a file takes ten
    times as long to parse."""
    text = _text_of(path)
    for found in reversed([*re.finditer(rf"^{word}\b[^=\n]*=", text, re.MULTILINE)]):
        ends = [line.start() for line in TOP_LEVEL.finditer(text, found.end())]
        for end in [*ends, len(text)]:
            try:
                return _literals(ast.parse(text[found.start() : end])).get(word, _NONE)
            except SyntaxError:  # it goes on
                continue
    return _NONE


@cache
def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def constants(path: Path) -> dict[str, Any]:
    """Every literal that a source assigns to a name. Raises OSError, SyntaxError, ValueError."""
    return _literals(ast.parse(_text_of(path)))


def _literals(module: ast.Module) -> dict[str, Any]:
    found = {}
    for node in module.body:
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    continue
    return found
