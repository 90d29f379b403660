"""StyleGAN2 of rosinality/stylegan2-pytorch, as GANSpace and WarpedGANSpace load it too.

Its convolutions are scaled by 1 / sqrt(9 I) before they are modulated, so the scale is folded into
the weights: it moves the epsilon of demodulation, and nothing else. Converted files carry
"latent_avg" beside the network; files of its train.py do not.
"""

import math
import re
from dataclasses import replace

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.values import TensorView
from latty.models.conversion import classes
from latty.models.conversion import stylegan2 as common
from latty.models.families.stylegan2.config import read_config, read_taps
from latty.models.parts import Converted, Part, to_torch
from latty.models.state_dict import shapes_of

ORIGIN = "StyleGAN2 of rosinality, GANSpace, WarpedGANSpace and StyleGAN-Human, .pt"
CHECKED = "the reference code's own output, 32 and 64 px; not square by equation only"
FAMILY = "stylegan2"
SIGNATURE = {"input.input": ..., "conv1.conv.modulation.weight": ..., "style.1.weight": ...}
PICTURE = (r"input\.input", r"to_rgb(1|s\.\d+)\.conv\.weight")

EXPORTS = {"as": "rosinality", "of": "model", "suffix": ".safetensors"}

NAMES = "rosinality's StyleGAN2"

KERNEL = re.compile(r"(blur|upsample)\.kernel$")


