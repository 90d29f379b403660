"""The user's scorers: NAME.toml and its weights in one folder. No pickle is ever written there."""

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from latty import folders, home, reading
from latty.attributes.card import Card, CardLayer, Group, read_card
from latty.attributes.registries import SCORERS
from latty.checkpoints.checkpoint import digest
from latty.checkpoints.refusals import Stamps
from latty.errors import BadData, LattyError
from latty.store import Store

LARGEST = 2**31  # bytes of an ONNX file: no message of protobuf has more
ENDINGS = (".safetensors", ".onnx")
ENDED = "ended"  # in the state of a training: SHA-256 of the card that it ends in


def is_whole(path: Path) -> bool:
    """Whether the weights that a card names are there; True of a card that cannot be read."""
    try:
        return (path.parent / read_card(path).weights).is_file()
    except LattyError:
        return True


def _weights(path: Path) -> tuple[str]:
    return (read_card(path).weights,)


CARDS = Store(
    "scorer",
    home.scorers_dir,
    ".toml",
    whole=is_whole,
    built_in=SCORERS.names,
    beside=ENDINGS,
    companions=_weights,
)


def trainings() -> Path:
    """The folder of the states of trainings, each in a folder NAME-KEY."""
    return home.state_dir() / "train-scorer"


def discard_training(name: str) -> None:
    """Remove the state of the training whose card the user's scorer `name` is, if that is left."""
    with suppress(OSError, LattyError):
        card = digest(CARDS.place(name))
        for folder in trainings().glob(f"{name}-*"):
            with suppress(OSError, LattyError):
                if reading.text(folder / ENDED, reading.SMALL) == card:
                    folders.discard(folder)


def files_of(ref: str) -> tuple[Path, ...]:
    """The card of a scorer and its weights; () of one that comes with latty. Raises Missing,
    PresetError, OutputError."""
    if ref in CARDS.built_in():
        return ()
    card = CARDS.find(ref)
    return card, card.parent / read_card(card).weights


def is_card(path: Path) -> bool:
    """Whether a file is a classifier's TOML, right or wrong: it names weights and outputs. Raises
    OutputError where the disk fails."""
    if path.suffix.lower() != CARDS.suffix:
        return False
    try:
        data = tomllib.loads(reading.text(path))
    except (OSError, ValueError, RecursionError, BadData) as error:
        reading.raise_of_disk(error, path)
        return False
    return {"weights", "outputs"} <= set(data)


def add(path: Path, name: str, overwrite: bool = False) -> Path:
    """Try a TOML and its weights, then keep a copy under that name; returns the new TOML.

    Weights of torch become safetensors. Raises UsageError, WouldOverwrite, Locked, Missing,
    BadData, OutputError.
    """
    import tomlkit

    with CARDS.claimed(name, overwrite):
        from latty.attributes import classifier

        stamps, card = Stamps.now(path), read_card(path)
        stamps |= Stamps.now(weights := path.parent / card.weights)
        classifier.open_card(path)  # nothing broken is stored
        said = reading.text(path)
        stamps.check()
        text = tomlkit.parse(said)
        if card.kind == "onnx":
            ending, pieces = ".onnx", [reading.content(weights, LARGEST)]
        else:
            from safetensors.torch import save

            text.pop("prefix", None)
            tensors = classifier.own_tensors(card, weights)
            packed = save({key: tensor.contiguous() for key, tensor in tensors.items()})
            ending, pieces = ".safetensors", [packed]

        def spelt_with(names: Sequence[str]) -> list[bytes]:
            text["weights"] = names[0]
            stamps.check()
            return [tomlkit.dumps(text).encode()]

        return CARDS.write(name, spelt_with, {ending: pieces})


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
