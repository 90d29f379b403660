"""A TOML of settings, read with every fault at its line."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latty.errors import Missing, OutputError, Problem
from latty.models.spec import Fault, Place, SpecError, _dotted
from latty.text import clean

LIMIT = 2**18  # bytes
MOST_PROBLEMS = 50
Places = dict[Place, tuple[int, int]]  # line and column, from 1


def load(path: Path, guide: str) -> tuple[dict[str, Any], Places]:
    """The table in a file, and where its keys stand. Raises Missing, OutputError, SpecError."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise Missing(f"there is no file {clean(str(path))}", "check the path") from None
    except (OSError, ValueError):
        raise OutputError(f"cannot read {clean(str(path))}") from None
    name = clean(path.name)
    if len(raw) > LIMIT:
        raise _refused(name, 0, 0, "it is too long", f"{LIMIT >> 10} KiB at most")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text), _places(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refused(name, line, 1, "it is not UTF-8 text", "save it as UTF-8") from None
    except RecursionError:
        raise _refused(name, 0, 0, "it nests too deep", guide) from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        what = clean(str(error).partition(" (at ")[0])
        raise _refused(name, line, column, f"not TOML: {what}", guide) from None


def refuse(path: Path, faults: Iterable[Fault], places: Places) -> None:
    """Raises SpecError with all faults in file order; returns where there are none."""
    problems = []
    for where, what, hint in faults:
        known = where
        while known and known not in places:
            known = known[:-1]
        problems.append(Problem(*places.get(known, (0, 0)), _dotted(where), what, hint))
    if problems:
        first = sorted(problems, key=lambda problem: (problem.line, problem.column))
        raise SpecError(clean(path.name), first[:MOST_PROBLEMS])


def _refused(file: str, line: int, column: int, what: str, hint: str) -> SpecError:
    return SpecError(file, [Problem(line, column, "", what, hint)])


_LINE = re.compile(r"\s*(?:(\[\[?)\s*([\w.-]+)|([\w-]+|\"[^\"]*\")\s*=|(?=\{))")
_BRACES = re.compile(r"\{[^{}]*\}?")
_INSIDE = re.compile(r"[{,]\s*([\w-]+)\s*=")


def _places(text: str) -> Places:
    """Where keys stand, in files as people write them: tables, arrays of tables in both spellings
    ([[layers]], or one inline table per line), values on the line of their key."""
    found: Places = {}
    counts: dict[str, int] = {}  # entries of each array so far
    table: Place = ()
    array = ""  # the last key of the whole file's own: inline tables belong to it
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if match is None:
            continue
        column = len(line) - len(line.lstrip()) + 1
        if match[1]:
            table = (match[2],)
            found.setdefault(table, (number, column))
            if match[1] == "[[":
                table = (match[2], counts.get(match[2], 0))
                counts[match[2]] = counts.get(match[2], 0) + 1
                found.setdefault(table, (number, column))
            continue
        if match[3]:
            key: Place = (*table, match[3].strip('"'))
            found.setdefault(key, (number, column))
            array = match[3] if not table else ""
        for braces in _BRACES.finditer(line, match.end()) if array else ():
            where: Place = (array, counts.get(array, 0))
            counts[array] = counts.get(array, 0) + 1
            found.setdefault(where, (number, braces.start() + 1))
            for inner in _INSIDE.finditer(braces[0]):
                found.setdefault((*where, inner[1]), (number, braces.start() + inner.start(1) + 1))
    return found
