"""NVIDIA's PyTorch files of StyleGAN2 and StyleGAN3 (stylegan2-ada-pytorch, stylegan3).

Both repositories name their classes alike and differ in their defaults: the settings are read from
the pickled modules themselves, and which network it is from its tensors. Our own tensor names are
NVIDIA's, so state dicts exported from these networks are read here too.
"""

import re
from dataclasses import replace
from typing import Any

import torch

from latty.checkpoints.refusals import Refusal
from latty.models.conversion import classes
from latty.models.conversion import stylegan2 as common
from latty.models.families.stylegan2.config import FILTER, read_config, read_taps
from latty.models.parts import Converted, Part
from latty.models.state_dict import shapes_of

ORIGIN = "StyleGAN2 and StyleGAN2-ADA of NVIDIA in PyTorch, .pkl"
CHECKED = "the reference code's own output, 32 px, with and without classes"
FAMILY = "stylegan2"
SIGNATURE = {
    "synthesis.b4.const": 3,
    "synthesis.b4.conv1.affine.weight": ...,
    "mapping.fc0.weight": ...,
}
PICTURE = (r"synthesis\.b4\.const", r"synthesis\.b\d+\.conv1\.weight")

EXPORTS = {"as": "nvidia", "of": "model", "suffix": ".safetensors"}

SETTINGS = ("z_dim",)
FIRST = "mapping.fc0.weight"
ASSUMED = "activation, clamp and learning rate are not in the file: NVIDIA's defaults are assumed"
OTHERS = re.compile(r"\.(affine|skip)\.")  # linear and unclamped in every network
ASK = "ask its author which network it is"


def convert(part: Part) -> Converted:
    """Settings from the modules' attributes, or the defaults for a bare state dict."""
    settings = part.attributes
    notes: tuple[str, ...] = () if part.module is not None else (ASSUMED,)
    if "mapping.embed.weight" not in part.views:
        z_dim = settings.get("mapping.z_dim")
        notes += classes.check_latent(part.shapes[FIRST], FIRST, part.beside, z_dim)
    taken: dict[str, Any] = {
        "activation": _one(settings, "activation", "lrelu", "synthesis."),
        "conv_clamp": _one(settings, "conv_clamp", None, "synthesis."),
        "mapping_activation": _one(settings, "activation", "lrelu", "mapping.fc"),
        "mapping_lr": _one(settings, "bias_gain", 0.01, "mapping.fc"),
    }
    if taken["conv_clamp"] is not None:
        taken["conv_clamp"] = float(taken["conv_clamp"])
    return common.finished(part.torch(), notes, **taken)


def _one(settings: dict[str, Any], key: str, default: Any, under: str) -> Any:
    """A setting of the convolutions or of the mapping's layers."""
    values = {
        path: value
        for path, value in settings.items()
        if path.startswith(under) and path.endswith(f".{key}") and not OTHERS.search(path)
    }
    value = common.common(key, values, default)
    if value is not None and not isinstance(value, str | int | float):
        raise Refusal("unknown-architecture", f"its {key} is {value!r:.40}", ASK)
    return value


def export(model: Converted) -> Converted:
    """A StyleGAN2's state_dict, filters included. Raises BadData for what it cannot hold."""
    config = read_config(shapes_of(model.tensors), model.meta)
    config = replace(config, resample_filter=read_taps(model.tensors, config))
    common.refuse_beyond(config, "a state_dict of NVIDIA's", label=True, widths=False)
    line = torch.tensor(config.resample_filter)
    kernel = torch.outer(line, line) / line.sum() ** 2
    tensors = common.at_usual_rate(model.tensors, config)
    for block in config.blocks:
        parts = ("", "conv1.") if block == 4 else ("", "conv0.", "conv1.")
        for part in (*parts, "skip.") if config.architecture == "resnet" and block > 4 else parts:
            tensors[f"synthesis.b{block}.{part}{FILTER}"] = kernel
    return Converted(tensors, {}, common.beyond(config))
