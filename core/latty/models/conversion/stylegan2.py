"""What every layout of StyleGAN2 shares: settings, and what a file may leave out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import ops
from latty.models.base import sample_normal
from latty.models.families import stylegan2
from latty.models.families.stylegan2 import config as file
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Mapping
from latty.models.parts import Converted
from latty.models.state_dict import checked, shapes_of, shapes_only

LATENTS = 10_000  # for an estimate of the mean code
BATCH = 1000
NOISE_SEED = 0


def finished(
    tensors: Mapping[str, Tensor], notes: Sequence[str] = (), **settings: Any
) -> Converted:
    """The tensors, such as (O, I, 3, 3), in NVIDIA's names, with mean code and noise pictures where
    there are none.

    notes       what else there is to say of the file
    settings    fields of the config that no tensor shows; others take their defaults
    """
    shapes = shapes_of(tensors)
    config = replace(file.read_config(shapes, {}), **settings)
    config = replace(config, resample_filter=file.read_taps(tensors, config))
    kept = {name: t for name, t in tensors.items() if not name.endswith(f".{file.FILTER}")}
    made: list[str] = []
    if config.use_noise:
        made += _add_noise(kept, config)
    if "mapping.w_avg" not in kept:
        kept["mapping.w_avg"] = _mean_code(kept, config)
        made.append(f"mean code estimated from {LATENTS} latents: the file has none")
    return Converted(kept, stylegan2.metadata(config), (*notes, *made))


def _add_noise(tensors: dict[str, Tensor], config: StyleGAN2Config) -> list[str]:
    made = 0
    for layer in range(config.num_layers - 1):
        block = (layer + 1) // 2
        name = f"synthesis.b{4 << block}.conv{1 - layer % 2}.noise_const"
        if name not in tensors:
            size = config.size(block)
            picture = ops.seeded_noise(NOISE_SEED, layer, size, torch.device("cpu"))
            tensors[name] = picture.clone()
            made += 1
    return (
        [f"{made} noise pictures drawn with seed {NOISE_SEED}: the file has none"] if made else []
    )


def _mean_code(tensors: Mapping[str, Tensor], config: StyleGAN2Config) -> Tensor:
    """Mean of the codes (D,) of seeds 0 .. LATENTS - 1; with classes, each in turn."""
    prefix = "mapping."
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    with torch.inference_mode(False), torch.no_grad():
        with shapes_only():
            network = StyleGAN2Mapping(config)
        wanted = {n: shape for n, shape in shapes_of(network.state_dict()).items() if n != "w_avg"}
        network.load_state_dict(
            {**checked(own, wanted), "w_avg": torch.zeros(config.w_dim)}, assign=True
        )
        total = torch.zeros(config.w_dim, dtype=torch.float64)
        for start in range(0, LATENTS, BATCH):
            seeds = range(start, start + BATCH)
            label = torch.tensor([s % config.c_dim for s in seeds]) if config.c_dim else None
            codes = network(sample_normal(seeds, config.z_dim), label)[:, 0]
            total += codes.double().sum(0)
    return (total / LATENTS).float()


def common(name: str, values: Mapping[str, Any], default: Any) -> Any:
    """The one value that a setting has in every layer; `default` where no layer has it.
    Raises BadData where the layers differ."""
    found = list(values.items())
    for layer, value in found[1:]:
        if value != found[0][1]:
            what = f"its layers differ in {name}: {found[0][0]} has {found[0][1]}, {layer} {value}"
            raise BadData(what, "latty needs one value for all; ask its author")
    return found[0][1] if found else default


def take(tensors: dict[str, Tensor], name: str) -> Tensor:
    """Remove and return a tensor of any shape (...,). Raises Refusal where it is missing."""
    if name not in tensors:
        raise Refusal("missing-key", f"tensor '{name}' is missing", "the file is incomplete")
    return tensors.pop(name)


def noise_picture(name: str, noise: Tensor, const: Tensor, layer: int) -> Tensor:
    """The noise (H, W) of a layer of tensor `name` (..., H, W), in a network that starts from a
    constant (..., h, w). Raises Refusal where it is not as large as the layer's pictures."""
    wanted = tuple(side << (layer + 1) // 2 for side in const.shape[-2:])
    if tuple(noise.shape[-2:]) != wanted or noise.numel() != math.prod(wanted):
        what = f"the noise '{name}' has the shape {list(noise.shape)}, its layer draws "
        raise Refusal("wrong-shape", f"{what}{' x '.join(map(str, wanted))} px")
    return noise.reshape(wanted)


def refuse_rest(tensors: Mapping[str, Tensor]) -> None:
    """Raises Refusal where a tensor, of any shape (...,), is left: better than a wrong picture."""
    if tensors:
        what = f"tensor '{next(iter(tensors))}' is no part of a StyleGAN2 generator"
        raise Refusal("unknown-architecture", what, "see: latty inspect FILE")


def add_label(tensors: dict[str, Tensor], weight: Tensor) -> None:
    """A label matrix (K, D), K classes, without bias or gain, as our `embed` of gain 1/sqrt(K).
    Raises Refusal where it is no matrix."""
    if weight.dim() != 2 or 0 in weight.shape:
        raise Refusal("wrong-shape", f"its label matrix has the shape {list(weight.shape)}")
    tensors["mapping.embed.weight"] = weight.t() * math.sqrt(weight.shape[0])
    tensors["mapping.embed.bias"] = torch.zeros(weight.shape[1])


def one_kernel(kernels: Sequence[Tensor]) -> tuple[float, ...]:
    """The taps that all FIR kernels (T, T) of a file share, of any gain; else the usual ones."""
    unit = {f"synthesis.{i}.{file.FILTER}": k / k.sum() for i, k in enumerate(kernels)}
    return file.read_taps(unit, StyleGAN2Config())


# --- the other way --------------------------------------------------------------------------------


def refuse_beyond(config: StyleGAN2Config, layout: str, label: bool, widths: bool) -> None:
    """Raises BadData for a network that tensors of a layout, or its code, cannot hold.

    label   whether it has classes
    widths  whether z, w and the layers between them must be equally wide
    """
    usual = StyleGAN2Config()
    fixed = ("activation", "mapping_activation", "label_norm")
    odd = [key for key in fixed if getattr(config, key) != getattr(usual, key)]
    lacks = [f"{key} = {getattr(config, key)}" for key in odd]
    if config.c_dim and not label:
        lacks.append(f"{config.c_dim} classes")
    if widths and (config.z_dim != config.w_dim or config.hidden_dim):
        lacks.append(f"z of {config.z_dim} and w of {config.w_dim} numbers")
    if widths and config.architecture != usual.architecture:
        lacks.append(f"the architecture '{config.architecture}'")
    if lacks:
        other = "latty's own file" if odd or label else "--as nvidia"
        raise BadData(f"{layout} cannot hold {', '.join(lacks)}", f"{other} holds it")


def at_usual_rate(tensors: Mapping[str, Tensor], config: StyleGAN2Config) -> dict[str, Tensor]:
    """The tensors with the mapping's learning-rate multiplier turned into the usual one: it scales
    weights (O, I) and biases (O,) alike, so these take the ratio, and the codes stay."""
    ratio = config.mapping_lr / StyleGAN2Config().mapping_lr
    return {name: t * ratio if name.startswith("mapping.fc") and ratio != 1 else t
            for name, t in tensors.items()}  # fmt: skip


def beyond(config: StyleGAN2Config) -> tuple[str, ...]:
    """What tensors do not say, a line each: how it is turned into what they say, or that a network
    without it draws nearly the same."""
    lines, clamp, lr = [], config.conv_clamp, config.mapping_lr
    if clamp is not None:
        lines.append(f"conv_clamp = {clamp:g} is not in the tensors: it acts on rare, huge "
                     "activations")  # fmt: skip
    if lr != (usual := StyleGAN2Config().mapping_lr):
        lines.append(f"mapping_lr = {lr:g} is multiplied into the mapping's weights and biases: "
                     f"others take {usual:g} for it")  # fmt: skip
    return tuple(lines)
