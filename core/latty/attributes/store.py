"""The user's scorers: NAME.toml and its weights in one folder. No pickle is ever written there."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from latty import files, home
from latty.attributes.card import Card, CardLayer, Group, read_card
from latty.attributes.registries import SCORERS
from latty.store import Store

PIECE = 2**20  # bytes copied at once
CARDS = Store("scorer", home.scorers_dir, ".toml", built_in=SCORERS.names)


def is_card(path: Path) -> bool:
    """Whether a file is a classifier's TOML, right or wrong: it names weights and outputs."""
    if path.suffix.lower() != CARDS.suffix:
        return False
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return {"weights", "outputs"} <= set(data)


def add(path: Path, name: str, force: bool = False) -> Path:
    """Try a TOML and its weights, then keep a copy under that name; returns the new TOML.

    Weights of torch become safetensors. Raises UsageError, WouldOverwrite, Missing, BadData,
    OutputError.
    """
    import tomlkit

    from latty.attributes import classifier

    CARDS.free_place(name, force)
    classifier.open_card(path)  # nothing broken is stored
    card, text = read_card(path), tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    weights = path.parent / card.weights
    if card.kind == "onnx":
        text["weights"] = f"{name}.onnx"
        pieces = _pieces(weights)
    else:
        from safetensors.torch import save

        text["weights"] = f"{name}.safetensors"
        text.pop("prefix", None)
        tensors = classifier.own_tensors(card, weights)
        pieces = iter([save({key: tensor.contiguous() for key, tensor in tensors.items()})])
    return write(name, tomlkit.dumps(text), str(text["weights"]), pieces)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def write(name: str, text: str, weights: str, pieces: Iterator[bytes]) -> Path:
    """Put weights, then the TOML, into the store, each whole. Raises OutputError."""
    target = CARDS.place(name)
    files.write(target.parent / weights, pieces)
    files.write(target, [text.encode()])
    return target


# --- a card as text -------------------------------------------------------------------------------


def spelt(card: Card, training: Mapping[str, Any]) -> str:
    """The TOML of a plain network's card, as a person would write it."""
    height, width = card.size
    lines = ["schema = 1", f"kind = {_value(card.kind)}", f"weights = {_value(card.weights)}"]
    lines += [f"title = {_value(card.title)}"] if card.title else []
    lines += [f"size = {height if height == width else [height, width]}"]
    lines += [f"channels = {card.channels}", f"range = [{card.low:g}, {card.high:g}]"]
    lines += ["layers = [", *(f"  {_layer(layer)}," for layer in card.layers), "]"]
    for group in card.groups:
        lines += ["", "[[outputs]]", *_pairs(_table(group))]
    lines += ["", "[training]", *_pairs(training)]
    return "\n".join(lines) + "\n"


def _table(group: Group) -> dict[str, Any]:
    unit = {"unit": group.unit} if group.unit else {}
    return {"names": list(group.names), "activation": group.activation, **unit}


def _layer(layer: CardLayer) -> str:
    """What differs from the defaults, in one line."""
    plain = CardLayer(layer.kind)
    keys = ("tensors", "kernel", "stride", "padding", "dilation", "groups", "bias", "affine", "eps")
    said = {"kind": layer.kind}
    said |= {key: getattr(layer, key) for key in keys if getattr(layer, key) != getattr(plain, key)}
    return f"{{ {', '.join(_pairs(said))} }}"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    """A value as TOML; texts in double quotes, whose escapes are JSON's."""
    import json

    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_value(str(k))} = {_value(v)}' for k, v in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
