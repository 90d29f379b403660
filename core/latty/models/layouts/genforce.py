"""StyleGAN2 of genforce (sefa, genforce, higan): {"generator_smooth", "generator", ...}.

Its up-sampling convolutions are stored as TensorFlow had them, half a turn away from NVIDIA's, and
1 is added to the styles in code. Its ProGAN and StyleGAN1 have families or origins of their own.
"""

import math
import re
from typing import Any

from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.conversion import classes
from latty.models.conversion import stylegan2 as common
from latty.models.parts import Converted, Part
from latty.models.state_dict import only, positive

ORIGIN = "StyleGAN2 of genforce and SeFa, .pth"
CHECKED = "the reference code's own output, 16 and 32 px"
FAMILY = "stylegan2"
SIGNATURE = {  # other networks of genforce have no strength of noise per layer
    "synthesis.early_layer.const": ...,
    "synthesis.layer0.noise_strength": ...,
    "mapping.dense0.weight": ...,
}
PICTURE = (r"synthesis\.early_layer\.const", r"synthesis\.layer(0|\d*[13579])\.weight")

SETTINGS = ("z_dim", "z_space_dim", "mapping_lr_mul")
ONLY = {  # other values of their settings would need other arithmetic
    "final_tanh": False,
    "const_input": True,
    "demodulate": True,
    "use_wscale": True,
    "repeat_w": True,
    "noise_type": "spatial",
}
MAPPING_LR = 0.01
DENSE = "mapping.dense0.weight"
KERNEL = re.compile(r"(filter|upsample)\.kernel$")
FIRST = "synthesis.early_layer.const"


def convert(part: Part) -> Converted:
    said, notes = part.beside, list[str]()
    only(said, ONLY)
    if "mapping.label_weight" not in part.views:
        notes += classes.check_latent(part.shapes[DENSE], DENSE, said)
    given = part.torch()
    kernels = [given.pop(name) for name in list(given) if KERNEL.search(name)]
    kernels = [kernel.reshape(kernel.shape[-2:]) for kernel in kernels]
    tensors: dict[str, Tensor] = {"synthesis.b4.const": common.take(given, FIRST)[0]}
    settings: dict[str, Any] = {"mapping_lr": positive(said, "mapping_lr_mul", MAPPING_LR)}
    label = given.pop("mapping.label_weight", None)
    for name in [name for name in given if name.startswith("mapping.dense")]:
        new = name.replace("dense", "fc", 1)
        tensors[new] = given.pop(name)
    if label is not None:
        common.add_label(tensors, label)
        settings["label_norm"] = "joint"
    if "truncation.w_avg" in given:
        tensors["mapping.w_avg"] = given.pop("truncation.w_avg").flatten()
    count = sum(re.fullmatch(r"synthesis\.layer\d+\.weight", name) is not None for name in given)
    for layer in range(count):
        size = 4 << (layer + 1) // 2
        _conv(given, tensors, layer, f"synthesis.b{size}.conv{1 - layer % 2}")
    for block in range(count // 2 + 1):
        if f"synthesis.output{block}.weight" in given:
            old, new = f"synthesis.output{block}", f"synthesis.b{4 << block}.torgb"
            for last in ("weight", "bias"):
                tensors[f"{new}.{last}"] = common.take(given, f"{old}.{last}")
            _style(given, tensors, old, new)
    common.refuse_rest(given)
    return common.finished(tensors, notes, resample_filter=common.one_kernel(kernels), **settings)


def _conv(given: dict[str, Tensor], tensors: dict[str, Tensor], layer: int, new: str) -> None:
    old = f"synthesis.layer{layer}"
    weight = common.take(given, f"{old}.weight")
    if weight.dim() != 4 or 0 in weight.shape:
        raise Refusal("wrong-shape", f"'{old}.weight' has the shape {list(weight.shape)}")
    weight = weight.flip(2, 3) if layer % 2 else weight
    tensors[f"{new}.weight"] = weight / math.sqrt(weight[0].numel())
    tensors[f"{new}.bias"] = common.take(given, f"{old}.bias")
    strength = given.pop(f"{old}.noise_strength", None)
    if strength is not None:
        tensors[f"{new}.noise_strength"] = strength.reshape(())
    noise = given.pop(f"{old}.noise", None)
    if noise is not None:
        const = tensors["synthesis.b4.const"]
        tensors[f"{new}.noise_const"] = common.noise_picture(f"{old}.noise", noise, const, layer)
    _style(given, tensors, old, new)


def _style(given: dict[str, Tensor], tensors: dict[str, Tensor], old: str, new: str) -> None:
    tensors[f"{new}.affine.weight"] = common.take(given, f"{old}.style.weight")
    tensors[f"{new}.affine.bias"] = common.take(given, f"{old}.style.bias") + 1
