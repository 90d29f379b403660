"""BigGAN-deep generators in Hugging Face's layout: ImageNet at 128, 256 or 512 pixels.

Brock et al. 2019 (arXiv:1809.11096); pytorch_model.bin and config.json of
huggingface/pytorch-pretrained-BigGAN. Codes are (N, L, Z), one latent per consumer: layer 0 is read
by gen_z, layer j + 1 by GenBlock j. Truncation t multiplies the latents in `mapping` and, given to
`synthesis` as well, chooses the statistics of the batch norms, as in the original.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.base import Meta, ModelInfo
from latty.models.classes import names_said
from latty.models.families.biggan_deep.network import BigGANDeepBuilder, read_config
from latty.models.latent_generator import Latent
from latty.models.parts import Converted, Part
from latty.models.state_dict import (
    TensorReader,
    agree,
    config_of,
    header_config,
    moved,
    shape_of,
    shapes_of,
    unused,
)

__all__ = ["build", "prepare"]

ORIGIN = "BigGAN-deep of Hugging Face, pytorch_model.bin"
CHECKED = "the reference code's own output, 128 and 256 px"
SETTINGS = ("layers", "eps")
SIGNATURE = {
    "embeddings.weight": 2,
    "generator.gen_z.weight_orig": ...,
    "generator.layers.0.bn_0.running_means": ...,
}
NOISE = False
REMARKS = True

USED = ("output_dim", "z_dim", "class_embed_dim", "channel_width", "num_classes", "layers", "eps",
        "attention_layer_position", "n_stats", "class_names", "id2label")  # fmt: skip


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
    shapes = shapes_of(tensors)
    said = {**_settings(config_of(meta)), **header_config(meta)}
    config = read_config(shapes, said)
    embed, classes = shape_of(shapes, "embeddings.weight", 2)
    z_dim = shape_of(shapes, "generator.gen_z.weight_orig", 2)[1] - embed
    if z_dim < 1:
        raise Refusal("wrong-shape", "tensor 'embeddings.weight' leaves no room for z")
    agree(said, {"z_dim": z_dim, "class_embed_dim": embed})
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        kind = dtype or torch.float32
        builder = BigGANDeepBuilder(TensorReader(tensors), shapes, config, kind)
        network = moved(builder.network(), device)
    info = ModelInfo.of(
        meta,
        "biggan_deep",
        resolution=4 << sum(config.ups),
        channels=3,
        z_dim=z_dim,
        num_layers=len(config.ups) + 1,
        width=z_dim,
        num_classes=classes,
        class_names=names_said(config_of(meta), classes),
        space="w",
    )
    return Latent(network, info, device, "truncated")


def prepare(part: Part, model: Converted) -> Converted:
    """The same, with the settings beside the file that it draws with, and a note on those that
    change nothing here. Raises BadData for settings that contradict the tensors."""
    beside, shapes = part.beside, shapes_of(model.tensors)
    said = beside if beside.keys() <= {*SETTINGS} else _settings(beside)
    rows = shape_of(shapes, "generator.layers.0.bn_0.running_means", 2)[0]
    width = shape_of(shapes, "generator.gen_z.weight_orig", 2)[0] // 256
    agree(said, {"n_stats": rows, "channel_width": width})
    if (place := read_config(shapes, said).attention) is not None:
        agree(said, {"attention_layer_position": place})
    kept = {key: said[key] for key in SETTINGS if key in said}
    meta = {**model.meta, **({"config": json.dumps(kept)} if kept else {})}
    return replace(model, meta=meta, notes=(*model.notes, *unused(said, USED)))


def _settings(beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of a BigGAN-deep, {} where they are another model's."""
    return beside if "layers" in beside else {}
