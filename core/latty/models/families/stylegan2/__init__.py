"""StyleGAN2 and StyleGAN2-ADA generators, as tensors with NVIDIA's names.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958).
What tensors cannot say (activation, clamp, learning-rate multiplier) is read from the file's
header, key "config": the JSON object of a StyleGAN2Config. Without it the released models'
values hold.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import torch
from torch import Tensor

from latty.models.base import Meta
from latty.models.families.stylegan2 import config as file
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from latty.models.state_dict import checked, own, shapes_of, shapes_only
from latty.models.styled_generator import StyledGenerator, styled_info

__all__ = ["StyleGAN2Config", "StyleGAN2Network", "build", "metadata"]

ORIGIN = "StyleGAN2 that latty imported, .safetensors"
CHECKED = "the layouts that become it"
SIGNATURE = {
    "synthesis.b4.const": 3,
    "synthesis.b4.conv1.affine.weight": ...,
    "mapping.fc0.weight": ...,
}
PICTURE = (r"synthesis\.b4\.const", r"synthesis\.b\d+\.conv1\.weight")
CODES = (r"synthesis\.b\d+\.conv[01]\.weight", 1)


def metadata(config: StyleGAN2Config) -> dict[str, str]:
    """The header that goes with a network's state_dict in a safetensors file."""
    return {"kind": "generator", "family": "stylegan2", "config": json.dumps(asdict(config))}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> StyledGenerator:
    """A generator on the device, ready to run, of tensors such as (O, I, k, k). Raises BadData,
    naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16 for twice the speed at 45 dB or more;
              None = float32. Styles, demodulation and image stay float32 either way.
    """
    config = file.read_config(shapes_of(tensors), meta)
    config = replace(config, resample_filter=file.read_taps(tensors, config))
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        with shapes_only():
            network = StyleGAN2Network(config)
        wanted = shapes_of(network.state_dict())
        state = checked(tensors, wanted, rf".*\.{file.FILTER}", lend=True)
        network.load_state_dict(state, assign=True)
        network.to(device).freeze(dtype)
        own(network, state)
    return StyledGenerator(network, styled_info(meta, "stylegan2", config, config.size(-1)), device)
