"""A plain network in a few lines of TOML: what strides, paddings and activations a file cannot say.

docs/specs.md is the page for people. A spec is data: `read` checks a file and tells every fault at
once with its place; `of_json` takes the same table from a converted model's header. What only the
tensors show to be wrong is a Misfit, which `placed` tells in the same way.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty import reading
from latty.checkpoints.refusals import Refusal
from latty.errors import PresetError, Problem
from latty.tables import reading as tables
from latty.tables.reading import Kind
from latty.tables.rules import (
    Faults,
    Key,
    Rule,
    array,
    checked,
    flag,
    matching,
    number,
    one_of,
    table,
    tagged,
    whole,
    word,
)
from latty.text import clean

Pair = int | tuple[int, int]  # one number for both, or (height, width)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation; `tensors` is the prefix of the names it reads: PREFIX.weight, PREFIX.bias."""

    kind: str
    tensors: str = ""
    kernel: Pair = 0  # 0: as the tensor says
    stride: Pair = 1  # 0: as the kernel
    padding: Pair | tuple[int, int, int, int] = 0  # four: left, right, top, bottom
    output_padding: Pair = 0
    dilation: Pair = 1
    groups: int = 1
    bias: bool = True
    affine: bool = True  # of a norm: whether it has weights
    running: bool = False  # of an instance norm: whether it has running statistics
    eps: float = 1e-5
    slope: float = 0.01
    alpha: float = 1.0
    approximate: str = "none"
    factor: Pair = 2
    size: tuple[int, ...] = ()  # of an up-sampled picture; (): `factor` decides
    mode: str = ""  # of up-sampling and padding
    align_corners: bool | None = None
    shape: tuple[int, ...] = ()
    layers: tuple["Layer", ...] = ()  # of a residual sum
    shortcut: tuple["Layer", ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole network: latent (and class) in, layers in order, picture out."""

    latent: int
    channels: int
    size: tuple[int, int]  # height, width
    layers: tuple[Layer, ...]
    distribution: str = "normal"
    latent_layers: tuple[Layer, ...] = ()  # of the latent alone, before a class is joined to it
    low: float = -1.0  # the picture's value range
    high: float = 1.0
    classes: int = 0
    class_names: tuple[str, ...] = ()
    embedding: str = ""  # tensor (classes, width) or (width, classes); "" = the class weights
    embedding_kind: str = ""  # embedding | linear; "" = as the shape says
    class_layers: tuple[Layer, ...] = ()  # of the class alone
    join: str = "concat"
    latent_first: bool = True
    measured: bool = False  # batch norms hold statistics of latty's own samples
    ignore: tuple[str, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as it was written

    def to_json(self) -> str:
        """The spec for a header; `of_json` reads it."""
        return json.dumps(self.table)


# --- what each key may be ------------------------------------------------------------------------


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300


def _pair(low: int, high: int) -> Rule:
    both = array(whole(low, high), 2, 2)
    return one_of("a whole number, or [height, width]", whole(low, high), both)


def _nested() -> Rule:
    """A list of layers inside a layer."""

    def read(value: Any, where: tuple[str | int, ...], faults: Faults) -> Any:
        if len(where) > DEEPEST:
            faults.add(where, "nests deeper than any network")
            return ()
        return array(LAYER, 1, 64).read(value, where, faults)

    return Rule(read, lambda value: isinstance(value, list), {"type": "array"})


def _classes(classes: dict[str, Any]) -> dict[str, Any]:
    names, join = classes.get("names"), classes.get("join", "concat")
    if names and len(names) != classes["count"]:
        raise ValueError(f"{len(names)} names for {classes['count']} classes")
    if join != "concat" and not classes.keys() & {"embedding", "layers"}:
        raise ValueError(f"join = '{join}' needs the key 'embedding' or 'layers'")
    if join != "concat" and "first" in classes:
        raise ValueError(f"'first' is for join = 'concat', nothing comes first in a {join}")
    return classes


def _upsample(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    smooth = keys.get("mode", "nearest") != "nearest"
    if smooth and "align_corners" not in keys:
        raise ValueError(f"mode = '{keys['mode']}' needs align_corners: true or false")
    if not smooth and "align_corners" in keys:
        raise ValueError("align_corners is for mode = 'bilinear' or 'bicubic'")
    if "size" in keys and "factor" in keys:
        raise ValueError("either size or factor")
    return keys


def _instance_norm(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    if "tensors" not in keys and (keys.get("affine") or keys.get("running")):
        raise ValueError("the key 'tensors' is missing, the beginning of tensor names")
    return keys


DEEPEST = 12  # parts of the path of a nested layer
MARK = "FILL IN"  # in the comments of a drafted spec
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
MODES = ("reflect", "replicate", "circular")  # torch's words for what lies around a picture
SPACED = {  # a convolution of plain networks
    **CONV,
    "kernel": Key(_pair(1, 31)),
    "stride": Key(_pair(1, 16)),
    "padding": Key(_pair(0, 31)),
    "dilation": Key(_pair(1, 16)),
    "groups": Key(whole(1, 4096)),
}
EPS = Key(number(0, 1))
POOL = {
    "kernel": Key(_pair(1, 31), required=True),
    "stride": Key(_pair(1, 16), default=0),
    "padding": Key(_pair(0, 15)),
}
KINDS: dict[str, dict[str, Key]] = {
    "linear": {"tensors": TENSORS, "bias": FLAG},
    "reshape": {"shape": Key(array(whole(1, 2**20), 3, 3), required=True)},
    "conv": {**SPACED, "mode": Key(word("zeros", *MODES))},
    "conv_transpose": {**SPACED, "output_padding": Key(_pair(0, 15))},
    "upsample": {
        "factor": Key(_pair(1, 16)),
        "size": Key(array(whole(1, 4096), 2, 2)),
        "mode": Key(word("nearest", "bilinear", "bicubic")),
        "align_corners": FLAG,
    },
    "pixel_shuffle": {"factor": Key(whole(2, 16))},
    "avg_pool": POOL,
    "max_pool": POOL,
    "pad": {
        "padding": Key(
            one_of("a whole number, or [left, right, top, bottom]", whole(0, 63),
                   array(whole(0, 63), 4, 4)),
            required=True,
        ),
        "mode": Key(word("zeros", *MODES)),
    },
    "batch_norm": BATCH_NORM,
    "layer_norm": {"tensors": Key(NAME), "eps": EPS, "affine": FLAG, "bias": FLAG},
    "instance_norm": {"tensors": Key(NAME), "eps": EPS, "affine": FLAG, "running": FLAG},
    "group_norm": {**BATCH_NORM, "groups": Key(whole(1, 4096), required=True)},
    "residual": {"layers": Key(_nested(), required=True), "shortcut": Key(_nested())},
    "relu": {},
    "leaky_relu": {"slope": SLOPE},
    "prelu": {"tensors": TENSORS},
    "elu": {"alpha": Key(number(0, 100))},
    "selu": {},
    "gelu": {"approximate": Key(word("none", "tanh"))},
    "silu": {},
    "softplus": {},
    "glu": {},
    "tanh": {},
    "sigmoid": {},
}  # fmt: skip
CHECKS: dict[str, Callable[[Any], Any]] = {
    "upsample": _upsample,
    "instance_norm": _instance_norm,
}
LAYER = tagged("kind", KINDS, Layer, CHECKS)
BRANCH = Key(array(LAYER, 1, 64), default=())
LATENT = {
    "size": Key(whole(1, 4096), required=True),
    "distribution": Key(word("normal", "uniform", "truncated")),
    "layers": BRANCH,
}
RANGE = matching("[-1, 1] or [0, 1]", lambda v: v in ([-1, 1], [0, 1]))
IMAGE = {
    "channels": Key(
        matching("1, 3 or 4", lambda v: v in (1, 3, 4) and v is not True), required=True
    ),
    "size": Key(_pair(1, 4096), required=True),
    "range": Key(RANGE, default=[-1, 1]),
}
CLASSES = {
    "count": Key(whole(1, 10_000), required=True),
    "names": Key(array(NAME)),
    "embedding": Key(NAME),
    "kind": Key(word("embedding", "linear")),
    "join": Key(word("concat", "product", "sum")),
    "first": Key(word("latent", "class")),
    "layers": BRANCH,
}
TABLE = table(
    {
        "schema": SCHEMA,
        "latent": Key(table(LATENT), required=True),
        "image": Key(table(IMAGE), required=True),
        "classes": Key(checked(table(CLASSES), _classes), default={}),
        "statistics": Key(word("stored", "measured"), default="stored"),
        "ignore": Key(array(NAME), default=()),
        "layers": Key(array(LAYER, 1, 512), required=True),
    }
)


# --- from text to a Spec -------------------------------------------------------------------------


def read(path: str | Path) -> Spec:
    """The spec in a TOML file. Raises Missing, OutputError, PresetError with every fault."""
    return _spec(tables.read(Path(path), SPEC, clean(Path(path).name)))


def still_marked(path: Path) -> tuple[str, ...]:
    """A note on the lines of a drafted spec that are marked to be filled in; () without any. Raises
    OSError, BadData."""
    lines = [line for line in reading.text(path, SPEC.limit).splitlines() if MARK in line]
    count = sum("=" in line.partition("#")[0] for line in lines)
    if not count:
        return ()
    lines_are = "1 line of" if count == 1 else f"{count} lines of"
    return (f"{lines_are} {clean(path.name)} still marked {MARK}: its pictures are a guess",)


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
        latent_layers=latent["layers"],
        channels=image["channels"],
        size=both(image["size"]),
        low=float(low),
        high=float(high),
        classes=classes.get("count", 0),
        class_names=tuple(clean(name) for name in classes.get("names", ())),
        embedding=classes.get("embedding", ""),
        embedding_kind=classes.get("kind", ""),
        class_layers=classes.get("layers", ()),
        join=classes.get("join", "concat"),
        latent_first=classes.get("first", "latent") == "latent",
        measured=found["statistics"] == "measured",
        ignore=found["ignore"],
        layers=found["layers"],
        table=file.data,
    )


def both(pair: Pair) -> tuple[int, int]:
    """(height, width) of a number for both, or of the two."""
    return pair if isinstance(pair, tuple) else (pair, pair)


# --- a spec and the tensors of a file ------------------------------------------------------------

Place = tuple[str | int, ...]  # of a key, as in ("layers", 3, "tensors")


class Misfit(Refusal):
    """A spec and the tensors do not fit each other; `place` is the key of the spec."""

    def __init__(self, code: str, what: str, hint: str, place: Place, file: str = "") -> None:
        super().__init__(code, what, hint, file)
        self.place = place

    def about(self, file: str) -> "Misfit":
        """The same, naming the file of weights."""
        return Misfit(self.code, self.what, self.hint, self.place, file)


def placed(misfit: Misfit, path: Path) -> PresetError:
    """The misfit as a fault of the spec in that file, with its line and column. Raises Missing,
    OutputError, PresetError where the file is no spec any more."""
    file = tables.read(path, SPEC, clean(path.name))
    return PresetError(file.file, [file.problem(misfit.place, misfit.what, misfit.hint)])


def renamed(data: Mapping[str, Any], name: Callable[[str], str]) -> dict[str, Any]:
    """The table of a spec with `name` of each beginning of tensor names in it."""

    def inside(value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            return {k: inside(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [inside(one, key) for one in value]
        return name(value) if key in NAMING and isinstance(value, str) else value

    found: dict[str, Any] = inside(data)
    return found


NAMING = ("tensors", "embedding", "ignore")  # keys that hold tensors' names


def names_in(text: str) -> list[str]:
    """The beginnings of tensor names in a spec as JSON that its layers read."""
    found: list[str] = []

    def kept(name: str) -> str:
        found.append(name)
        return name

    renamed({**json.loads(text), "ignore": []}, kept)
    return found
