"""GANSpace's search in w as its own program runs it on a CPU: a reference that is written out here.

Harkonen et al. 2020; no package installs their code. What is theirs: one RandomState for each batch
(models/wrappers.py), the mapping of rosinality's stylegan2-pytorch with its weights scaled at each
call, all latents kept in memory, scikit-learn's IncrementalPCA with the settings of estimators.py,
fed by batches of 10,000 (decomposition.py, with the -b=10_000 that their page advises for w).
Letters: N samples, D latent width, K components.
"""

import math
import time
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import IncrementalPCA
from torch import Tensor

from latty.models.families.stylegan2.network import StyleGAN2Mapping

BATCH = 10_000  # samples: N is a multiple of it


class Found(NamedTuple):
    """Components (K, D), and the seconds of the processor for each part of the work."""

    components: np.ndarray
    drawing: float
    mapping: float
    fitting: float

    @property
    def seconds(self) -> float:
        return self.drawing + self.mapping + self.fitting


class Style:
    """rosinality's `style`: PixelNorm and EqualLinear with fused_lrelu, of a network's tensors."""

    def __init__(self, mapping: StyleGAN2Mapping) -> None:
        names = (f"fc{i}" for i in range(mapping.config.mapping_layers))
        layers = [mapping.get_submodule(name).state_dict() for name in names]
        self.layers = [(layer["weight"], layer["bias"]) for layer in layers]
        self.rate = mapping.config.mapping_lr

    def __call__(self, z: Tensor) -> Tensor:
        """Latents z (N, D) -> w (N, D)."""
        x = z * torch.rsqrt(torch.mean(z**2, dim=1, keepdim=True) + 1e-8)
        for weight, bias in self.layers:
            y = F.linear(x, weight * (self.rate / math.sqrt(weight.shape[1])))
            x = F.leaky_relu(y + (bias * self.rate).view(1, -1), 0.2) * math.sqrt(2)
        return x


def w_components(mapping: StyleGAN2Mapping, samples: int, components: int) -> Found:
    """What `visualize.py --use_w --layer=style -b=10_000` fits, of so many samples."""
    style, width = Style(mapping), mapping.config.w_dim
    latents = np.zeros((samples, width), np.float32)
    drawing = 0.0
    begun = time.process_time()
    for first in range(0, samples, BATCH):
        start = time.process_time()
        drawn = np.random.RandomState(first).standard_normal(width * BATCH)
        z = torch.from_numpy(drawn.reshape(BATCH, width)).float()
        drawing += time.process_time() - start
        latents[first : first + BATCH] = style(z).numpy()
    mapped = time.process_time()
    pca = IncrementalPCA(components, whiten=False, batch_size=max(100, 2 * components))
    for first in range(0, samples, BATCH):
        pca.partial_fit(latents[first : first + BATCH])
    fitting = time.process_time() - mapped
    return Found(np.asarray(pca.components_), drawing, mapped - begun - drawing, fitting)
