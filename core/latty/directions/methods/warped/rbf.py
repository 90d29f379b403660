"""Radial basis functions over latents, and the paths that follow their gradients.

Tzelepis, Tzimiropoulos, Patras 2021, "WarpedGANSpace" (arXiv 2109.13357), equation 2:

    f_k(z) = sum_i a_i exp(-g_k |z - s_i|^2)        2D support vectors in D dipoles (s, -s)

A path of f_k goes along its gradient, at unit speed. With weights w_i = a_i exp(...) the gradient
is 2 g (w S - (sum_i w_i) z): two products of matrices, and no difference z - s_i is ever written.
Letters: N latents, K paths, D dipoles, d latent width.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

TINY = 1e-20
NEAREST, FARTHEST = 1.0, 4.0  # radii of the spheres on which support vectors start, in latents' std


def distances(z: Tensor, support: Tensor) -> Tensor:
    """|z - s|^2, (N, 2D), of z (N, d) and support (2D, d), or (N, 2D, d) with a set for each."""
    dots = z @ support.T if support.ndim == 2 else torch.bmm(support, z[:, :, None]).squeeze(2)
    squares = (support * support).sum(-1) + (z * z).sum(1, keepdim=True)
    return (squares - 2 * dots).clamp_min(0)


def direction(z: Tensor, support: Tensor, alphas: Tensor, gamma: Tensor) -> Tensor:
    """The gradient of f at z (N, d) at unit length, (N, d); 0 where f is level.

    Either one path: support (2D, d), alphas (2D,), gamma (); or one for each latent:
    (N, 2D, d), (N, 2D), (N,).

    Weights are taken relative to the nearest support vector: the direction is the same, and does
    not vanish in rounding however far away the latent is.
    """
    squares = distances(z, support)
    near = squares.amin(1, keepdim=True).detach()
    pull = _pull(z, support, alphas * torch.exp(-gamma[..., None] * (squares - near)))
    unit: Tensor = pull / pull.norm(dim=1, keepdim=True).clamp_min(TINY)
    return unit


def _pull(z: Tensor, support: Tensor, weights: Tensor) -> Tensor:
    """sum_i w_i (s_i - z), (N, d)."""
    if support.ndim == 2:
        toward = weights @ support
    else:
        toward = torch.bmm(weights[:, None], support).squeeze(1)
    return toward - weights.sum(1, keepdim=True) * z


def follow(field: Callable[[Tensor], Tensor], start: Tensor, way: Tensor, step: float) -> Tensor:
    """The ends (N, d) of paths from `start` (N, d) that go `way` (N,) along a unit field.

    Runge and Kutta's method of fourth order. Each path takes the fewest equal steps of at most
    `step`, whatever its neighbours need; going back from the end leads to the start but for the
    error of the method, of order step^4.
    """
    count = (way.abs() / step).ceil().clamp_min(1)
    stride = (way / count)[:, None]
    z = start
    for done in range(int(count.max()) if len(count) else 0):
        h = torch.where(count[:, None] > done, stride, 0.0)
        one = field(z)
        two = field(z + h / 2 * one)
        three = field(z + h / 2 * two)
        four = field(z + h * three)
        z = z + h / 6 * (one + 2 * two + 2 * three + four)
    return z


class Warps(nn.Module):
    """K functions of D dipoles each, to be trained: parameters as they are stored.

    support (K, 2D, d), alphas (K, 2D), loggamma (K,). The dipoles of path k start at random on a
    sphere of radius 1 + 3 k / K; both ends of a dipole move freely afterwards. Random numbers are
    torch's global ones.
    """

    def __init__(self, paths: int, dipoles: int, width: int, gamma: float | None = None) -> None:
        super().__init__()
        ends = torch.randn(paths, dipoles, width)
        radii = NEAREST + (FARTHEST - NEAREST) * torch.arange(paths) / paths
        ends = ends / ends.norm(dim=2, keepdim=True) * radii.view(-1, 1, 1)
        self.support = nn.Parameter(torch.cat([ends, -ends], 1))
        signs = torch.cat([torch.ones(dipoles), -torch.ones(dipoles)])
        self.alphas = nn.Parameter(signs.repeat(paths, 1))
        start = math.log(1 / width if gamma is None else gamma)
        self.loggamma = nn.Parameter(torch.full((paths,), start))

    def directions(self, latents: Tensor, index: Tensor) -> Tensor:
        """Unit directions (N, d) of paths index (N,) at latents (N, d)."""
        chosen = self.support.index_select(0, index)
        gamma = self.loggamma[index].exp()
        return direction(latents, chosen, self.alphas[index], gamma)

    def forward(self, latents: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        """Shifts (N, d): one step of length |magnitude| (N,) along the path."""
        return magnitude[:, None] * self.directions(latents, index)
