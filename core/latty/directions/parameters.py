"""The parameters of a method, read from its source: forms and `--help` must not wait for torch.

A method's class is found through `METHOD = NAME`; the fields of a dataclass, its own and inherited
ones, give names, kinds and defaults, and the comments behind them the words of the help.
"""

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.directions.importing.model_names import with_own_layer
from latty.directions.registries import METHODS
from latty.errors import BadData, UsageError, did_you_mean
from latty.scene import as_label

if TYPE_CHECKING:
    from latty.models.base import Generator

LABEL = "label"  # the parameter that is a class or mixture: numbers, or names its model knows


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `kinds` are the types it takes ("int", "float", "str", "bool", "none",
    "ints", "floats", "strs" for tuples), `choices` its words where it takes words only.

    aliases   what other programs call some of the words, and the words
    instead   words of other programs that are none here, and what to do
    """

    name: str
    kinds: tuple[str, ...]
    default: Any
    choices: tuple[str, ...] = ()
    help: str = ""
    aliases: tuple[tuple[str, str], ...] = ()
    instead: tuple[tuple[str, str], ...] = ()


def parameters(method: str) -> tuple[Parameter, ...]:
    """Those of the method's own class first, then what it inherits. Raises Missing for an unknown
    method, TypeError where its class cannot be read."""
    path = METHODS.source(method)
    if path is None:
        path = Path(inspect.getfile(METHODS.load(method).METHOD))
    module, node = _module(path).find("METHOD")
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{path}: METHOD is no class of its own")
    words = {word: METHODS.constant(method, word, {}) for word in ("ALIASES", "INSTEAD")}
    return tuple(
        replace(one, aliases=tuple(words["ALIASES"].get(one.name, {}).items()),
                instead=tuple(words["INSTEAD"].get(one.name, {}).items()))
        for one in _of_class(module, node).values()
    )  # fmt: skip


@cache
def _module(path: Path) -> "_Module":
    return _Module(path)


class _Module:
    """The names at the top of a source file: classes, values, and where others come from."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        self.path, self.lines = path, text.splitlines()
        self.names: dict[str, ast.expr | ast.ClassDef] = {}
        self.imported: dict[str, tuple[ast.ImportFrom, str]] = {}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ImportFrom):
                self.imported |= {one.asname or one.name: (node, one.name) for one in node.names}
            elif isinstance(node, ast.ClassDef):
                self.names[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.names[node.targets[0].id] = node.value

    def find(self, name: str) -> "tuple[_Module, ast.expr | ast.ClassDef | None]":
        """What a name stands for, and the module that says so; None where that is not known."""
        if name in self.imported:
            node, there = self.imported[name]
            path = self._file(node)
            return _module(path).find(there) if path else (self, None)
        found = self.names.get(name)
        return self.find(found.id) if isinstance(found, ast.Name) else (self, found)

    def _file(self, node: ast.ImportFrom) -> Path | None:
        """The source of the module that names are imported from, without importing it."""
        top, *parts = (node.module or "").split(".")
        if node.level:
            folder, parts = self.path.parents[node.level - 1], [top, *parts]
        else:
            spec = find_spec(top)
            if spec is None or not spec.submodule_search_locations:
                return None  # one file, such as typing.py: no parameters come from there
            folder = Path(next(iter(spec.submodule_search_locations)))
        start = folder.joinpath(*filter(None, parts))
        files = (start.parent / f"{start.name}.py", start / "__init__.py")
        return next((path for path in files if path.is_file()), None)

    def comment(self, node: ast.AnnAssign) -> str:
        """What stands behind a statement, and in lines of comment below it."""
        line = self.lines[(node.end_lineno or 1) - 1].encode()[node.end_col_offset :].decode()
        more = takewhile(lambda text: text.strip().startswith("#"), self.lines[node.end_lineno :])
        words = (text.strip(" #") for text in (line, *more))
        return " ".join(text for text in words if not text.startswith("type:")).strip()


def _of_class(module: _Module, node: ast.ClassDef) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and item.value and isinstance(item.target, ast.Name):
            if not ast.unparse(item.annotation).startswith("ClassVar"):
                words = module.comment(item)
                found[item.target.id] = _parameter(
                    module, item.target.id, item.annotation, item.value, words
                )
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            found |= _of_init(module, item, ast.get_docstring(node) or "")
    for base in node.bases:
        base = base.value if isinstance(base, ast.Subscript) else base
        owner, parent = module.find(base.id) if isinstance(base, ast.Name) else (module, None)
        if isinstance(parent, ast.ClassDef):
            found |= {k: v for k, v in _of_class(owner, parent).items() if k not in found}
    return found


def _of_init(module: _Module, init: ast.FunctionDef, docstring: str) -> dict[str, Parameter]:
    """Of a class with an __init__ of its own: its docstring has a line "name   what it is"."""
    words = dict(re.findall(r"^(\w+)  +(\S.*)$", docstring, re.MULTILINE))
    arguments = [*init.args.args[1:], *init.args.kwonlyargs]
    defaults = [*init.args.defaults, *init.args.kw_defaults]
    found = {}
    for argument, default in zip(arguments, defaults, strict=True):
        assert argument.annotation is not None and default is not None
        name = argument.arg
        found[name] = _parameter(module, name, argument.annotation, default, words.get(name, ""))
    return found


def _parameter(
    module: _Module, name: str, annotation: ast.expr, default: ast.expr, words: str
) -> Parameter:
    if isinstance(default, ast.Name):
        value = module.find(default.id)[1]
        default = value if isinstance(value, ast.expr) else default
    kinds, choices = _kinds(annotation, module)
    return Parameter(name, kinds, ast.literal_eval(default), choices, words)


def _kinds(node: ast.expr, module: _Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The types an annotation allows, and the words of a Literal. Raises TypeError."""
    match node:
        case ast.BinOp(left=left, right=right):  # A | B
            one, two = _kinds(left, module), _kinds(right, module)
            return one[0] + two[0], one[1] + two[1]
        case ast.Constant(value=None):
            return ("none",), ()
        case ast.Name(id=name):
            owner, found = module.find(name)
            return _kinds(found, owner) if isinstance(found, ast.expr) else ((name,), ())
        case ast.Subscript(value=ast.Name(id="Literal"), slice=words):
            items = words.elts if isinstance(words, ast.Tuple) else [words]
            return ("str",), tuple(str(ast.literal_eval(item)) for item in items)
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[ast.Subscript(), *_])):
            return ("mixture",), ()
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[inner, *_])):
            return (f"{_kinds(inner, module)[0][0]}s",), ()
    raise TypeError(f"a parameter of type {ast.unparse(node)} cannot be asked for")


def parse(parameter: Parameter, text: str) -> Any:
    """The value that `text` gives a parameter. Raises UsageError with what fits."""
    flag = f"--{parameter.name.replace('_', '-')}"
    if parameter.name == LABEL and not text.isdecimal() and text != "none":
        return text  # a class by its name, or a mixture, which only the model knows
    if "none" in parameter.kinds and text == "none":
        return None
    if text in (instead := dict(parameter.instead)):
        raise UsageError(f"{flag}: there is no '{text}'", instead[text])
    text = dict(parameter.aliases).get(text, text)
    if parameter.choices and text not in parameter.choices and parameter.kinds[:1] == ("str",):
        hint = did_you_mean(text, parameter.choices)
        raise UsageError(f"{flag}: '{text}' is none of its words", hint)
    for kind in ("bool", "int", "float", "ints", "floats", "strs", "str"):
        if kind in parameter.kinds:
            try:
                return _value(kind, text)
            except ValueError:
                continue
    takes = " or ".join(_KIND_WORDS[kind] for kind in parameter.kinds)
    raise UsageError(f"{flag}: '{text}' does not fit", f"it takes {takes}")


def resolved(params: Mapping[str, Any], generator: "Generator") -> Mapping[str, Any]:
    """Parameters in the words of this model: its layer by its own name, its class as a number, and
    a mixture as numbers with their weights. Raises BadData for what is no class or mixture of it.
    """
    from latty.models.base import HasActivations  # brings torch

    names = generator.activation_names() if isinstance(generator, HasActivations) else ()
    return _with_class(with_own_layer(params, generator.info.family, names), generator)


def _with_class(params: Mapping[str, Any], generator: "Generator") -> Mapping[str, Any]:
    from latty.models.labels import by_index, class_weights  # brings torch

    said = params.get(LABEL)
    if said is None:
        return params
    label = as_label(said)
    if label is None:
        raise BadData(f"{said!r} is no class", "an index, a name, or pairs of index and weight")
    index = by_index(label, generator)
    if index is not None:
        class_weights(index, generator)  # refuses what the model lacks
    return {**params, LABEL: index}


_KIND_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "none": "none",
    "ints": "whole numbers with commas",
    "floats": "numbers with commas",
    "strs": "words with commas",
    "mixture": "classes with weights",
}


def _value(kind: str, text: str) -> Any:
    if kind == "bool":
        if text.lower() not in ("true", "false", "yes", "no"):
            raise ValueError(text)
        return text.lower() in ("true", "yes")
    if kind == "int":
        return int(text)
    if kind == "float":
        number = float(text)
        if not abs(number) < float("inf"):
            raise ValueError(text)
        return number
    if kind in ("ints", "floats", "strs"):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return tuple(_value(kind[:-1], part) for part in parts)
    return text
