"""Every dependency is declared with its reason, used, and pinned at the version that was tested."""

import ast
import re
import sys
import tomllib
from importlib import metadata

import pytest
from places import ROOT
from source_tree import check, files, tree

TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)["project"]
RUNTIME, EXTRAS = PROJECT["dependencies"], PROJECT["optional-dependencies"]
IMPORTED_AS = {"PIL": "pillow", "sklearn": "scikit-learn"}
# what comes with it, and only the code beside it imports
WITH = {"scipy": "scikit-learn", "triton": "torch"}


def name_of(requirement: str) -> str:
    """The distribution, as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def pins() -> set[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {name_of(line) for line in lines if "==" in line}


def test_each_says_its_reason() -> None:
    lines = re.findall(r'^  "[\w-]+(?:\[\w+\])?[>=]=.*', TEXT, re.MULTILINE)
    assert len(lines) == len(RUNTIME) + sum(map(len, EXTRAS.values()))
    check("dependencies without a reason", (line for line in lines if "  # " not in line))


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    nodes = [node for path in files().values() for node in ast.walk(tree(path))]
    names = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.split(".")[0] for name in names} - {*sys.stdlib_module_names}
    used = {IMPORTED_AS.get(name, WITH.get(name, name)) for name in tops - {"latty", "latty_tui"}}
    declared = {
        name_of(one)
        for one in [
            *RUNTIME,
            *(one for name in ("hdf5", "onnx", "ray", "serve") for one in EXTRAS[name]),
        ]
    }
    check("undeclared", used - declared)
    check("unused", declared - used)


def test_the_pins_are_those_of_a_fresh_environment() -> None:
    """What pyproject.toml and what comes with it asks for on this platform, torch's own aside."""
    requirements = pytest.importorskip("packaging.requirements")
    open_ones = [*RUNTIME, *(one for extra in EXTRAS.values() for one in extra)]
    done: set[tuple[str, str]] = set()
    while open_ones:
        one = requirements.Requirement(open_ones.pop())
        if one.marker and not one.marker.evaluate():
            continue
        for extra in {"", *one.extras}:
            if (key := (name_of(one.name), extra)) in done:
                continue
            done.add(key)
            asked = metadata.distribution(one.name).requires or ()
            more = [requirements.Requirement(line) for line in asked]
            open_ones += [str(r).split(";")[0] for r in more
                          if not r.marker or r.marker.evaluate({"extra": extra})]  # fmt: skip
    needed = {name for name, _ in done if not re.match("nvidia-|cuda-", name)}
    check("not pinned", needed - pins())
    if sys.version_info[:2] == (3, 11):
        check("pinned for nobody", pins() - needed)
