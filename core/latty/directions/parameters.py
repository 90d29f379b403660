"""The parameters of a method, read from its source: forms and `--help` must not wait for torch.

A method's class is found through `METHOD = NAME`; its __init__ gives names, kinds and defaults, its
docstring the words. A method of another package is imported instead and looked at.
"""

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latty.directions.registries import METHODS
from latty.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `kinds` are the types it takes ("int", "float", "str", "bool", "none",
    "ints", "floats", "strs" for tuples), `choices` its words where it takes words only."""

    name: str
    kinds: tuple[str, ...]
    default: Any
    choices: tuple[str, ...] = ()
    help: str = ""


def parameters(method: str) -> tuple[Parameter, ...]:
    """In the order of its __init__. Raises Missing for an unknown method."""
    path = METHODS.source(method)
    if path is None:
        made = METHODS.load(method).METHOD
        return _read(inspect.getsource(inspect.getmodule(made) or made), made.__name__)
    return _read(path.read_text(encoding="utf-8"), None)


def _read(source: str, name: str | None) -> tuple[Parameter, ...]:
    tree = ast.parse(source)
    if name is None:
        name = next(
            node.value.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "METHOD"
            and isinstance(node.value, ast.Name)
        )
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    init = next(n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    constants = _constants(tree)
    words = _words(ast.get_docstring(node) or "")
    arguments = [*init.args.args[1:], *init.args.kwonlyargs]
    defaults = [*init.args.defaults, *init.args.kw_defaults]
    return tuple(
        _parameter(argument, default, constants, words)
        for argument, default in zip(arguments, defaults, strict=True)
    )


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Module-level names of values, for defaults and for named Literals."""
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _words(docstring: str) -> dict[str, str]:
    """name -> what it is, from lines "name    what", continued by deeper lines."""
    found: dict[str, str] = {}
    last: tuple[str, ...] = ()
    for line in inspect.cleandoc(docstring).splitlines():
        match = re.match(r"^(\w+(?:, \w+)*)  +(\S.*)$", line)
        if match:
            last = tuple(match[1].split(", "))
            found.update(dict.fromkeys(last, match[2].strip()))
        elif last and line.startswith("  ") and line.strip():
            found.update({name: f"{found[name]} {line.strip()}" for name in last})
        else:
            last = ()
    return found


def _parameter(
    argument: ast.arg,
    default: ast.expr | None,
    constants: Mapping[str, ast.expr],
    words: Mapping[str, str],
) -> Parameter:
    assert default is not None and argument.annotation is not None
    if isinstance(default, ast.Name) and default.id in constants:
        default = constants[default.id]
    kinds, choices = _kinds(argument.annotation, constants)
    value = ast.literal_eval(default)
    return Parameter(argument.arg, kinds, value, choices, words.get(argument.arg, ""))


def _kinds(
    node: ast.expr, constants: Mapping[str, ast.expr]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The types an annotation allows, and the words of a Literal."""
    if isinstance(node, ast.BinOp):  # A | B
        left, right = _kinds(node.left, constants), _kinds(node.right, constants)
        return left[0] + right[0], left[1] + right[1]
    if isinstance(node, ast.Constant) and node.value is None:
        return ("none",), ()
    if isinstance(node, ast.Name):
        if node.id in constants:
            return _kinds(constants[node.id], constants)
        return (node.id,), ()
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == "Literal":
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return ("str",), tuple(str(ast.literal_eval(item)) for item in items)
        if node.value.id == "tuple" and isinstance(node.slice, ast.Tuple):
            (inner,), _ = _kinds(node.slice.elts[0], constants)
            return (f"{inner}s",), ()
    raise TypeError(f"a parameter of type {ast.unparse(node)} cannot be asked for")


def parse(parameter: Parameter, text: str) -> Any:
    """The value that `text` gives a parameter. Raises UsageError with what fits."""
    flag = f"--{parameter.name.replace('_', '-')}"
    if "none" in parameter.kinds and text == "none":
        return None
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


_KIND_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "none": "none",
    "ints": "whole numbers with commas",
    "floats": "numbers with commas",
    "strs": "words with commas",
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
