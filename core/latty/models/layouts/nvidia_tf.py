"""NVIDIA's TensorFlow files of StyleGAN2 (stylegan2, stylegan2-ada): a tuple (G, D, Gs).

As NVIDIA's own converter (legacy.py of stylegan3) reads them: matrices transposed, convolutions
HWIO -> OIHW, up-sampling ones turned by half a turn, and 1 added to the biases of styles.
"""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models.conversion import classes, tensorflow
from latty.models.conversion import stylegan2 as common
from latty.models.parts import Converted, Part
from latty.models.state_dict import only

ORIGIN = "StyleGAN2 and StyleGAN2-ADA of NVIDIA in TensorFlow, .pkl"
CHECKED = "the output of NVIDIA's own converter, 32 px; no TensorFlow was run"
FAMILY = "stylegan2"
SIGNATURE = {"synthesis.4x4/Conv/mod_weight": ..., "mapping.Dense0/weight": ...}
PICTURE = (r"synthesis\.4x4/Const/const", r"synthesis\.\d+x\d+/Conv1?/mod_weight")

ONLY = {"normalize_latents": True}
USED = ("nonlinearity", "mapping_nonlinearity", "mapping_lrmul", "resample_kernel", "conv_clamp",
        "use_noise")  # fmt: skip
DENSE0 = "mapping.Dense0/weight"
LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}
UP = ("Conv0_up", "Skip")
UNUSED = ("lod", "synthesis.lod")

LAYER = re.compile(r"synthesis\.(\d+)x\1/(\w+)/(\w+)")
DENSE = re.compile(r"mapping\.Dense(\d+)/(weight|bias)")
EMBED = re.compile(r"mapping\.LabelEmbed/(weight|bias)")
NOISE = re.compile(r"synthesis\.noise(\d+)")


def convert(part: Part) -> Converted:
    """Tensors in NVIDIA's PyTorch names; settings from the arguments the network was made with."""
    given, tensors = part.torch(), {}
    label = given.pop("mapping.LabelConcat/weight", None)
    for name, tensor in given.items():
        if name not in UNUSED:
            new, change = _renamed(name)
            tensors[new] = change(tensor)
    kwargs = tensorflow.arguments(part)
    only(kwargs, ONLY)
    notes = tensorflow.remarks(kwargs, *ONLY, *USED)
    if label is None and "mapping.LabelEmbed/weight" not in given:
        first = part.shapes[DENSE0][::-1]
        notes += classes.check_latent(first, DENSE0, {}, kwargs.get("latent_size"))
    settings: dict[str, Any] = {
        "activation": _value(kwargs, "nonlinearity", str, "lrelu"),
        "mapping_activation": _value(kwargs, "mapping_nonlinearity", str, "lrelu"),
        "mapping_lr": float(_value(kwargs, "mapping_lrmul", (int, float), 0.01)),
        "resample_filter": _taps(_value(kwargs, "resample_kernel", list, [1, 3, 3, 1])),
    }
    clamp = _value(kwargs, "conv_clamp", (int, float), None)
    settings["conv_clamp"] = None if clamp is None else float(clamp)
    if label is not None:
        common.add_label(tensors, label)
        settings["label_norm"] = "joint"
    return common.finished(tensors, notes, **settings)


def _renamed(name: str) -> tuple[str, Callable[[Tensor], Tensor]]:
    """The new name of a variable, and what is done to its numbers."""
    if name == "dlatent_avg":
        return "mapping.w_avg", torch.clone
    if found := DENSE.fullmatch(name):
        return f"mapping.fc{found[1]}.{found[2]}", _transposed
    if found := EMBED.fullmatch(name):
        return f"mapping.embed.{found[1]}", _transposed
    if found := NOISE.fullmatch(name):
        layer = int(found[1])
        block = f"synthesis.b{4 << (layer + 1) // 2}" if layer < 32 else "?"
        return f"{block}.conv{1 - layer % 2}.noise_const", _picture
    if name == "synthesis.4x4/Const/const":
        return "synthesis.b4.const", _first
    found = LAYER.fullmatch(name)
    if found and found[2] in LAYERS:
        place = f"synthesis.b{found[1]}.{LAYERS[found[2]]}"
        return _of_layer(place, found[2], found[3])
    what = f"variable '{name}' is no part of a StyleGAN2 generator"
    raise Refusal("unknown-architecture", what, "see: latty inspect FILE")


def _of_layer(place: str, kind: str, last: str) -> tuple[str, Callable[[Tensor], Tensor]]:
    if last == "weight":
        return f"{place}.weight", _flipped if kind in UP else _ordered
    if last == "mod_weight":
        return f"{place}.affine.weight", _transposed
    if last == "mod_bias":
        return f"{place}.affine.bias", _plus_one
    return f"{place}.{last}", torch.clone


def _transposed(tensor: Tensor) -> Tensor:
    return tensor.t().contiguous() if tensor.dim() == 2 else tensor


def _ordered(weight: Tensor) -> Tensor:
    """(H, W, I, O) -> (O, I, H, W)."""
    if weight.dim() != 4:
        raise Refusal("wrong-shape", f"a convolution has the shape {list(weight.shape)}")
    return weight.permute(3, 2, 0, 1).contiguous()


def _flipped(weight: Tensor) -> Tensor:
    """The same, turned by half a turn: TensorFlow's transposed convolution is a correlation."""
    return _ordered(weight).flip(2, 3)


def _plus_one(bias: Tensor) -> Tensor:
    return bias + 1


def _first(tensor: Tensor) -> Tensor:
    """(1, C, 4, 4) -> (C, 4, 4)."""
    return tensor[0].clone() if tensor.dim() and tensor.shape[0] else tensor


def _picture(tensor: Tensor) -> Tensor:
    """(1, 1, H, W) -> (H, W)."""
    return _first(_first(tensor))


def _value(kwargs: dict[str, Any], key: str, kind: Any, default: Any) -> Any:
    value = kwargs.get(key)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadData(f"its setting {key} is {value!r:.40}", "the file is damaged; fetch it again")
    return value


def _taps(value: Any) -> tuple[float, ...]:
    good = all(isinstance(tap, int | float) and not isinstance(tap, bool) for tap in value)
    if not good or not 1 <= len(value) <= 64 or not sum(value) > 0:
        raise BadData("its setting resample_kernel is no list of taps", "fetch the file again")
    return tuple(float(tap) for tap in value)