def convert(part: Part) -> Converted:
    shapes = part.shapes
    first = shapes["style.1.weight"]
    classes.check_latent(first, "style.1.weight", {}, first[0])  # z is as wide as w: one setting
    given = part.torch()
    kernels = [given.pop(name) for name in list(given) if KERNEL.search(name)]
    tensors: dict[str, Tensor] = {"synthesis.b4.const": common.take(given, "input.input")[0]}
    count = 1 + sum(re.fullmatch(r"convs\.\d+\.conv\.weight", name) is not None for name in given)
    for i in range(sum(re.fullmatch(r"style\.\d+\.weight", name) is not None for name in given)):
        for last in ("weight", "bias"):
            tensors[f"mapping.fc{i}.{last}"] = common.take(given, f"style.{i + 1}.{last}")
    for layer in range(count):
        size, old = 4 << (layer + 1) // 2, f"convs.{layer - 1}" if layer else "conv1"
        _conv(given, tensors, old, f"synthesis.b{size}.conv{1 - layer % 2}", layer)
    for block in range(count // 2 + 1):
        old = f"to_rgbs.{block - 1}" if block else "to_rgb1"
        _torgb(given, tensors, old, f"synthesis.b{4 << block}.torgb")
    mean = mean_code(part)
    if mean is not None:
        tensors["mapping.w_avg"] = mean
    common.refuse_rest(given)
    return common.finished(tensors, resample_filter=common.one_kernel(kernels))


def _conv(given: dict[str, Tensor], tensors: dict[str, Tensor], old: str, new: str, i: int) -> None:
    weight = _squeezed(common.take(given, f"{old}.conv.weight"))
    tensors[f"{new}.weight"] = weight / math.sqrt(weight[0].numel() or 1)
    tensors[f"{new}.noise_strength"] = common.take(given, f"{old}.noise.weight").reshape(())
    tensors[f"{new}.bias"] = common.take(given, f"{old}.activate.bias")
    for last in ("weight", "bias"):
        style = common.take(given, f"{old}.conv.modulation.{last}")
        tensors[f"{new}.affine.{last}"] = style
    name = f"noises.noise_{i}"
    noise = given.pop(name, None)  # older files have none
    if noise is not None:
        const = tensors["synthesis.b4.const"]
        tensors[f"{new}.noise_const"] = common.noise_picture(name, noise, const, i)


def _torgb(given: dict[str, Tensor], tensors: dict[str, Tensor], old: str, new: str) -> None:
    tensors[f"{new}.weight"] = _squeezed(common.take(given, f"{old}.conv.weight"))
    tensors[f"{new}.bias"] = common.take(given, f"{old}.bias").flatten()
    for last in ("weight", "bias"):
        tensors[f"{new}.affine.{last}"] = common.take(given, f"{old}.conv.modulation.{last}")


def _squeezed(weight: Tensor) -> Tensor:
    """(1, O, I, k, k) -> (O, I, k, k)."""
    if weight.dim() != 5 or weight.shape[0] != 1 or 0 in weight.shape:
        raise Refusal("wrong-shape", f"a convolution has the shape {list(weight.shape)}")
    return weight[0]


def mean_code(part: Part) -> Tensor | None:
    """The mean code (D,) beside the network; of one for each layer, (L, D), the first."""
    tree = part.checkpoint.tree
    view = tree.get("latent_avg") if part.name and isinstance(tree, dict) else None
    if not isinstance(view, TensorView) or not view.numel:
        return None
    mean = to_torch(view.numpy())
    mean = mean.reshape(-1, mean.shape[-1])[0] if mean.dim() else mean
    return mean if bool(torch.isfinite(mean).all()) else None


# --- the other way --------------------------------------------------------------------------------


def export(model: Converted) -> Converted:
    """A StyleGAN2 under these names, "g_ema." before each, and "latent_avg" beside them. Raises
    BadData for what this layout cannot hold."""
    config = read_config(shapes_of(model.tensors), model.meta)
    config = replace(config, resample_filter=read_taps(model.tensors, config))
    common.refuse_beyond(config, NAMES, label=False, widths=True)
    given = common.at_usual_rate(model.tensors, config)
    tensors = {"input.input": given["synthesis.b4.const"][None]}
    for i in range(config.mapping_layers):
        for last in ("weight", "bias"):
            tensors[f"style.{i + 1}.{last}"] = given[f"mapping.fc{i}.{last}"]
    line = torch.tensor(config.resample_filter)
    kernel = 4 * torch.outer(line, line) / line.sum() ** 2  # 4: it fills in zeros
    for layer in range(config.num_layers - 1):
        new, block = f"convs.{layer - 1}" if layer else "conv1", (layer + 1) // 2
        old = f"synthesis.b{4 << block}.conv{1 - layer % 2}"
        _give_conv(given, tensors, old, new)
        picture = given.get(f"{old}.noise_const", torch.zeros(config.size(block)))
        tensors[f"noises.noise_{layer}"] = picture[None, None]
        if layer % 2:
            tensors[f"{new}.conv.blur.kernel"] = kernel
    for block in range(len(config.channels)):
        new = f"to_rgbs.{block - 1}" if block else "to_rgb1"
        _give_torgb(given, tensors, f"synthesis.b{4 << block}.torgb", new)
        if block:
            tensors[f"{new}.upsample.kernel"] = kernel
    named = {f"g_ema.{name}": tensor for name, tensor in tensors.items()}
    return Converted({**named, "latent_avg": given["mapping.w_avg"]}, {}, common.beyond(config))


def _give_conv(given: dict[str, Tensor], tensors: dict[str, Tensor], old: str, new: str) -> None:
    weight = given[f"{old}.weight"]
    tensors[f"{new}.conv.weight"] = weight[None] * math.sqrt(weight[0].numel())
    strength = given.get(f"{old}.noise_strength", torch.zeros(()))
    tensors[f"{new}.noise.weight"] = strength.reshape(1)
    tensors[f"{new}.activate.bias"] = given[f"{old}.bias"]
    for last in ("weight", "bias"):
        tensors[f"{new}.conv.modulation.{last}"] = given[f"{old}.affine.{last}"]


def _give_torgb(given: dict[str, Tensor], tensors: dict[str, Tensor], old: str, new: str) -> None:
    tensors[f"{new}.conv.weight"] = given[f"{old}.weight"][None]
    tensors[f"{new}.bias"] = given[f"{old}.bias"][None, :, None, None]
    for last in ("weight", "bias"):
        tensors[f"{new}.conv.modulation.{last}"] = given[f"{old}.affine.{last}"]
