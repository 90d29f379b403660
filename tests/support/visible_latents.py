"""A generator whose latents can be seen at once: each coordinate paints a patch of its own."""

import torch
from torch import Tensor
from toy_generator import Toy

from latty.models.base import Labels


class Patches(Toy):
    """z (N, 6) is w but for scale and offset; w[i] paints patch i of a 2 x 3 grid."""

    def __init__(self, classes: int = 0, space: str = "w") -> None:
        super().__init__(classes, space, "patches")
        self.weights = torch.ones(6, requires_grad=True)  # their gradient must never be computed
        self.graded: list[bool] = []  # of each synthesis: was it in a graph

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        return (2 * z[:, :5] + 1)[:, None].repeat(1, 4, 1)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: object = "const"
    ) -> Tensor:
        self.graded.append(torch.is_grad_enabled() and codes.requires_grad)
        w = torch.tanh((codes.mean(1) - 1) / 4)
        grid = (torch.cat([w, torch.zeros_like(w[:, :1])], 1) * self.weights).view(-1, 1, 2, 3)
        image = grid.repeat_interleave(8, 2).repeat_interleave(6, 3)[:, :, :, 1:17]
        return image.repeat(1, 3, 1, 1)
