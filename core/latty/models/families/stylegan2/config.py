"""From tensors of strangers to a Config and a state that fit, or one error that says what does not.

Nothing is allocated from a number in a file: sizes come from the tensors that are there.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from latty.errors import BadData, did_you_mean
from latty.models.base import Meta, Shapes
from latty.models.families.stylegan2.network import Config
from latty.models.ops import ACTIVATIONS

FILTER = "resample_filter"  # NVIDIA's files hold it per module; ours is a number of the Config
MAX_TAPS = 64  # far beyond any design
UNSEEN = (
    "activation",
    "mapping_activation",
    "conv_clamp",
    "mapping_lr",
    FILTER,
    "label_norm",
)  # what only the header can say
AGAIN = "import the model again"


def read_config(shapes: Shapes, meta: Meta) -> Config:
    """What the tensors show and, for what they cannot show, what the file's header says."""
    shown = _infer(shapes)
    said = _header(meta)
    known = asdict(shown)
    for key, value in said.items():
        if key not in known:
            raise BadData(f"the header's config has no key '{key}'", did_you_mean(key, known))
        value = tuple(value) if isinstance(value, list) else value
        if key not in UNSEEN and value != known[key]:
            raise BadData(f"the header says {key} = {value}, the tensors {known[key]}", AGAIN)
    unseen = {key: _unseen(key, said[key]) for key in UNSEEN if key in said}
    return replace(shown, **unseen)


def _header(meta: Meta) -> dict[str, Any]:
    try:
        said = json.loads(meta.get("config", "{}"))
    except (ValueError, RecursionError):
        raise BadData("the header's config is not JSON", AGAIN) from None
    if not isinstance(said, dict):
        raise BadData("the header's config is no JSON object", AGAIN)
    return said


def _is_number(value: Any) -> bool:
    kind = isinstance(value, int | float) and not isinstance(value, bool)
    return kind and math.isfinite(value)


def _unseen(key: str, value: Any) -> Any:
    """A header value that changes the arithmetic, in its own type."""
    if key.endswith("activation") and isinstance(value, str) and value in ACTIVATIONS:
        return value
    if key == "conv_clamp" and value is None:
        return None
    if key == "label_norm" and value in ("each", "joint"):
        return str(value)
    if key in ("conv_clamp", "mapping_lr") and _is_number(value) and value > 0:
        return float(value)
    if key == FILTER and _are_taps(value):
        return tuple(float(tap) for tap in value)
    hint = did_you_mean(str(value), ACTIVATIONS) if key.endswith("activation") else AGAIN
    raise BadData(f"the header's {key} cannot be {value!r}", hint)


def _are_taps(value: Any) -> bool:
    counted = isinstance(value, list) and 1 <= len(value) <= MAX_TAPS
    return counted and all(_is_number(tap) for tap in value) and sum(value) > 0


def _shape(shapes: Shapes, name: str, dims: int) -> Sequence[int]:
    if name not in shapes:
        raise BadData(f"tensor '{name}' is missing")
    if len(shapes[name]) != dims or 0 in shapes[name]:
        raise BadData(f"tensor '{name}' has the shape {list(shapes[name])}, not {dims} dimensions")
    return shapes[name]


def _infer(shapes: Shapes) -> Config:
    blocks = [name for name in shapes if name.endswith(".conv1.weight")]
    sizes = [4 << i for i in range(len(blocks))] or [4]
    channels = [_shape(shapes, f"synthesis.b{size}.conv1.weight", 4)[0] for size in sizes]
    mapped = [name for name in shapes if name.startswith("mapping.fc") and name.endswith(".weight")]
    w_dim = _shape(shapes, "synthesis.b4.conv1.affine.weight", 2)[1]
    hidden, z_dim = _shape(shapes, "mapping.fc0.weight", 2)
    embed, c_dim = 0, 0
    if "mapping.embed.weight" in shapes:
        embed, c_dim = _shape(shapes, "mapping.embed.weight", 2)
        z_dim -= embed
    architecture = "skip" if "synthesis.b4.torgb.weight" in shapes else "orig"
    if any(name.endswith(".skip.weight") for name in shapes):
        architecture = "resnet"
    return Config(
        z_dim=z_dim,
        w_dim=w_dim,
        c_dim=c_dim,
        resolution=sizes[-1],
        img_channels=_shape(shapes, f"synthesis.b{sizes[-1]}.torgb.weight", 4)[0],
        channels=tuple(channels),
        mapping_layers=len(mapped),
        architecture=architecture,
        use_noise=any(name.endswith(".noise_strength") for name in shapes),
        embed_dim=embed if embed != w_dim else 0,
        hidden_dim=hidden if hidden != w_dim and len(mapped) > 1 else 0,
    )


def read_taps(tensors: Mapping[str, Tensor], config: Config) -> tuple[float, ...]:
    """The FIR taps: from the filter buffers where the file has them, else the config's."""
    # conv1 has a filter in NVIDIA's files, but never uses it.
    names = [n for n in tensors if n.endswith(FILTER) and not n.endswith(f"conv1.{FILTER}")]
    found: tuple[float, ...] | None = None
    for name in names:
        taps = _taps(name, tensors[name].double())
        if found is not None and not _close(taps, found):
            raise BadData(f"tensor '{name}' differs from '{names[0]}'", "one filter per model")
        found = found or taps
    unit = [tap / sum(config.resample_filter) for tap in config.resample_filter]
    return config.resample_filter if found is None or _close(found, unit) else found


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    return len(a) == len(b) and all(abs(p - q) < 1e-6 for p, q in zip(a, b, strict=True))


def _taps(name: str, kernel: Tensor) -> tuple[float, ...]:
    """Taps (T,) of a filter (T, T), which must be their outer product, or (T,), of sum 1."""
    square = kernel.dim() == 2 and kernel.shape[0] == kernel.shape[1]
    if not (square or kernel.dim() == 1) or not 1 <= kernel.shape[0] <= MAX_TAPS:
        raise BadData(f"tensor '{name}' has the shape {list(kernel.shape)}, which is no filter")
    line = kernel.sum(0) if square else kernel
    wanted = torch.outer(line, line) if square else line
    if not bool(torch.isfinite(kernel).all()) or abs(float(line.sum()) - 1) > 1e-3:
        raise BadData(f"tensor '{name}' is no filter of sum 1")
    if not torch.allclose(kernel, wanted, atol=1e-5):
        raise BadData(f"tensor '{name}' is no product of one line of taps with itself")
    return tuple(line.tolist())


def checked(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors as float32, after a check of every name, shape and number."""
    for name in tensors:
        if name not in wanted and not name.endswith(f".{FILTER}"):
            raise BadData(f"tensor '{name}' is no part of this network", did_you_mean(name, wanted))
    for name, place in wanted.items():
        if name not in tensors:
            raise BadData(f"tensor '{name}' is missing")
        tensor = tensors[name]
        if tensor.shape != place.shape:
            was, must = list(tensor.shape), list(place.shape)
            raise BadData(f"tensor '{name}' has the shape {was}, it must have {must}")
        if not tensor.is_floating_point():
            raise BadData(f"tensor '{name}' is {tensor.dtype}, not floating point")
        if not bool(torch.isfinite(tensor).all()):
            raise BadData(f"tensor '{name}' holds numbers that are not finite")
    return {name: tensors[name].detach().to(torch.float32, copy=True) for name in wanted}
