"""What a public function may raise, and the shapes of the arrays that it takes and gives, stand in
its docstring: counted over both packages, none left out."""

import ast
import re

from source_tree import Function, check, files, public_functions, tree

ARRAYS = {"Tensor", "NDArray", "ndarray"}
RAISES = re.compile(r"\b[Rr]ais(?:es?|ing)\b")
GROUP = re.compile(r"\(([^()]*,[^()]*)\)")
AXIS = re.compile(r"[A-Z][A-Za-z0-9]?|[\d.]+|\.\.\.|[A-Z0-9a-z]+ ?[*+/-] ?[A-Z0-9a-z]+|\d[A-Z]")


def says_a_shape(text: str) -> bool:
    """Whether "(N, L, D)", "(N,)" or "scalar" stands in a docstring."""
    groups = ([axis.strip() for axis in group.split(",")] for group in GROUP.findall(text))
    return "scalar" in text.lower() or any(
        any(AXIS.fullmatch(axis) for axis in group) for group in groups
    )


def takes_arrays(function: Function) -> bool:
    """Whether an array is in the signature."""
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    hints = [arg.annotation for arg in every if arg] + [function.returns]
    words = " ".join(ast.unparse(hint) for hint in hints if hint is not None)
    return bool(ARRAYS & {*re.findall(r"\w+", words)})


def classes() -> dict[str, list[ast.ClassDef]]:
    """Every class of both packages by its name."""
    found: dict[str, list[ast.ClassDef]] = {}
    for path in files().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


CLASSES = classes()


def docstring(function: Function, owner: ast.ClassDef | None) -> str:
    """Its own, or, as `help` shows it, that of the method which it overrides."""
    own = ast.get_docstring(function)
    if own or owner is None:
        return own or ""
    for base in owner.bases:
        for parent in CLASSES.get(ast.unparse(base).split("[")[0].split(".")[-1], []):
            for node in parent.body:
                if isinstance(node, Function) and node.name == function.name and parent != owner:
                    return docstring(node, parent)
    return ""


def test_what_is_raised_is_said() -> None:
    check(
        "raises unsaid",
        (
            name
            for name, function, owner in public_functions()
            if any(isinstance(node, ast.Raise) for node in ast.walk(function))
            and not RAISES.search(docstring(function, owner))
        ),
    )


def test_arrays_have_shapes() -> None:
    check(
        "shapes unsaid",
        (
            name
            for name, function, owner in public_functions()
            if takes_arrays(function) and not says_a_shape(docstring(function, owner))
        ),
    )
