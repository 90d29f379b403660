"""What may stand in a classifier's TOML: every key's rule, and every fault of a whole table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from latty.errors import did_you_mean
from latty.models import spec
from latty.models.spec import FLAG, NAMES, PREFIX, Fault, Place, Rule, _list, _number, _whole, _word

GUIDE = "see docs/scorers.md"
KINDS = ("resnet", "cnn", "onnx")
ACTIVATIONS = ("sigmoid", "softmax", "tanh", "none")
MOST_LAYERS, MOST_OUTPUTS = 512, 10_000
NAME = re.compile(r"[^\s/,#*](?:[^/,#*]{0,62}[^\s/,#*])?")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 300 and value.isprintable()


def _is_file(value: Any) -> bool:
    return _is_text(value) and bool(value) and not re.search(r"[/\\]", value) and value[0] != "."


def _is_real(value: Any) -> bool:
    return _number(-1e6, 1e6).accepts(value)


def _is_size(value: Any) -> bool:
    side = _whole(1, 4096)
    return side.accepts(value) or _list("", side.accepts, 2, 2).accepts(value)


def _is_outputs(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_OUTPUTS:
        return False
    return all(isinstance(item, str) for item in value) or all(isinstance(i, dict) for i in value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value)) and value.isprintable()


NUMBERS = Rule(
    "a number, or a list with one per channel",
    lambda value: _is_real(value) or _list("", _is_real, 1, 3).accepts(value),
)
TEXT = Rule("a text", _is_text)
NAME_WORDS = "names of at most 64 letters without / , # *"
TOP: dict[str, Rule] = {
    "schema": Rule("1 (a newer latty may read it)", lambda value: value == 1 and value is not True),
    "title": TEXT,
    "kind": _word(*KINDS, required=True),
    "weights": Rule("the name of a file beside the TOML", _is_file, True),
    "size": Rule("px of a side, or [height, width]", _is_size, True),
    "channels": Rule("1 or 3", lambda value: value in (1, 3) and value is not True),
    "range": _list("[black, white], as in [-1, 1]", _is_real, 2, 2),
    "mean": NUMBERS,
    "std": NUMBERS,
    "crop": _number(0.05, 1),
    "order": _word("rgb", "bgr"),
    "layout": _word("nchw", "nhwc"),
    "outputs": Rule('a list of names, or of tables: [[outputs]] names = ["smile"]', _is_outputs,
                    True),
    "activation": _word(*ACTIVATIONS),
    "unit": TEXT,
    "prefix": TEXT,
    "ignore": NAMES,
    "layers": Rule("a list of layers", lambda value: isinstance(value, list)),
    "training": Rule("a table", lambda value: isinstance(value, dict)),
}  # fmt: skip
GROUP = {
    "names": _list(f"a list of {NAME_WORDS}", _is_name, 1, MOST_OUTPUTS, True),
    "activation": _word(*ACTIVATIONS, required=True),
    "unit": TEXT,
}
POOL = {
    "kernel": _whole(1, 64, True),
    "stride": _whole(1, 64),
    "padding": _whole(0, 31),
}
LAYERS: dict[str, dict[str, Rule]] = {
    "conv": {
        "tensors": PREFIX,
        "kernel": _whole(1, 31),
        "stride": _whole(1, 16),
        "padding": _whole(0, 31),
        "dilation": _whole(1, 16),
        "groups": _whole(1, 4096),
        "bias": FLAG,
    },
    "linear": {"tensors": PREFIX, "bias": FLAG},
    "batch_norm": {"tensors": PREFIX, "eps": _number(0, 1), "affine": FLAG},
    "max_pool": POOL,
    "average_pool": POOL,
    "global_pool": {},
    "flatten": {},
    "relu": {},
    "leaky_relu": {"slope": _number(0, 1, True)},
    "silu": {},
    "tanh": {},
    "sigmoid": {},
}


# --- faults ---------------------------------------------------------------------------------------


def faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault of a whole card: where, what, hint."""
    yield from spec._in_table((), data, TOP)
    yield from _in_outputs(data)
    kind = data.get("kind")
    if kind == "cnn":
        yield from _in_layers(data.get("layers"))
    elif "layers" in data and kind in KINDS:
        yield ("layers",), f'only for kind = "cnn"; this is "{kind}"', ""
    if kind == "onnx":
        for key in ("prefix", "ignore"):
            if key in data:
                yield (key,), 'not for kind = "onnx"', "an ONNX file names its tensors itself"
    channels = data.get("channels", 3)
    for key in ("mean", "std"):
        value = data.get(key)
        if isinstance(value, list) and NUMBERS.accepts(value) and len(value) not in (1, channels):
            yield (key,), f"{len(value)} numbers for {channels} channels", ""
    std = data.get("std", 1)
    if NUMBERS.accepts(std) and not all(n > 0 for n in (std if isinstance(std, list) else [std])):
        yield ("std",), "must be above 0", ""
    low_high = data.get("range", [0, 1])
    if TOP["range"].accepts(low_high) and low_high[0] == low_high[1]:
        yield ("range",), "black and white are the same", ""


def _in_outputs(data: Mapping[str, Any]) -> Iterator[Fault]:
    outputs = data.get("outputs")
    if not _is_outputs(outputs) or not isinstance(outputs, list):
        return
    tables: list[tuple[Place, Any]] = [(("outputs", i), table) for i, table in enumerate(outputs)]
    if isinstance(outputs[0], str):
        if "activation" not in data:
            yield (), "the key 'activation' is missing", TOP["activation"].words
        for i, name in enumerate(outputs):
            if not _is_name(name):
                yield ("outputs", i), f"must be one of {NAME_WORDS}", f"not {spec._shown(name)}"
        tables = [(("outputs",), {"names": outputs, "activation": data.get("activation")})]
    else:
        for key in ("activation", "unit"):
            if key in data:
                yield (key,), "stands in each [[outputs]] here", ""
        for where, table in tables:
            yield from spec._in_table(where, table, GROUP)
    seen: set[str] = set()
    for where, table in tables:
        names = table.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            continue
        if table.get("activation") == "softmax" and len(names) < 2:
            yield where, "a softmax over one output is always 1", "sigmoid is meant, or more names"
        for name in names:
            if name in seen:
                yield where, f"the name {spec._shown(name)} stands twice", ""
            seen.add(name)


def _in_layers(layers: Any) -> Iterator[Fault]:
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST_LAYERS:
        yield ("layers",), f"a cnn needs a list of 1 to {MOST_LAYERS} layers", GUIDE
        return
    for index, layer in enumerate(layers):
        where: Place = ("layers", index)
        if not isinstance(layer, dict):
            yield where, "must be a table", 'as in { kind = "relu" }'
            continue
        kind = layer.get("kind")
        if not isinstance(kind, str) or kind not in LAYERS:
            told = (
                f"no kind of layer is {spec._shown(kind)}" if kind else "the key 'kind' is missing"
            )
            yield (*where, "kind"), told, did_you_mean(str(kind), LAYERS)
            continue
        rest = {key: value for key, value in layer.items() if key != "kind"}
        yield from spec._in_table(where, rest, LAYERS[kind])
