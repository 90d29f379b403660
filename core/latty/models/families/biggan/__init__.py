"""BigGAN generators in BigGAN-PyTorch's layout: ImageNet, CIFAR-10 and whoever trained their own.

Brock et al. 2019 (arXiv:1809.11096); G_ema.pth of ajbrock/BigGAN-PyTorch, as GANLatentDiscovery and
WarpedGANSpace use it. With hierarchical latents the codes are the chunks of z, (N, blocks + 1, D):
layer 0 is read by the linear layer, layer i + 1 by block i. Resolution, widths, classes and the
hierarchy are read from the tensors; the two eps from the settings beside the file where they are.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Meta, ModelInfo
from latty.models.classes import names_said
from latty.models.families.biggan import settings
from latty.models.families.biggan.network import BigGANBuilder, read_sizes
from latty.models.latent_generator import DRAWS, Latent
from latty.models.parts import Converted, Part
from latty.models.state_dict import (
    TensorReader,
    config_of,
    header_config,
    moved,
    positive,
    shapes_of,
)

__all__ = ["build", "prepare"]

ORIGIN = "BigGAN of BigGAN-PyTorch and WarpedGANSpace, G_ema.pth"
CHECKED = "the reference code's own output, 32 to 256 px, hierarchical or not"
SETTINGS = ("BN_eps", "SN_eps")
SIGNATURE = {
    "linear.weight": 2,
    "blocks.0.0.conv1.weight": 4,
    "blocks.0.0.bn1.gain.weight": 2,
    "output_layer.0.gain": 1,
}
NOISE = False
REMARKS = True

EPS = 1e-5  # of a batch norm
LAST_EPS = "last_eps"  # in our header; models stored without it have one eps for all norms


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one.

    dtype     of convolutions and attention, e.g. torch.bfloat16; None = float32. Conditions,
              statistics and image stay float32 either way.
    """
    shapes, beside = shapes_of(tensors), config_of(meta)
    ours = header_config(meta)
    said = {**settings.settings(beside), **ours}
    eps = positive(said, "BN_eps", positive(ours, "eps", EPS))
    every = eps, positive(said, "SN_eps", 1e-6), positive(ours, LAST_EPS, eps)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        builder = BigGANBuilder(TensorReader(tensors), shapes, *every, dtype or torch.float32)
        network = moved(builder.network(), device)
    sizes = network.sizes
    info = ModelInfo.of(
        meta,
        "biggan",
        resolution=4 << sizes.blocks,
        channels=network.rgb.outputs,
        z_dim=sizes.chunk * sizes.layers,
        num_layers=sizes.layers,
        width=sizes.chunk,
        num_classes=sizes.classes,
        class_names=names_said(beside, sizes.classes),
        space="z",
    )
    draw = ours.get("draw", "truncated")
    if draw not in DRAWS:
        raise BadData("the header's draw is no distribution of latents", "import the model again")
    return Latent(network, info, device, draw)


def prepare(part: Part, model: Converted) -> Converted:
    """The same, with the settings beside the file that it draws with, and a note on those that
    change nothing here. Raises BadData for settings that contradict the tensors, or ask for other
    arithmetic."""
    said, shapes = settings.mine(part.beside), shapes_of(model.tensors)
    settings.check(said, read_sizes(shapes), shapes)
    kept = {key: said[key] for key in SETTINGS if key in said}
    if kept:  # BigGAN.py does not hand BN_eps to the last norm
        kept = {"config": json.dumps({**kept, LAST_EPS: EPS})}
    notes = (*model.notes, *settings.remarks(said))
    return replace(model, meta={**model.meta, **kept}, notes=notes)
