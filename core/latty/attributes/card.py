"""A picture classifier in a few lines of TOML: how pictures enter its weights and what comes out.

docs/scorers.md is the page for people. A card is data: `read` checks a file, tells every fault at
once with its place, and needs no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty.attributes import settings
from latty.attributes.rules import GUIDE, faults
from latty.files import cached
from latty.text import clean


@dataclass(frozen=True, slots=True)
class Group:
    """Outputs in a row that share an activation; a softmax runs over the group."""

    names: tuple[str, ...]
    activation: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
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
    layers: tuple[Layer, ...] = ()
    title: str = field(default="", compare=False)
    training: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for name in group.names)


# --- from a file to a Card ------------------------------------------------------------------------


@cached(64)
def read_card(path: Path) -> Card:
    """The card in a TOML file. Raises Missing, OutputError, SpecError with every fault."""
    data, places = settings.load(path, GUIDE)
    settings.refuse(path, faults(data), places)
    return _card(data)


def _card(data: Mapping[str, Any]) -> Card:
    size, outputs = data["size"], data["outputs"]
    if isinstance(outputs[0], str):
        outputs = [
            {"names": outputs, "activation": data["activation"], "unit": data.get("unit", "")}
        ]
    low, high = data.get("range", (0, 1))
    plain = ("kind", "weights", "channels", "crop", "order", "layout", "prefix", "training")
    return Card(
        **{key: data[key] for key in plain if key in data},
        size=(size, size) if isinstance(size, int) else (size[0], size[1]),
        groups=tuple(
            Group(tuple(group["names"]), group["activation"], group.get("unit", ""))
            for group in outputs
        ),
        low=float(low),
        high=float(high),
        mean=_numbers(data.get("mean", 0)),
        std=_numbers(data.get("std", 1)),
        ignore=tuple(data.get("ignore", ())),
        layers=tuple(Layer(**layer) for layer in data.get("layers", ())),
        title=clean(data.get("title", "")),
    )


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(number) for number in (value if isinstance(value, list) else [value]))
