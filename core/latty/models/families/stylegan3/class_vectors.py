"""StyleGAN-XL's conditional mapping: vectors of classes that a classifier learnt, a mean code each.

Sauer et al. 2022, "StyleGAN-XL: Scaling StyleGAN to Large Diverse Datasets" (arXiv:2202.00273),
section 3.2: the vector of a class, projected to the width of z, joins z. Truncation moves codes
toward the mean of their own class. A mixture of classes mixes vectors and means alike, and a label
of zeros is class 0: the authors' code takes the largest entry, the first of equal ones.
"""

import torch
from torch import Tensor, nn

from latty.models.families.stylegan2.network import (
    FullyConnected,
    StyleGAN2Config,
    StyleGAN2Mapping,
)


class ClassVectorMapping(StyleGAN2Mapping):
    """Latents z (N, Z) and a label -> codes; `features`: the width of the class vectors."""

    def __init__(self, config: StyleGAN2Config, features: int) -> None:
        super().__init__(config)
        self.add_module("embed", nn.Embedding(config.c_dim, features))
        self.embed_proj = FullyConnected(features, config.z_dim, "lrelu")
        self.register_buffer("w_avg", torch.zeros(config.c_dim, config.w_dim))

    def embedded(self, weights: Tensor) -> Tensor:
        """What a label adds to the latent: class weights (N, classes) -> (N, Z)."""
        projected: Tensor = self.embed_proj(weights @ self.embed.weight)
        return projected

    def label_weights(self, label: Tensor | None, like: Tensor) -> Tensor:
        """The label as weights (N, classes), those of class 0 where it is None or all zeros."""
        weights = super().label_weights(label, like)
        first = torch.zeros_like(weights)
        first[:, 0] = (weights == 0).all(1).to(weights)
        return weights + first

    def mean_codes(self, label: Tensor | None) -> Tensor:
        """The mean codes (N or 1, 1, D) of class weights (N, classes)."""
        like = self.w_avg[:1] if label is None else label.to(self.w_avg)
        return (self.label_weights(label, like) @ self.w_avg)[:, None]
