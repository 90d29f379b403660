"""A plain network in a few lines of TOML: what strides, paddings and activations a file cannot say.

docs/specs.md is the page for people. A spec is data: `read` checks a file and tells every fault at
once with its place; `of_json` takes the same table from a converted model's header.
"""

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty.errors import Missing, OutputError, PresetError, Problem, did_you_mean
from latty.text import clean

LIMIT = 2**18  # bytes of a spec; one has some thousand
MOST_LAYERS = 512
MOST_PROBLEMS = 50
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation; `tensors` is the prefix of the names it reads: PREFIX.weight, PREFIX.bias."""

    kind: str
    tensors: str = ""
    kernel: int = 0  # 0: as the tensor says
    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    bias: bool = True
    affine: bool = True  # of a batch norm
    eps: float = 1e-5
    slope: float = 0.01
    factor: int = 2
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole network: latent (and class) in, layers in order, picture out."""

    latent: int
    channels: int
    size: int
    layers: tuple[Layer, ...]
    distribution: str = "normal"
    low: float = -1.0  # the picture's value range
    high: float = 1.0
    classes: int = 0
    class_names: tuple[str, ...] = ()
    embedding: str = ""  # tensor (classes, width); "" = the class weights themselves
    latent_first: bool = True
    ignore: tuple[str, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as it was written

    def to_json(self) -> str:
        """The spec for a header; `of_json` reads it."""
        return json.dumps(self.table)


class SpecError(PresetError):
    """Every problem of one spec, in file order."""


# --- what each key may be ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    words: str
    accepts: Callable[[Any], bool]
    required: bool = False


def _whole(low: int, high: int, required: bool = False) -> Rule:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return Rule(f"a whole number from {low} to {high}", accepts, required)


def _number(low: float, high: float, required: bool = False) -> Rule:
    def accepts(value: Any) -> bool:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        return real and math.isfinite(value) and low <= value <= high

    return Rule(f"a number from {low:g} to {high:g}", accepts, required)


def _word(*words: str, required: bool = False) -> Rule:
    shown = " or ".join(f'"{word}"' for word in words)
    return Rule(shown, lambda value: isinstance(value, str) and value in words, required)


def _list(words: str, item: Callable[[Any], bool], low: int, high: int, must: bool = False) -> Rule:
    def accepts(value: Any) -> bool:
        return isinstance(value, list) and low <= len(value) <= high and all(map(item, value))

    return Rule(words, accepts, must)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300


FLAG = Rule("true or false", lambda value: isinstance(value, bool))
PREFIX = Rule('the beginning of tensor names, as in "gen.0.0"', _is_name, True)
TENSOR = Rule("the name of a tensor", _is_name)
NAMES = _list("a list of texts", _is_name, 0, 100_000)
CONV = {
    "tensors": PREFIX,
    "kernel": _whole(1, 31),
    "stride": _whole(1, 16),
    "padding": _whole(0, 31),
    "bias": FLAG,
}
KINDS: dict[str, dict[str, Rule]] = {
    "linear": {"tensors": PREFIX, "bias": FLAG},
    "reshape": {
        "shape": _list(
            "[channels, height, width]", lambda v: _whole(1, 2**20).accepts(v), 3, 3, True
        )
    },
    "conv": CONV,
    "conv_transpose": {**CONV, "output_padding": _whole(0, 15)},
    "upsample": {"factor": _whole(2, 8)},
    "batch_norm": {"tensors": PREFIX, "eps": _number(0, 1), "affine": FLAG},
    "relu": {},
    "leaky_relu": {"slope": _number(0, 1, True)},
    "tanh": {},
    "sigmoid": {},
}
LATENT = {
    "size": _whole(1, 4096, True),
    "distribution": _word("normal", "uniform", "truncated"),
}
IMAGE = {
    "channels": Rule(
        "1 or 3", lambda v: isinstance(v, int) and v in (1, 3) and v is not True, True
    ),
    "size": _whole(1, 4096, True),
    "range": Rule("[-1, 1] or [0, 1]", lambda v: v in ([-1, 1], [0, 1])),
}
CLASSES = {
    "count": _whole(1, 10_000, True),
    "names": NAMES,
    "embedding": TENSOR,
    "first": _word("latent", "class"),
}
TABLES = {"latent": LATENT, "image": IMAGE, "classes": CLASSES}
TOP = {"schema", "ignore", "layers", *TABLES}

Fault = tuple[Place, str, str]  # where, what, hint


def _shown(value: Any) -> str:
    """A stranger's value fit for a message."""
    try:
        return clean(repr(value), 40)
    except ValueError:  # Python writes no integer of thousands of digits
        return "a huge number"


def _in_table(where: Place, table: Any, rules: Mapping[str, Rule]) -> Iterator[Fault]:
    """Every fault of one table's keys."""
    if not isinstance(table, dict):
        yield where, "must be a table", ""
        return
    for key, value in table.items():
        if key not in rules:
            yield (*where, key), "unknown key", did_you_mean(key, rules)
        elif not rules[key].accepts(value):
            yield (*where, key), f"must be {rules[key].words}", f"not {_shown(value)}"
    for key, rule in rules.items():
        if rule.required and key not in table:
            yield where, f"the key '{key}' is missing", rule.words


def _in_layer(index: int, layer: Any) -> Iterator[Fault]:
    where: Place = ("layers", index)
    if not isinstance(layer, dict):
        yield where, "must be a table", 'as in { kind = "relu" }'
        return
    kind = layer.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        told = f"no kind of layer is {_shown(kind)}" if kind else "the key 'kind' is missing"
        yield (*where, "kind"), told, did_you_mean(str(kind), KINDS)
        return
    yield from _in_table(where, {k: v for k, v in layer.items() if k != "kind"}, KINDS[kind])


def _faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault of a whole spec."""
    for key in data:
        if key not in TOP:
            yield (key,), "unknown key", did_you_mean(key, TOP)
    if "schema" in data and (data["schema"] != 1 or isinstance(data["schema"], bool)):
        yield ("schema",), "must be 1", "a newer latty may read it"
    if "ignore" in data and not NAMES.accepts(data["ignore"]):
        yield ("ignore",), f"must be {NAMES.words}", "the beginnings of names to leave out"
    for key, rules in TABLES.items():
        if key in data:
            yield from _in_table((key,), data[key], rules)
        elif key != "classes":
            yield (), f"the table [{key}] is missing", ""
    layers = data.get("layers")
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST_LAYERS:
        yield ("layers",), f"must be a list of 1 to {MOST_LAYERS} layers", ""
    else:
        for index, layer in enumerate(layers):
            yield from _in_layer(index, layer)
    classes = data.get("classes")
    if isinstance(classes, dict) and NAMES.accepts(classes.get("names", None)):
        count, names = classes.get("count"), classes["names"]
        if isinstance(count, int) and names and len(names) != count:
            yield ("classes", "names"), f"{len(names)} names for {count} classes", ""


# --- from text to a Spec -------------------------------------------------------------------------


def read(path: str | Path) -> Spec:
    """The spec in a TOML file. Raises Missing, OutputError, SpecError."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise Missing(f"there is no file {clean(str(path))}", "check the path") from None
    except (OSError, ValueError):
        raise OutputError(f"cannot read {clean(str(path))}") from None
    if len(raw) > LIMIT:
        raise _error(path.name, 0, 0, "it is too long for a spec", f"{LIMIT >> 10} KiB at most")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _error(path.name, line, 1, "it is not UTF-8 text", "save it as UTF-8") from None
    return parse(text, path.name)


def parse(text: str, file: str = "spec") -> Spec:
    """The spec in a TOML text. Raises SpecError with every fault."""
    file = clean(file)
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise _error(file, 0, 0, "it nests too deep", "") from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        what = clean(str(error).partition(" (at ")[0])
        raise _error(file, line, column, f"not TOML: {what}", "see docs/specs.md") from None
    return _spec(data, file, _places(text))


def of_json(text: str) -> Spec:
    """The spec in a converted model's header. Raises SpecError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _error("spec", 0, 0, "it is not JSON", "import the model again") from None
    if not isinstance(data, dict):
        raise _error("spec", 0, 0, "it is no table", "import the model again")
    return _spec(data, "spec", {})


def _error(file: str, line: int, column: int, what: str, hint: str) -> SpecError:
    return SpecError(clean(file), [Problem(line, column, "", what, hint)])


def _spec(data: Mapping[str, Any], file: str, places: Mapping[Place, tuple[int, int]]) -> Spec:
    problems = []
    for where, what, hint in _faults(data):
        known = where
        while known and known not in places:
            known = known[:-1]
        problems.append(Problem(*places.get(known, (0, 0)), _dotted(where), what, hint))
    if problems:
        raise SpecError(file, sorted(problems, key=lambda p: (p.line, p.column))[:MOST_PROBLEMS])
    latent, image = data["latent"], data["image"]
    classes = data.get("classes", {})
    low, high = image.get("range", (-1, 1))
    return Spec(
        latent=latent["size"],
        distribution=latent.get("distribution", "normal"),
        channels=image["channels"],
        size=image["size"],
        low=float(low),
        high=float(high),
        classes=classes.get("count", 0),
        class_names=tuple(clean(name) for name in classes.get("names", ())),
        embedding=classes.get("embedding", ""),
        latent_first=classes.get("first", "latent") == "latent",
        ignore=tuple(data.get("ignore", ())),
        layers=tuple(_layer(layer) for layer in data["layers"]),
        table=dict(data),
    )


def _layer(table: Mapping[str, Any]) -> Layer:
    values: dict[str, Any] = dict(table)
    if "shape" in values:
        values["shape"] = tuple(values["shape"])
    return Layer(**values)


def _dotted(path: Place) -> str:
    """layers.2.stride, as presets spell it; a stranger's key made fit for a terminal."""
    return ".".join(clean(str(part), 40) for part in path)


_LINE = re.compile(r"\s*(?:(\[\[?)\s*([\w.-]+)|([\w-]+|\"[^\"]*\")\s*=|(?=\{))")
_BRACES = re.compile(r"\{[^{}]*\}?")
_INSIDE = re.compile(r"[{,]\s*([\w-]+)\s*=")


def _places(text: str) -> dict[Place, tuple[int, int]]:
    """(line, column), from 1, of each key, for specs as people write them: a [[layers]] per layer,
    or inline tables in one list."""
    found: dict[Place, tuple[int, int]] = {}
    table: Place = ()
    seen = 0  # layers so far, in either spelling
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if match is None:
            continue
        column = len(line) - len(line.lstrip()) + 1
        key: Place = (*table, match[3].strip('"')) if match[3] else ()
        if match[1]:
            table = (match[2], seen) if match[1] == "[[" else (match[2],)
            seen += match[1] == "[["
            found.setdefault(table[:1], (number, column))
            found.setdefault(table, (number, column))
            continue
        if key:
            found.setdefault(key, (number, column))
        for braces in _BRACES.finditer(line, match.end()):
            where: Place = ("layers", seen) if key in ((), ("layers",)) else key
            seen += where[0] == "layers"
            found.setdefault(where, (number, braces.start() + 1))
            for inner in _INSIDE.finditer(braces[0]):
                found.setdefault((*where, inner[1]), (number, braces.start() + inner.start(1) + 1))
    return found
