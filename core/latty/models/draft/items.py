"""What a network is made of, in the order of a file: modules by name, and what is known of them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from latty.checkpoints.values import Record
from latty.models.weight_names import PARTS, RUNNING, SHAPED
from latty.text import clean

Shape = tuple[int, ...]
Keys = dict[str, Any]
ACTIVATIONS = (
    *("relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "softplus", "glu"),
    *("tanh", "sigmoid"),
)
NOTHING = "nothing"  # what acts in training alone, or changes no number
CLASS = re.compile(r"emb|label|class", re.I)


@dataclass
class Item:
    """One module.

    prefix      of its tensors' names, as the file has them
    shapes      of its tensors, by the rest of their names
    kind        of layer; "" where only the shapes can tell
    keys        of the layer in a spec that its attributes say
    remark      what is to be said about it
    layers      of a sum
    shortcut    what is added to them
    """

    prefix: str
    shapes: dict[str, Shape] = field(default_factory=dict)
    kind: str = ""
    keys: Keys = field(default_factory=dict)
    remark: str = ""
    layers: list["Item"] = field(default_factory=list)
    shortcut: list["Item"] = field(default_factory=list)

    @property
    def weight(self) -> Shape:
        """The shape of its weight, () where it has none."""
        return next((self.shapes[name] for name in SHAPED if name in self.shapes), ())

    @property
    def place(self) -> tuple[str, int]:
        """The name of what holds it, and its number in that; -1 where it has a name."""
        holder, _, own = self.prefix.rpartition(".")
        return holder, int(own) if own.isascii() and own.isdecimal() else -1


def inputs_of(item: Item) -> int:
    """The channels that a layer reads; of a convolution of unknown direction, if transposed."""
    return item.weight[1] if item.kind in ("linear", "conv") else (item.weight or (0,))[0]


# --- from a state_dict ---------------------------------------------------------------------------


def from_shapes(shapes: Mapping[str, Shape], lead: str) -> list[Item]:
    """Modules by the names of their tensors, as (O, I, k, k); `lead` goes before each name."""
    found: dict[str, Item] = {}
    for name, shape in shapes.items():
        part = next((p for p in PARTS if name.endswith(f".{p}") or name == p), "")
        prefix = name.removesuffix(part).removesuffix(".")
        found.setdefault(prefix, Item(lead + prefix)).shapes[part] = shape
    for item in found.values():
        item.kind = _kind(item)
    return list(found.values())


def _kind(item: Item) -> str:
    weight = item.weight
    if any(part in item.shapes for part in RUNNING):
        return "batch_norm"
    if len(weight) == 2:
        return "embedding" if CLASS.search(item.prefix) and "bias" not in item.shapes else "linear"
    if len(weight) == 3:
        return "layer_norm"
    if len(weight) == 1:
        return "norm" if "bias" in item.shapes else "prelu"
    return "convolution" if len(weight) == 4 else ""


# --- from a whole module -------------------------------------------------------------------------


def _plain(**defaults: Any) -> Callable[[Keys], Keys]:
    """Keys of a layer by torch's attributes: torch's name = (our name, torch's default)."""

    def keys(attributes: Keys) -> Keys:
        found = {}
        for name, (ours, default) in defaults.items():
            value = _pair(attributes.get(name, default))
            if value is not None and value != default:
                found[ours] = value
        return found

    return keys


def _pair(value: Any) -> Any:
    """(2, 2) as 2, other tuples as lists, 2.0 as 2."""
    if isinstance(value, tuple | list):
        same = len({*value}) == 1
        return _pair(value[0]) if same else [_pair(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


SPACED = _plain(stride=("stride", 1), padding=("padding", 0), dilation=("dilation", 1),
                  groups=("groups", 1), padding_mode=("mode", "zeros"),
                  output_padding=("output_padding", 0))  # fmt: skip


def _spaced(a: Keys) -> Keys:
    """Keys of a convolution, whose padding may be a word: "valid", or "same" as numbers."""
    found = SPACED(a)
    if found.get("padding") == "valid":
        del found["padding"]
    elif found.get("padding") == "same":
        spread = zip(a["kernel_size"], a["dilation"], strict=True)
        found["padding"] = _pair(tuple(d * (k - 1) // 2 for k, d in spread))
    return found


POOL = _plain(kernel_size=("kernel", None), stride=("stride", None), padding=("padding", 0))
EPS = _plain(eps=("eps", 1e-5), affine=("affine", True), elementwise_affine=("affine", True))


def _upsample(a: Keys) -> Keys:
    named = {"size": list(a["size"]) if isinstance(a.get("size"), tuple | list) else None}
    if isinstance(a.get("size"), int):
        named["size"] = [a["size"]] * 2
    factor = {} if named["size"] else {"factor": _pair(a.get("scale_factor") or 2)}
    mode = str(a.get("mode", "nearest")).removesuffix("-exact")  # alike, for whole factors
    smooth = {"mode": mode, "align_corners": bool(a.get("align_corners"))}
    kept = {key: value for key, value in named.items() if value}
    return {**kept, **factor, **(smooth if mode != "nearest" else {})}


def _padding(mode: str) -> Callable[[Keys], Keys]:
    return lambda a: {"padding": _pair(a.get("padding", 0)), "mode": mode}


def _unflatten(a: Keys) -> Keys:
    size = a.get("unflattened_size", ())
    return {"shape": list(size)} if isinstance(size, tuple | list) and len(size) == 3 else {}


NONE = _plain()
IDLE = ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout", "Flatten",
        "Identity")  # fmt: skip
TORCH: dict[str, tuple[str, Callable[[Keys], Keys]]] = {
    "Linear": ("linear", NONE),
    "Conv2d": ("conv", _spaced),
    "ConvTranspose2d": ("conv_transpose", SPACED),
    "BatchNorm1d": ("batch_norm", EPS),
    "BatchNorm2d": ("batch_norm", EPS),
    "SyncBatchNorm": ("batch_norm", EPS),
    "LayerNorm": ("layer_norm", EPS),
    "GroupNorm": ("group_norm", lambda a: {"groups": a.get("num_groups", 1), **EPS(a)}),
    "InstanceNorm2d": ("instance_norm", lambda a: {
        **_plain(eps=("eps", 1e-5), track_running_stats=("running", False))(a)}),
    "ReLU": ("relu", NONE),
    "LeakyReLU": ("leaky_relu", _plain(negative_slope=("slope", None))),
    "PReLU": ("prelu", NONE),
    "ELU": ("elu", _plain(alpha=("alpha", 1))),
    "SELU": ("selu", NONE),
    "GELU": ("gelu", _plain(approximate=("approximate", "none"))),
    "SiLU": ("silu", NONE),
    "Softplus": ("softplus", NONE),
    "GLU": ("glu", NONE),
    "Tanh": ("tanh", NONE),
    "Sigmoid": ("sigmoid", NONE),
    "Upsample": ("upsample", _upsample),
    "UpsamplingNearest2d": ("upsample", _upsample),
    "UpsamplingBilinear2d": ("upsample", _upsample),
    "PixelShuffle": ("pixel_shuffle", _plain(upscale_factor=("factor", None))),
    "AvgPool2d": ("avg_pool", POOL),
    "MaxPool2d": ("max_pool", POOL),
    "ReflectionPad2d": ("pad", _padding("reflect")),
    "ReplicationPad2d": ("pad", _padding("replicate")),
    "ZeroPad2d": ("pad", _padding("zeros")),
    "Unflatten": ("reshape", _unflatten),
    "Embedding": ("embedding", NONE),
    **dict.fromkeys(IDLE, (NOTHING, NONE)),
}  # fmt: skip
CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "DataParallel")


def from_module(module: Record, lead: str) -> list[Item]:
    """The layers of a whole module in the order in which they were made, with their settings."""
    return list(_layers(module, lead))


def _layers(module: Record, prefix: str) -> Iterator[Item]:
    name = clean(module.class_name.rpartition(".")[2])
    if module.class_name.startswith("torch.nn.") and name in TORCH:
        kind, keys = TORCH[name]
        shapes = {key: view.shape for key, view in module.tensors.items()}
        yield Item(prefix, shapes, kind, keys(module.attributes))
        return
    if not module.children:
        yield Item(prefix, kind=NOTHING, remark=f"FILL IN: what {name} does here")
    elif name not in CONTAINERS:
        what = f'check: {name} runs its layers in this order? a sum is kind = "residual"'
        yield Item(prefix, kind=NOTHING, remark=what)
    for key, child in module.children.items():
        yield from _layers(child, f"{prefix}.{key}".lstrip("."))
