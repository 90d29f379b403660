"""From bytes to a Preset: encoding, TOML, overrides, validation; every fault with its place."""

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty import home
from latty.errors import BadData, Missing, OutputError, PresetError, Problem, did_you_mean
from latty.presets import overrides as sets
from latty.presets import words
from latty.presets.migrations import migrate
from latty.scene import MODES
from latty.tables.places import Places, TooDeep

Table = dict[str, Any]  # a whole preset, validated

LIMIT = 2**20  # bytes; a preset is some hundred
MOST = 50  # problems told at once
SHARE = "means nothing for a seed: its strength is a share of the way"
OTHER_FORMATS = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}


@dataclass(frozen=True, slots=True)
class Source:
    """A preset as it was written: what messages call it, its file, its data, its places."""

    file: str
    path: Path | None
    data: dict[str, Any]
    places: Places | None = None
    overrides: tuple[sets.Override, ...] = ()

    def problem(self, path: words.Path, what: str, hint: str = "") -> Problem:
        """A fault at a key; where the value came from --set, that is named instead of a line."""
        key = words.dotted(path)
        for override in reversed(self.overrides):
            if override.covers(path):
                return Problem(0, 0, f"--set {words.shown(override.text)}", f"{key}: {what}", hint)
        line, column = self.places.of(path) if self.places else (0, 0)
        return Problem(line, column, key, what, hint)


def shipped() -> dict[str, Path]:
    """Name -> file of the presets that come with latty."""
    return {path.stem: path for path in sorted(home.presets_dir().glob("*.toml"))}


def load(source: str | Path, overrides: Sequence[str] = ()) -> Source:
    """A file, the name of a shipped preset or "-" (stdin), as data in today's layout, not yet
    validated. Raises Missing, OutputError, UsageError, PresetError."""
    path = None if source == "-" else _file(source)
    file = words.shown(str(source), words.LONGEST_FILE) if path else "stdin"
    raw = _bytes(path, file) if path else sys.stdin.buffer.read(LIMIT + 1)
    text = _text(raw, file)
    data, places = _parsed(text, file)
    return _prepared(Source(file, path, data, places), overrides)


def from_data(data: Mapping[str, Any], file: str) -> Source:
    """The same for data that is not in a file of its own: a recipe inside a picture."""
    return _prepared(Source(words.shown(file, words.LONGEST_FILE), None, dict(data)), ())


def examine(source: Source) -> tuple[Table | None, list[Problem]]:
    """The validated table, or None; and every fault."""
    from pydantic_core import ValidationError  # costs start-up time: only reading pays it

    from latty.presets.shape import validated

    problems = [source.problem(*fault) for fault in _across(source.data)]
    try:
        return validated(source.data), problems
    except ValidationError as error:
        return None, problems + _faults(error, source)


def accepted(source: Source, more: Iterable[Problem] = ()) -> Table:
    """The validated table. Raises PresetError with every fault, `more` among them."""
    table, problems = examine(source)
    refuse(source, [*problems, *more])
    assert table is not None  # no table without a problem
    return table


def refuse(source: Source, problems: Sequence[Problem]) -> None:
    """Raise PresetError where there are problems; of a great many only the first."""
    if not problems:
        return
    ordered = sorted(problems, key=lambda p: (p.line, p.column, p.key))
    rest = len(ordered) - MOST
    if rest > 0:
        last = ordered[MOST - 1]  # one column on, so that the sum comes behind it
        ordered[MOST:] = [Problem(last.line, last.column + 1, "", f"and {rest} more problems")]
    raise PresetError(source.file, ordered)


def _prepared(source: Source, overrides: Sequence[str]) -> Source:
    try:
        data = migrate(source.data)
    except BadData as error:
        where = source.problem(("schema",), error.message, error.hint)
        raise PresetError(source.file, [where]) from None
    parsed = tuple(sets.parse(text) for text in overrides)
    for override in parsed:
        sets.apply(data, override)
    return Source(source.file, source.path, data, source.places, parsed)


def _faults(error: Any, source: Source) -> list[Problem]:
    """pydantic's errors as ours."""
    from latty.presets.shape import TAG, keys_at

    problems = []
    for number, fault in enumerate(error.errors(include_url=False)):
        where = fault["loc"]
        known = keys_at(where[:-1]) if number < 20 * MOST else []  # nobody will see those
        what, hint = words.told(fault, known)
        path = tuple(p for p in where if not (isinstance(p, str) and p.startswith(TAG)))
        problems.append(source.problem(path, what, hint))
    return problems


