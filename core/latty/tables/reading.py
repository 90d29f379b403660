"""A TOML file becomes a TableFile: its data, and the place of every key for messages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from latty import reading
from latty.errors import (
    ConfigError,
    LattyError,
    Missing,
    OutputError,
    PresetError,
    Problem,
    SettingsError,
    UnfitFile,
)
from latty.files import cached
from latty.tables import words
from latty.tables.places import Places, TooDeep
from latty.tables.rules import Fault, Faults, Rule

MOST = 50  # problems told at once
SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.S)

Across = Callable[[Any], Iterable[Fault]]  # faults that only several keys together show


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is to people, the error that tells its problems, and its greatest length.

    hint  what helps with a text that is no TOML
    wide  latty wrote it itself: a number may lie in the wide range of its rule
    """

    noun: str = "preset"
    error: Callable[[str, Sequence[Problem]], LattyError] = PresetError
    limit: int = 2**20  # bytes
    hint: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table, what messages call its file, and where its keys stand (None = nobody knows)."""

    file: str
    data: dict[str, Any]
    places: Places | None = None
    kind: Kind = Kind()

    def problem(self, where: words.Path, what: str, hint: str = "") -> Problem:
        """A fault at a key."""
        line, column = self.places.of(where) if self.places else (0, 0)
        return Problem(line, column, words.dotted(where), what, hint)

    def faults(self, rule: Rule, about: Any = None) -> tuple[Any, list[Problem]]:
        """The value that the rule reads, and all that is wrong; the value counts without faults.

        about  what the rule must know of the whole file
        """
        faults = Faults(wide=self.kind.wide, about=about)
        value = rule.read(self.data, (), faults)
        return value, [self.problem(*fault) for fault in faults.found]

    def checked(self, rule: Rule, across: Across | None = None) -> Any:
        """The value of the data. Raises the kind's error with every fault.

        across  finds more faults in the data, which may hold anything
        """
        value, problems = self.faults(rule)
        self.refuse([*problems, *(self.problem(*f) for f in (across(self.data) if across else ()))])
        return value

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Raises the kind's error where there are problems, each told once, as where many scenes
        of a file share it; of a great many only the first."""
        if not problems:
            return
        ordered = sorted(dict.fromkeys(problems), key=lambda p: p.place)
        rest = len(ordered) - MOST
        if rest > 0:
            last = ordered[MOST - 1]  # one column on, so that the sum comes behind it
            more = f"and {rest} more problems"
            ordered[MOST:] = [Problem(last.line, last.column + 1, "", more, file=last.file)]
        raise self.kind.error(self.file, ordered)


def read(path: Path, kind: Kind, file: str = "") -> TableFile:
    """The document in a TOML file. Raises Missing, OutputError, the kind's error.

    file  what messages call it; "" = as the path is written
    """
    file = file or words.shown(str(path), words.LONGEST_FILE)
    try:
        with reading.opened(path) as opened:
            raw = opened.read(kind.limit + 1)
    except FileNotFoundError:
        raise Missing(f"there is no file {file}", "check the path") from None
    except UnfitFile as error:
        raise kind.error(file, [Problem(0, 0, "", error.strerror or "")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not possible"
        raise OutputError(f"cannot read {file}: {reason}") from None
    return parse(raw, file, kind)


@lru_cache
def _kept(kind: Kind) -> Callable[[Path], TableFile]:
    return cached(8)(lambda path: read(path, kind))


def read_again(path: Path, kind: Kind, file: str) -> TableFile:
    """The same, parsed once while the file stays as it is: a preset that stands for many reads it
    as often. Raises the same."""
    try:
        known = _kept(kind)(path)
    except LattyError:
        return read(path, kind, file)  # which names it as it was given
    return replace(known, file=file, data=deepcopy(known.data))


def read_settings(path: Path, noun: str) -> TableFile | None:
    """The same for a file of settings, None where there is none. Raises ConfigError."""
    try:
        return read(path, Kind(noun, SettingsError))
    except Missing:
        return None
    except OutputError as error:
        raise ConfigError(error.message, error.hint) from None


def parse(raw: bytes | str, file: str, kind: Kind) -> TableFile:
    """The document in a TOML text. Raises the kind's error where it is none."""
    import tomllib

    text = _text(raw, file, kind)
    try:
        places = Places(text)
        return TableFile(file, tomllib.loads(text), places, kind)
    except TooDeep as deep:
        problem = Problem(deep.line, deep.column, "", f"nests deeper than any {kind.noun}")
        raise kind.error(file, [problem]) from None
    except RecursionError:
        raise kind.error(file, [Problem(0, 0, "", f"nests deeper than any {kind.noun}")]) from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise kind.error(file, _syntax(str(error), text, places, kind)) from None


def _text(raw: bytes | str, file: str, kind: Kind) -> str:
    if len(raw) > kind.limit:
        size = f"{kind.limit >> 20} MiB" if kind.limit >= 2**20 else f"{kind.limit >> 10} KiB"
        hint = f"a {kind.noun} is a few lines of TOML"
        raise kind.error(file, [Problem(0, 0, "", f"is larger than {size}", hint)])
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8").removeprefix("\ufeff")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"byte {error.start + 1} (0x{error.object[error.start]:02x}) is not UTF-8"
        problem = Problem(line, column, "", what, "save the file as UTF-8")
        raise kind.error(file, [problem]) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _syntax(message: str, text: str, places: Places, kind: Kind) -> list[Problem]:
    """tomllib's complaint with line and column, in our words where we know more."""
    if places.twice() and message.startswith(("Cannot overwrite", "Cannot declare")):
        return [
            Problem(line, column, words.dotted(path), f"is set twice, first on line {first}")
            for path, (line, column), first in places.twice()
        ]
    if message.startswith("Exceeds the limit"):
        long = re.search(r"[\d_]{1000}", text)
        place = places.position(long.start()) if long else (0, 0)
        return [Problem(*place, "", "holds a number of thousands of digits")]
    found = SYNTAX.fullmatch(message)
    what = words.shown(found[1] if found else message)
    line, column = (int(found[2]), int(found[3])) if found and found[2] else places.end()
    hint = _looks_like(text, kind.noun) or kind.hint
    return [Problem(line, column, "", what[:1].lower() + what[1:], hint)]


def _looks_like(text: str, noun: str) -> str:
    """A hint for people who come from another format."""
    first = next((line for line in text.splitlines() if line.strip(" \t-#")), "").strip()
    if first.startswith(("{", "---")) or re.match(r"[\w-]+:(\s|$)", first):
        return f"this looks like YAML or JSON; {noun}s are TOML: key = value"
    return ""


def from_data(data: Mapping[str, Any], file: str, kind: Kind) -> TableFile:
    """A document of data that has no text of its own, such as a header's JSON."""
    return TableFile(words.shown(file, words.LONGEST_FILE), dict(data), None, kind)
