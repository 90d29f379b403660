"""A plain network in a few lines of TOML: what strides, paddings and activations a file cannot say.

docs/specs.md is the page for people. A spec is data: `read` checks a file and tells every fault at
once with its place; `of_json` takes the same table from a converted model's header.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty.errors import PresetError, Problem
from latty.tables import reading as tables
from latty.tables.reading import Kind
from latty.tables.rules import (
    Key,
    array,
    checked,
    flag,
    matching,
    number,
    table,
    tagged,
    whole,
    word,
)
from latty.text import clean


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


# --- what each key may be ------------------------------------------------------------------------


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300


def _named(classes: dict[str, Any]) -> dict[str, Any]:
    names = classes.get("names")
    if names and len(names) != classes["count"]:
        raise ValueError(f"{len(names)} names for {classes['count']} classes")
    return classes


SPEC = Kind("spec", limit=2**18, hint="see docs/specs.md")
FLAG = Key(flag())
NAME = matching("a name of at most 300 letters", _is_name)
TENSORS = Key(NAME, required=True)  # the beginning of tensor names, as in "gen.0.0"
SCHEMA = Key(matching("1: a newer latty may read it", lambda v: v == 1 and v is not True))
CHANNELS = matching("1 or 3", lambda v: v in (1, 3) and v is not True)
SLOPE = Key(number(0, 1), required=True)
BATCH_NORM = {"tensors": TENSORS, "eps": Key(number(0, 1)), "affine": FLAG}
CONV = {
    "tensors": TENSORS,
    "kernel": Key(whole(1, 31)),
    "stride": Key(whole(1, 16)),
    "padding": Key(whole(0, 31)),
    "bias": FLAG,
}
LAYER = tagged(
    "kind",
    {
        "linear": {"tensors": TENSORS, "bias": FLAG},
        "reshape": {"shape": Key(array(whole(1, 2**20), 3, 3), required=True)},
        "conv": CONV,
        "conv_transpose": {**CONV, "output_padding": Key(whole(0, 15))},
        "upsample": {"factor": Key(whole(2, 8))},
        "batch_norm": BATCH_NORM,
        "relu": {},
        "leaky_relu": {"slope": SLOPE},
        "tanh": {},
        "sigmoid": {},
    },
    Layer,
)
SIZE = Key(whole(1, 4096), required=True)
LATENT = {"size": SIZE, "distribution": Key(word("normal", "uniform", "truncated"))}
RANGE = matching("[-1, 1] or [0, 1]", lambda v: v in ([-1, 1], [0, 1]))
IMAGE = {
    "channels": Key(CHANNELS, required=True),
    "size": SIZE,
    "range": Key(RANGE, default=[-1, 1]),
}
CLASSES = {
    "count": Key(whole(1, 10_000), required=True),
    "names": Key(array(NAME)),
    "embedding": Key(NAME),
    "first": Key(word("latent", "class")),
}
TABLE = table(
    {
        "schema": SCHEMA,
        "latent": Key(table(LATENT), required=True),
        "image": Key(table(IMAGE), required=True),
        "classes": Key(checked(table(CLASSES), _named), default={}),
        "ignore": Key(array(NAME), default=()),
        "layers": Key(array(LAYER, 1, 512), required=True),
    }
)


# --- from text to a Spec -------------------------------------------------------------------------


def read(path: str | Path) -> Spec:
    """The spec in a TOML file. Raises Missing, OutputError, PresetError with every fault."""
    return _spec(tables.read(Path(path), SPEC, clean(Path(path).name)))


def parse(text: str, file: str = "spec") -> Spec:
    """The spec in a TOML text. Raises PresetError with every fault."""
    return _spec(tables.parse(text, clean(file), SPEC))


def of_json(text: str) -> Spec:
    """The spec in a converted model's header. Raises PresetError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        what = "it is no JSON table"
        raise PresetError("spec", [Problem(0, 0, "", what, "import the model again")])
    return _spec(tables.from_data(data, "spec", SPEC))


def _spec(file: tables.TableFile) -> Spec:
    found = file.checked(TABLE)
    latent, image, classes = found["latent"], found["image"], found["classes"]
    low, high = image["range"]
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
        ignore=found["ignore"],
        layers=found["layers"],
        table=file.data,
    )