def _across(data: Mapping[str, Any]) -> Iterator[tuple[words.Path, str]]:
    """Faults that only two keys together show; `data` may be anything."""
    yield from _edits_across(data.get("scene"))
    seen: dict[str, int] = {}
    outputs = data.get("outputs")
    for index, output in enumerate(outputs if isinstance(outputs, list) else []):
        path = output.get("path") if isinstance(output, dict) else None
        if not isinstance(path, str):
            continue
        name = os.path.normpath(path).casefold()  # some file systems do not tell case
        if name in seen:
            yield ("outputs", index, "path"), f"is also written by outputs.{seen[name]}"
        seen.setdefault(name, index)
        layout = output.get("layout", "frames")
        if layout in ("grid", "strip") and not path.lower().endswith(".png"):
            yield ("outputs", index, "layout"), f"'{layout}' is one picture: it needs a .png"


def _edits_across(scene: Any) -> Iterator[tuple[words.Path, str]]:
    """Edits that ask for what a seed, or two words together, cannot mean."""
    edits = scene.get("edits") if isinstance(scene, dict) else None
    for index, edit in enumerate(edits if isinstance(edits, list) else []):
        if not isinstance(edit, dict):
            continue
        where, ref = ("scene", "edits", index), edit.get("direction")
        mode, unit = edit.get("mode", "relative"), edit.get("unit", "sigma")
        if isinstance(ref, str) and ref.startswith("seed:"):
            if mode in MODES and mode != "relative":
                yield (*where, "mode"), SHARE
            if unit == "own":
                yield (*where, "unit"), SHARE
        elif unit == "own" and mode in MODES and mode != "relative":
            yield (*where, "unit"), f"'own' moves by a way; mode '{mode}' counts in sigma"


def _file(source: str | Path) -> Path:
    """The regular file that is meant. Raises Missing."""
    path, name = Path(source), words.shown(str(source), words.LONGEST_FILE)
    try:
        if path.is_dir():
            raise Missing(f"{name} is a folder, not a preset", f"for example {name}/x.toml")
        if path.is_file():
            return path
        if path.exists():
            raise Missing(f"{name} is no regular file")
        near = [file.name for file in path.parent.glob("*.toml")]
    except (OSError, ValueError):  # a name that the system refuses
        near = []
    if str(source) in shipped():
        return shipped()[str(source)]
    known = near if path.suffix else [*near, *shipped()]
    raise Missing(f"there is no preset {name}", did_you_mean(words.shown(path.name), known))


def _bytes(path: Path, file: str) -> bytes:
    other = OTHER_FORMATS.get(path.suffix.lower())
    if other:
        hint = "write it as TOML: key = value, text in quotes, tables as [name]"
        raise PresetError(file, [Problem(0, 0, "", f"presets are TOML; {other} is not read", hint)])
    try:
        with path.open("rb") as opened:
            return opened.read(LIMIT + 1)
    except OSError as error:
        raise OutputError(f"cannot read {file}: {error.strerror}") from None


def _text(raw: bytes, file: str) -> str:
    if len(raw) > LIMIT:
        problem = Problem(0, 0, "", "is larger than 1 MiB", "a preset is a few lines of TOML")
        raise PresetError(file, [problem])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8").removeprefix("\ufeff")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
        problem = Problem(line, column, "", what, "save the file as UTF-8")
        raise PresetError(file, [problem]) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _parsed(text: str, file: str) -> tuple[dict[str, Any], Places]:
    """Data and places of a TOML text. Raises PresetError."""
    try:
        places = Places(text)
    except TooDeep as deep:
        problem = Problem(deep.line, deep.column, "", "nests deeper than any preset")
        raise PresetError(file, [problem]) from None
    try:
        return tomllib.loads(text), places
    except RecursionError:
        raise PresetError(file, [Problem(0, 0, "", "nests deeper than any preset")]) from None
    except ValueError as error:
        raise PresetError(file, _syntax(str(error), text, places)) from None


def _syntax(message: str, text: str, places: Places) -> list[Problem]:
    """tomllib's complaint with line and column, in our words where we know more."""
    if places.twice() and message.startswith(("Cannot overwrite", "Cannot declare")):
        return [
            Problem(line, column, words.dotted(path), f"is set twice, first on line {first}")
            for path, (line, column), first in places.twice()
        ]
    if message.startswith("Exceeds the limit"):
        return [Problem(0, 0, "", "holds a number of thousands of digits")]
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.S)
    what = words.shown(found[1] if found else message)
    line, column = (int(found[2]), int(found[3])) if found and found[2] else places.end()
    return [Problem(line, column, "", what[:1].lower() + what[1:], _looks_like(text))]


def _looks_like(text: str) -> str:
    """A hint for people who come from another format."""
    first = next((line for line in text.splitlines() if line.strip(" \t-#")), "").strip()
    if first.startswith(("{", "---")) or re.match(r"[\w-]+:(\s|$)", first):
        return "this looks like YAML or JSON; presets are TOML: key = value"
    return ""
