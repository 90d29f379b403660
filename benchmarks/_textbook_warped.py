"""The support sets and the training loop of WarpedGANSpace as the textbook has them.

A reference of ours: the code of WarpedGANSpace is in no package. The support set of each latent is
taken out by a product of a one-hot matrix with all sets, every difference z - s is written out, the
generator's weights ask for gradients they do not need, and both pictures are in the graph.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.bench_stylegan2 import Textbook
from latty.attributes.resnet import ResNet


class OneHot(nn.Module):
    """K functions of D dipoles: unit gradients at z (N, d) for one-hot masks (N, K)."""

    def __init__(self, support: Tensor, alphas: Tensor, loggamma: Tensor) -> None:
        super().__init__()
        count, self.vectors, self.width = support.shape
        self.support = nn.Parameter(support.reshape(count, -1).clone())
        self.alphas = nn.Parameter(alphas.clone(), requires_grad=False)
        self.loggamma = nn.Parameter(loggamma.reshape(-1, 1).clone())

    def forward(self, mask: Tensor, z: Tensor) -> Tensor:
        support = (mask @ self.support).reshape(-1, self.vectors, self.width)
        alphas = (mask @ self.alphas)[:, :, None]
        gammas = torch.exp(mask @ self.loggamma)[:, :, None]
        away = z[:, None] - support
        falloff = torch.exp(-gammas * away.norm(dim=2, keepdim=True) ** 2)
        gradient = -2 * (alphas * gammas * falloff * away).sum(1)
        return gradient / gradient.norm(dim=1, keepdim=True)


class Loop(nn.Module):
    """One training iteration of paths in w, generator and all."""

    def __init__(self, generator: Textbook, support: OneHot, paths: int) -> None:
        super().__init__()
        self.generator, self.support = generator, support
        for tensor in generator.tensors.values():
            tensor.requires_grad_()
        self.body = ResNet((2, 2, 2, 2), 6, 1)
        self.path, self.magnitude = nn.Linear(512, paths), nn.Linear(512, 1)
        self.paths = paths
        learned = [p for p in self.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(learned, lr=1e-4)

    def step(self, w: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        """The loss, of w (N, d), paths (N,) and magnitudes (N,)."""
        layers = self.generator.config.num_layers
        for tensor in self.generator.tensors.values():
            tensor.grad = None
        self.adam.zero_grad()
        mask = F.one_hot(index, self.paths).float()
        before = self.generator(w[:, None].expand(-1, layers, -1))
        shift = magnitude[:, None] * self.support(mask, w)
        after = self.generator((w + shift)[:, None].expand(-1, layers, -1))
        features = self.body.features(torch.cat([before, after], 1))
        loss = F.cross_entropy(self.path(features), index)
        loss = loss + 0.25 * (self.magnitude(features)[:, 0] - magnitude).abs().mean()
        torch.autograd.backward(loss)
        self.adam.step()
        return loss.detach()
