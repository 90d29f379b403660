"""BigGAN-deep generators in Hugging Face's layout: ImageNet at 128, 256 or 512 pixels.

Brock et al. 2019 (arXiv:1809.11096); pytorch_model.bin and config.json of
huggingface/pytorch-pretrained-BigGAN. Codes are (N, L, Z), one latent per consumer: layer 0 is read
by gen_z, layer j + 1 by GenBlock j. Truncation t multiplies the latents in `mapping` and, given to
`synthesis` as well, chooses the statistics of the batch norms, as in the original.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.models.base import Meta, ModelInfo
from latty.models.families.biggan_deep.network import BigGANDeepBuilder, read_config
from latty.models.latent_generator import Latent
from latty.models.state_dict import (
    TensorReader,
    agree,
    class_names,
    config_of,
    moved,
    shape_of,
    shapes_of,
)

__all__ = ["build"]

ORIGIN = "BigGAN-deep of Hugging Face, pytorch_model.bin"
CHECKED = "the reference code's own output, 128 and 256 px"
SIGNATURE = {
    "embeddings.weight": 2,
    "generator.gen_z.weight_orig": ...,
    "generator.layers.0.bn_0.running_means": ...,
}
NOISE = False


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one."""
    shapes = shapes_of(tensors)
    said = config_of(meta)
    said = said if "layers" in said else {}  # another model's settings may lie beside the file
    config = read_config(shapes, said)
    embed, classes = shape_of(shapes, "embeddings.weight", 2)
    z_dim = shape_of(shapes, "generator.gen_z.weight_orig", 2)[1] - embed
    if z_dim < 1:
        raise Refusal("wrong-shape", "tensor 'embeddings.weight' leaves no room for z")
    agree(said, {"z_dim": z_dim, "class_embed_dim": embed})
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network = moved(BigGANDeepBuilder(TensorReader(tensors), shapes, config).network(), device)
    info = ModelInfo.of(
        meta,
        "biggan_deep",
        resolution=4 << sum(config.ups),
        channels=3,
        z_dim=z_dim,
        num_layers=len(config.ups) + 1,
        width=z_dim,
        num_classes=classes,
        class_names=class_names(config_of(meta), classes),
        space="w",
    )
    return Latent(network, info, device, "truncated")
