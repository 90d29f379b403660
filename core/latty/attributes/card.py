"""A picture classifier in a few lines of TOML: how pictures enter its weights and what comes out.

docs/scorers.md is the page for people. A card is data: `read` checks a file, tells every fault at
once with its place, and needs no torch.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

from latty.attributes.base import PROBABILITY
from latty.checkpoints.checkpoint import digest
from latty.errors import Missing
from latty.files import cached
from latty.models.spec import BATCH_NORM, CHANNELS, CONV, FLAG, SCHEMA, SLOPE, TENSORS
from latty.tables.reading import Kind, read
from latty.tables.rules import (
    Fault,
    Key,
    Rule,
    array,
    checked,
    matching,
    number,
    one_of,
    table,
    tagged,
    text,
    whole,
    word,
)
from latty.tables.words import Path, shown
from latty.text import clean

GUIDE = "see docs/scorers.md"
KINDS = ("resnet", "cnn", "onnx")
MOST_OUTPUTS = 10_000
NAME_WORDS = "names of at most 64 letters without / , # *"
NAME = re.compile(r"[^\s/,#*](?:[^/,#*]{0,62}[^\s/,#*])?")


@dataclass(frozen=True, slots=True)
class Group:
    """Outputs in a row that share an activation; a softmax runs over the group."""

    names: tuple[str, ...]
    activation: str
    unit: str = ""

    @property
    def counts(self) -> str:
        """The unit of its scores."""
        if self.activation in ("sigmoid", "softmax"):
            return PROBABILITY
        return self.unit or ("-1..1" if self.activation == "tanh" else "")


@dataclass(frozen=True, slots=True)
class CardLayer:
    """One operation of a plain network; `tensors` is the beginning of the names it reads."""

    kind: str
    tensors: str = ""
    kernel: int = 0  # 0: as the tensor says
    stride: int = 0  # 0: 1 for a conv, the kernel for a pool
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    bias: bool = True
    affine: bool = True  # of a batch norm
    eps: float = 1e-5
    slope: float = 0.01


@dataclass(frozen=True, slots=True)
class Card:
    """A whole classifier: which weights, which pictures it takes, what its outputs mean.

    size        height and width in px that the network takes
    low, high   black and white before mean and std are applied
    mean, std   one per channel, in the network's own order
    crop        central share of the picture that it looks at
    training    figures of its training, for people
    """

    kind: str
    weights: str
    size: tuple[int, int]
    groups: tuple[Group, ...]
    channels: int = 3
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    crop: float = 1.0
    order: str = "rgb"
    layout: str = ""  # "" = as the ONNX file says
    prefix: str = ""
    ignore: tuple[str, ...] = ()
    layers: tuple[CardLayer, ...] = ()
    title: str = field(default="", compare=False)
    training: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for name in group.names)

    @property
    def units(self) -> tuple[str, ...]:
        """What each output counts, as `Scorer` says it."""
        return tuple(group.counts for group in self.groups for _ in group.names)


# --- what each key may be ------------------------------------------------------------------------


def is_name(value: Any) -> bool:
    """Whether an attribute may be called so."""
    return isinstance(value, str) and bool(NAME.fullmatch(value)) and value.isprintable()


def _is_file(value: Any) -> bool:
    fits = isinstance(value, str) and 0 < len(value) <= 300 and value.isprintable()
    return fits and not re.search(r"[/\\]", value) and value[0] != "."


def _as_list(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _pair(size: Any) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _apart(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] == ends[1]:
        raise ValueError("black and white are the same")
    return ends


def _positive(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if min(numbers) <= 0:
        raise ValueError("must be above 0")
    return numbers


def _list_of(kind: type, item: Rule) -> Rule:
    """A list whose entries are all of that kind: what else is in them, the item's rule says."""

    def fits(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(isinstance(v, kind) for v in value)

    return replace(array(item, 1, MOST_OUTPUTS), fits=fits)


CARD = Kind("scorer", limit=2**18, hint=GUIDE)
REAL = number(-1e6, 1e6)
NUMBERS = checked(
    one_of("a number, or a list with one per channel", REAL, array(REAL, 1, 3)), _as_list
)
SIDE = whole(1, 4096)
TEXT = Key(text(300, 0))
LABEL = matching(f"one of {NAME_WORDS}", is_name)
ACTIVATION = word("sigmoid", "softmax", "tanh", "none")
GROUP = table(
    {
        "names": Key(array(LABEL, 1, MOST_OUTPUTS), required=True),
        "activation": Key(ACTIVATION, required=True),
        "unit": Key(text(300, 0), default=""),
    },
    Group,
)
POOL = {
    "kernel": Key(whole(1, 64), required=True),
    "stride": Key(whole(1, 64)),
    "padding": Key(whole(0, 31)),
}
LAYER = tagged(
    "kind",
    {
        "conv": {**CONV, "dilation": Key(whole(1, 16)), "groups": Key(whole(1, 4096))},
        "linear": {"tensors": TENSORS, "bias": FLAG},
        "batch_norm": BATCH_NORM,
        "max_pool": POOL,
        "average_pool": POOL,
        "global_pool": {},
        "flatten": {},
        "relu": {},
        "leaky_relu": {"slope": SLOPE},
        "silu": {},
        "tanh": {},
        "sigmoid": {},
    },
    CardLayer,
)
TABLE = table(
    {
        "schema": SCHEMA,
        "title": TEXT,
        "kind": Key(word(*KINDS), required=True),
        "weights": Key(matching("the name of a file beside the TOML", _is_file), required=True),
        "size": Key(
            checked(one_of("px of a side, or [height, width]", SIDE, array(SIDE, 2, 2)), _pair),
            required=True,
        ),
        "channels": Key(CHANNELS),
        "range": Key(checked(array(REAL, 2, 2), _apart), default=(0.0, 1.0)),
        "mean": Key(NUMBERS),
        "std": Key(checked(NUMBERS, _positive)),
        "crop": Key(number(0.05, 1)),
        "order": Key(word("rgb", "bgr")),
        "layout": Key(word("nchw", "nhwc")),
        "outputs": Key(
            one_of(
                'a list of names, or of tables: [[outputs]] names = ["smile"]',
                _list_of(str, LABEL),
                _list_of(dict, GROUP),
            ),
            required=True,
        ),
        "activation": Key(ACTIVATION),
        "unit": TEXT,
        "prefix": TEXT,
        "ignore": Key(array(text(300))),
        "layers": Key(array(LAYER, 1, 512)),
        "training": Key(matching("a table", lambda value: isinstance(value, dict))),
    }
)


def _across(data: Mapping[str, Any]) -> Iterator[Fault]:
    """What only several keys together show; each may hold anything."""
    kind = data.get("kind")
    if kind == "cnn" and "layers" not in data:
        yield Fault(("layers",), "a cnn needs a list of layers", GUIDE)
    if kind in ("resnet", "onnx") and "layers" in data:
        yield Fault(("layers",), f'only for kind = "cnn"; this is "{kind}"')
    for key in ("prefix", "ignore"):
        if kind == "onnx" and key in data:
            what = "an ONNX file names its tensors itself"
            yield Fault((key,), 'not for kind = "onnx"', what)
    channels = data.get("channels", 3)
    for key in ("mean", "std"):
        value = data.get(key)
        if isinstance(value, list) and len(value) not in (1, channels) and NUMBERS.accepts(value):
            yield Fault((key,), f"{len(value)} numbers for {channels} channels")
    yield from _across_outputs(data)


def _across_outputs(data: Mapping[str, Any]) -> Iterator[Fault]:
    outputs = data.get("outputs")
    if not isinstance(outputs, list) or not outputs:
        return
    groups: list[tuple[Path, Any]] = [(("outputs", i), one) for i, one in enumerate(outputs)]
    if isinstance(outputs[0], str):
        groups = [(("outputs",), {"names": outputs, "activation": data.get("activation")})]
        if "activation" not in data:
            yield Fault(("activation",), "is missing", 'as in "sigmoid"')
    else:
        for key in ("activation", "unit"):
            if key in data:
                yield Fault((key,), "stands in each [[outputs]] here")
    seen: set[str] = set()
    for where, group in groups:
        names = group.get("names") if isinstance(group, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            continue
        if group.get("activation") == "softmax" and len(names) < 2:
            hint = "sigmoid is meant, or more names"
            yield Fault(where, "a softmax over one output is always 1", hint)
        for name in names:
            if name in seen:
                yield Fault(where, f"the name '{shown(name)}' stands twice")
            seen.add(name)


# --- from a file to a Card ------------------------------------------------------------------------


@cached(64)
def read_card(path: FilePath) -> Card:
    """The card in a TOML file. Raises Missing, OutputError, PresetError with every fault."""
    found = read(path, CARD, clean(path.name)).checked(TABLE, _across)
    outputs, (low, high) = found.pop("outputs"), found.pop("range")
    activation, unit = found.pop("activation", ""), found.pop("unit", "")
    if isinstance(outputs[0], str):
        outputs = (Group(outputs, activation, unit),)
    found.pop("schema", None)
    return Card(groups=outputs, low=low, high=high, **found)


def weights_of(path: FilePath) -> FilePath:
    """The file of weights that the card in a TOML file names. Raises Missing, OutputError,
    PresetError."""
    name = read_card(path).weights
    if not (found := path.parent / name).is_file():
        raise Missing(f"there is no file {clean(name)} beside {path.name}", "check weights")
    return found


def weights_digest(path: FilePath) -> str:
    """A hash of all that the scores of a card's network depend on. Raises Missing, OutputError,
    PresetError."""
    text = repr(replace(read_card(path), weights="", title="")) + digest(weights_of(path))
    return sha256(text.encode()).hexdigest()
