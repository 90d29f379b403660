"""Matrices that turn "direction k, this far" into a shift of the latent, in Voynov's five kinds.

Voynov and Babenko 2020, "Unsupervised Discovery of Interpretable Directions in the GAN Latent
Space" (arXiv 2002.03754), section 3. The number of directions need not be the latent's width d:
inputs are padded with zeros to n = max(K, d), outputs cropped to d. Biases are left out: a bias
would be a shift that all directions share, and a direction with one is no vector.
"""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from latty.errors import BadData

Kind = Literal["ortho", "proj", "linear", "fc", "id", "random"]
HIDDEN, DEPTH = 1024, 3  # of the kind "fc"
SPREAD = 0.1  # of a random matrix that is not orthogonal


class Matrix(nn.Module, ABC):
    """Kinds whose directions are vectors: column k of a matrix."""

    @abstractmethod
    def columns(self) -> Tensor:
        """The directions, (d, K), of any length."""

    def forward(self, latents: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        """Shifts (N, d) of latents (N, d) along directions index (N,) by magnitude (N,)."""
        return magnitude[:, None] * self.columns().T.index_select(0, index)


class Fixed(Matrix):
    """Directions that are not trained: "id" and "random"."""

    def __init__(self, columns: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", columns)

    def columns(self) -> Tensor:
        return self.get_buffer("weight")


class Ortho(Matrix):
    """Columns of exp(A - A^T), which is orthogonal for every A (n, n)."""

    def __init__(self, count: int, width: int, start: Tensor) -> None:
        super().__init__()
        self.count, self.width = count, width
        self.skew = nn.Parameter(start)

    def columns(self) -> Tensor:
        full: Tensor = torch.linalg.matrix_exp(self.skew - self.skew.T)
        return full[: self.width, : self.count]


class LinearMatrix(Matrix):
    """Any matrix, (d, K)."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(start)

    def columns(self) -> Tensor:
        return self.weight


class Proj(LinearMatrix):
    """Any matrix, its columns brought to unit length: a shift is as long as was asked."""

    def columns(self) -> Tensor:
        return functional.normalize(self.weight, dim=0)


class CurveNetwork(nn.Module):
    """The kind "fc": a network bends each axis into a curve; shift = net(s e_k) - net(0).

    Three hidden layers (ELU) beside a shortcut. Layer norms stand in the place of batch norms, so
    that a shift does not depend on its neighbours; net(0) is subtracted, so that 0 is no move.
    """

    def __init__(self, count: int, width: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.count, self.width = count, width
        sizes = [max(count, width), *[hidden] * DEPTH]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes[1:])
        self.last = nn.Linear(hidden, width)

    def net(self, x: Tensor) -> Tensor:
        """(N, n) -> (N, d)."""
        inner = x
        for layer, norm in zip(self.layers, self.norms, strict=True):
            inner = functional.elu(norm(layer(inner)))
        bent: Tensor = self.last(inner)
        return bent + x[:, : self.width]

    def forward(self, latents: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        """Shifts (N, d) of latents (N, d) along curves index (N,) by magnitude (N,)."""
        axes = functional.one_hot(index, max(self.count, self.width)).to(magnitude)
        x = torch.cat([magnitude[:, None] * axes, torch.zeros_like(axes[:1])])
        moved = self.net(x)
        return moved[:-1] - moved[-1:]


def deformator(kind: Kind, count: int, width: int, random_init: bool) -> "Matrix | CurveNetwork":
    """A deformator of `count` directions; random numbers are torch's global ones.

    Without `random_init` it starts as the identity: direction k is axis k. Raises BadData.
    """
    size = max(count, width)
    if kind == "id":
        if count > width:
            raise BadData(f"{count} directions: there are {width} axes", "take fewer directions")
        return Fixed(torch.eye(width)[:, :count])
    if kind == "random":
        return Fixed(orthogonal(size)[:width, :count])
    if kind == "ortho":
        start = torch.randn(size, size) if random_init else torch.zeros(size, size)
        return Ortho(count, width, start)
    if kind == "fc":
        curves = CurveNetwork(count, width)
        if not random_init:
            nn.init.zeros_(curves.last.weight)
            nn.init.zeros_(curves.last.bias)
        return curves
    random = SPREAD * torch.randn(width, count)
    start = random if random_init else torch.eye(size)[:width, :count].clone()
    return Proj(start) if kind == "proj" else LinearMatrix(start)


def orthogonal(size: int) -> Tensor:
    """A random orthogonal matrix (D, D), D = size, all equally likely (Haar)."""
    q, r = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64))
    found: Tensor = q * r.diagonal().sign()
    return found.float()
