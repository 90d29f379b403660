"""BigGAN, SAGAN and SNGAN of StudioGAN: linear0.weight_orig, blocks.0.0.conv2d1.weight_orig, bn4.*

github.com/POSTECH-CVLab/PyTorch-StudioGAN, its big_resnet and resnet generators, with and without
classes. The arithmetic is BigGAN's, so they become that family: spectral norm is divided out by its
stored vectors, every norm has eps 1e-4, and attention has a place of its own among the blocks. In
`resnet` each norm reads the class through a matrix of its own, or nothing.
"""

import json
import re

import torch
from torch import Tensor

from latty.models.parts import Converted, Part
from latty.models.reparametrised import plain_weights
from latty.models.state_dict import only

ORIGIN = "BigGAN, SAGAN and SNGAN of StudioGAN, .pth"
CHECKED = "the reference code's own output, 32 to 128 px, with and without classes"
FAMILY = "biggan"
SIGNATURE = {
    "linear0.bias": 1,
    "blocks.0.0.conv2d0.bias": 1,
    "blocks.0.0.conv2d2.bias": 1,
    "bn4.running_mean": 1,
    "conv2d5.bias": 1,
}

SETTINGS = ("g_act_fn", "z_prior")
ONLY = {"g_act_fn": "ReLU", "z_prior": ("gaussian", "uniform")}
EPS = 1e-4  # of every batch norm
ASSUMED = (
    "activation and latents are not in the file: ReLU and a normal distribution are assumed; "
    "its YAML says g_act_fn and z_prior: --set z_prior=uniform"
)
BLOCK = re.compile(r"blocks\.(\d+)\.0\.(.+)")
BLOCKS = {"conv2d0": "conv_sc", "conv2d1": "conv1", "conv2d2": "conv2"}
ATTENTION = {"conv1x1_theta": "theta", "conv1x1_phi": "phi", "conv1x1_g": "g", "conv1x1_attn": "o"}
ENDS = {
    "linear0": "linear",
    "conv2d5": "output_layer.2",
    "bn4.running_mean": "output_layer.0.stored_mean",
    "bn4.running_var": "output_layer.0.stored_var",
    "bn4.weight": "output_layer.0.gain",
    "bn4.bias": "output_layer.0.bias",
}


def convert(part: Part) -> Converted:
    """BigGAN's names; a norm without a class becomes a table of one class. Raises Refusal for
    spectral norms that do not fit their weights; BadData for settings of other arithmetic."""
    stated = part.beside
    only(stated, ONLY)
    given = {
        name: tensor.reshape(()) if name.endswith(".sigma") else tensor
        for name, tensor in plain_weights(part.torch()).items()
    }
    places = _places(given)
    tensors = {_renamed(name, places): tensor for name, tensor in given.items()}
    for name in list(tensors):
        if re.fullmatch(r"blocks\.\d+\.0\.bn[12]\.(gain|bias)\.weight", name):
            tensors[name] = _condition(tensors, name)
    if "shared.weight" not in tensors and _has_chunks(tensors):
        tensors["shared.weight"] = torch.zeros(1, 1)
    said = {"eps": EPS, "draw": "uniform" if stated.get("z_prior") == "uniform" else "normal"}
    meta = {"kind": "generator", "family": "biggan", "config": json.dumps(said)}
    return Converted(tensors, meta, () if {*SETTINGS} <= stated.keys() else (ASSUMED,))


def _places(given: dict[str, Tensor]) -> dict[int, str]:
    """Number in the file -> "blocks.2.0", or "blocks.2.1" of the attention after block 2."""
    numbers = sorted({int(match[1]) for name in given if (match := BLOCK.fullmatch(name))})
    places, blocks = {}, 0
    for number in numbers:
        attends = f"blocks.{number}.0.sigma" in given
        places[number] = f"blocks.{blocks - 1}.1" if attends else f"blocks.{blocks}.0"
        blocks += not attends
    return places


def _renamed(name: str, places: dict[int, str]) -> str:
    match = BLOCK.fullmatch(name)
    head, _, last = name.rpartition(".")
    if match is None:
        return ENDS.get(name) or (f"{ENDS[head]}.{last}" if head in ENDS else name)
    place, rest = places[int(match[1])], match[2]
    if rest == "sigma":
        return f"{place}.gamma"
    head, _, last = rest.partition(".")
    if head in ATTENTION or head in BLOCKS:
        return f"{place}.{ATTENTION.get(head) or BLOCKS[head]}.{last}"
    norm = {"running_mean": "stored_mean", "running_var": "stored_var"}
    last = last.removeprefix("bn.")
    if last in ("weight", "bias"):  # no condition: gain and shift themselves
        last = "gain.weight" if last == "weight" else "bias.weight"
    return f"{place}.{head}.{norm.get(last, last)}"


def _has_chunks(tensors: dict[str, Tensor]) -> bool:
    """Whether norms without a class read a chunk of the latent as wide as the linear layer's."""
    gain = tensors["blocks.0.0.bn1.gain.weight"]
    return len(gain) != 1 and gain.shape[1] == tensors["linear.weight"].shape[1] + 1


def _condition(tensors: dict[str, Tensor], name: str) -> Tensor:
    """A norm's matrix (C, E), or its table (classes, C) where it reads the class alone."""
    found, chunk = tensors[name], tensors["linear.weight"].shape[-1]
    if found.dim() == 1:
        return (found - 1 if ".gain." in name else found)[None]
    if "shared.weight" in tensors:
        return found
    if found.shape[1] == chunk:  # a chunk of the latent alone: a class that gives nothing beside it
        return torch.cat([torch.zeros(len(found), 1), found], 1)
    return found.t()
