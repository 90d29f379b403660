"""From the tensors of a file to a StyleGAN2Config that fits, or one error that says what does not.

Nothing is allocated from a number in a file: sizes come from the tensors that are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from torch import Tensor

from latty.errors import BadData, did_you_mean
from latty.models.base import Meta, Shapes
from latty.models.families.stylegan2.network import StyleGAN2Config
from latty.models.ops import ACTIVATIONS
from latty.models.state_dict import (
    MAX_TAPS,
    filter_taps,
    header_config,
    is_number,
    shape_of,
)

FILTER = "resample_filter"  # NVIDIA's files hold it per module, a StyleGAN2Config once
UNSEEN = (
    "activation",
    "mapping_activation",
    "conv_clamp",
    "mapping_lr",
    FILTER,
    "label_norm",
)  # what only the header can say
AGAIN = "import the model again"


def read_config(shapes: Shapes, meta: Meta) -> StyleGAN2Config:
    """What the tensors show and, for what they cannot show, what the file's header says.
    Raises BadData where both contradict each other, or a setting is impossible."""
    shown = _infer(shapes)
    said = header_config(meta)
    known = asdict(shown)
    for key, value in said.items():
        if key not in known:
            raise BadData(f"the header's config has no key '{key}'", did_you_mean(key, known))
        value = tuple(value) if isinstance(value, list) else value
        if key not in UNSEEN and value != known[key]:
            raise BadData(f"the header says {key} = {value}, the tensors {known[key]}", AGAIN)
    unseen = {key: _unseen(key, said[key]) for key in UNSEEN if key in said}
    return replace(shown, **unseen)


def _unseen(key: str, value: Any) -> Any:
    """A header value that changes the arithmetic, in its own type."""
    if key.endswith("activation") and isinstance(value, str) and value in ACTIVATIONS:
        return value
    if key == "conv_clamp" and value is None:
        return None
    if key == "label_norm" and value in ("each", "joint"):
        return str(value)
    if key in ("conv_clamp", "mapping_lr") and is_number(value) and value > 0:
        return float(value)
    if key == FILTER and _are_taps(value):
        return tuple(float(tap) for tap in value)
    hint = did_you_mean(str(value), ACTIVATIONS) if key.endswith("activation") else AGAIN
    raise BadData(f"the header's {key} cannot be {value!r}", hint)


def _are_taps(value: Any) -> bool:
    counted = isinstance(value, list) and 1 <= len(value) <= MAX_TAPS
    return counted and all(is_number(tap) for tap in value) and sum(value) > 0


def _infer(shapes: Shapes) -> StyleGAN2Config:
    blocks = [name for name in shapes if name.endswith(".conv1.weight")]
    sizes = [4 << i for i in range(len(blocks))] or [4]
    channels = [shape_of(shapes, f"synthesis.b{size}.conv1.weight", 4)[0] for size in sizes]
    _, height, width = shape_of(shapes, "synthesis.b4.const", 3)
    mapped = [name for name in shapes if name.startswith("mapping.fc") and name.endswith(".weight")]
    w_dim = shape_of(shapes, "synthesis.b4.conv1.affine.weight", 2)[1]
    hidden, z_dim = shape_of(shapes, "mapping.fc0.weight", 2)
    embed, c_dim = 0, 0
    if "mapping.embed.weight" in shapes:
        embed, c_dim = shape_of(shapes, "mapping.embed.weight", 2)
        z_dim -= embed
    architecture = "skip" if "synthesis.b4.torgb.weight" in shapes else "orig"
    if any(name.endswith(".skip.weight") for name in shapes):
        architecture = "resnet"
    return StyleGAN2Config(
        z_dim=z_dim,
        w_dim=w_dim,
        c_dim=c_dim,
        resolution=max(height, width) << (len(sizes) - 1),
        img_channels=shape_of(shapes, f"synthesis.b{sizes[-1]}.torgb.weight", 4)[0],
        channels=tuple(channels),
        mapping_layers=len(mapped),
        architecture=architecture,
        use_noise=any(name.endswith(".noise_strength") for name in shapes),
        embed_dim=embed if embed != w_dim else 0,
        start=(height, width),
        hidden_dim=hidden if hidden != w_dim and len(mapped) > 1 else 0,
    )


def read_taps(tensors: Mapping[str, Tensor], config: StyleGAN2Config) -> tuple[float, ...]:
    """The FIR taps: from the filter buffers (T, T) where the file has them, else the config's.
    Raises BadData for kernels that are no product of one line of taps, or differ."""
    # conv1 has a filter in NVIDIA's files, but never uses it.
    names = [n for n in tensors if n.endswith(FILTER) and not n.endswith(f"conv1.{FILTER}")]
    found: tuple[float, ...] | None = None
    for name in names:
        taps = filter_taps(name, tensors[name].double())
        if found is not None and not _close(taps, found):
            raise BadData(f"tensor '{name}' differs from '{names[0]}'", "one filter per model")
        found = found or taps
    unit = [tap / sum(config.resample_filter) for tap in config.resample_filter]
    return config.resample_filter if found is None or _close(found, unit) else found


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    return len(a) == len(b) and all(abs(p - q) < 1e-6 for p, q in zip(a, b, strict=True))
