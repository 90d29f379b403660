"""StyleGAN3 generators, T and R, and StyleGAN-XL's, as tensors with NVIDIA's names.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks" (arXiv:2106.12423); StyleGAN-XL
(class_vectors.py) differs in what it does with a class, and in how many layers it has.
How each layer resamples cannot be seen in tensors: it is read from the header, key "config".

A user transform moves or turns the picture without moving its pixels: `with_transform(matrix)`
takes the *inverse* of the movement, as NVIDIA's files do, because it says where each pixel comes
from; `inverse_transform(translate, rotate)` makes one. x goes right, y down, 1 = the canvas.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

import torch
from torch import Tensor

from latty.errors import UsageError
from latty.models.base import Labels, Meta
from latty.models.checks import label_weights
from latty.models.families.stylegan3 import config as file
from latty.models.families.stylegan3.network import StyleGAN3Config
from latty.models.families.stylegan3.ops import inverse_transform
from latty.models.state_dict import own
from latty.models.styled_generator import StyledGenerator, styled_info
from latty.scene import Noise

__all__ = ["StyleGAN3", "StyleGAN3Config", "build", "inverse_transform", "metadata"]

ORIGIN = "StyleGAN3 that latty imported, .safetensors"
CHECKED = "the layouts that become it"
SIGNATURE = {
    "synthesis.input.freqs": 2,
    "synthesis.input.weight": ...,
    "synthesis.input.affine.weight": ...,
    "mapping.fc0.weight": ...,
}
NOISE = False


def metadata(config: StyleGAN3Config) -> dict[str, str]:
    """The header that goes with a network's tensors in a safetensors file."""
    said = asdict(config)
    if not config.class_dim:
        del said["class_dim"]
    return {"kind": "generator", "family": "stylegan3", "config": json.dumps(said)}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> "StyleGAN3":
    """A generator on the device, ready to run, of tensors such as (O, I, k, k). Raises BadData,
    naming the tensor that is wrong.

    dtype     of convolutions and filters, e.g. torch.bfloat16; None = float32. The Fourier input,
              styles, demodulation and image stay float32 either way.
    """
    config = file.read_config(meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network, state, taps = file.load(tensors, config)
        network.to(device).freeze(taps, dtype)
        own(network, state)
    return StyleGAN3(network, styled_info(meta, "stylegan3", config), device)


class StyleGAN3(StyledGenerator):
    """A StyledGenerator whose pictures can be moved and turned by a transform."""

    transform: Tensor | None = None

    def with_transform(self, matrix: Tensor | None) -> "StyleGAN3":
        """The same weights seen through a matrix (3, 3): the inverse of the picture's movement.

        None is the file's own, which is no movement in every released model. Raises UsageError.
        """
        if matrix is not None and tuple(matrix.shape) != (3, 3):
            raise UsageError(f"a transform is a (3, 3) matrix, not {tuple(matrix.shape)}")
        if matrix is not None and not bool(torch.isfinite(matrix).all()):
            raise UsageError("a transform must be finite")
        moved = StyleGAN3(self.network, self.info, self.device)
        moved.transform = matrix
        return moved

    def mean_codes(self, label: Labels, count: int) -> Tensor:
        """The mean codes (N or 1, 1, D) of the labels of N = `count` pictures."""
        return self._mean(label_weights(self.info, label, count, self.device))

    def _mean(self, weights: Tensor | None) -> Tensor:
        means: Tensor = self.network.mean_codes(weights)
        return means

    def _context(self, noise: Noise) -> Tensor | None:
        return self.transform
