"""The residual discriminator of StyleGAN2 with minibatch standard deviation.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", figure 7c, with the
equalised learning rate and the minibatch layer of Karras et al. 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def gain(active: bool) -> float:
    """What a leaky ReLU after the layer takes away from the variance, given back before."""
    return math.sqrt(2) if active else 1.0


class Conv(nn.Module):
    """Convolution at unit variance, scaled when used: (N, I, H, W) -> (N, O, H, W)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, active: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if active else None
        self.gain, self.pad = gain(active) / math.sqrt(inputs * kernel**2), kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.gain, self.bias, padding=self.pad)


class Linear(nn.Module):
    """Fully connected layer at unit variance: (N, I) -> (N, O)."""

    def __init__(self, inputs: int, outputs: int, active: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = gain(active) / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.gain, self.bias)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU; the gain that keeps the variance is in the weights, where it is cheap."""
    return F.leaky_relu(x, 0.2)


def spread(x: Tensor, group: int = 4) -> Tensor:
    """Append one map: the mean standard deviation over groups of pictures, (N, C + 1, H, W)."""
    n, c, h, w = x.shape
    group = math.gcd(group, n)
    y = x.float().reshape(group, n // group, c, h, w)
    y = (y - y.mean(0)).square().mean(0).add(1e-8).sqrt().mean((1, 2, 3), keepdim=True)
    y = y.reshape(-1, 1, 1, 1).repeat(group, 1, h, w)
    return torch.cat([x, y.to(x.dtype)], 1)


class Block(nn.Module):
    """Two convolutions and a shortcut, then half the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = Conv(inputs, inputs, 3)
        self.conv1 = Conv(inputs, outputs, 3)
        self.skip = Conv(inputs, outputs, 1, active=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(activate(self.conv0(x)), 2)
        y = activate(self.conv1(y))
        z: Tensor = self.skip(F.avg_pool2d(x, 2))
        return (y + z) * math.sqrt(0.5)


class Discriminator(nn.Module):
    """images (N, 3, H, W) in -1..1 -> logits (N, 1); `channels` from the full size down to 4 px."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.from_rgb = Conv(3, channels[0], 1)
        self.blocks = nn.ModuleList([Block(a, b) for a, b in pairwise(channels)])
        last = channels[-1]
        self.conv = Conv(last + 1, last, 3)
        self.hidden = Linear(last * 16, last)
        self.out = Linear(last, 1, active=False)

    def forward(self, images: Tensor) -> Tensor:
        x = activate(self.from_rgb(images))
        for block in self.blocks:
            x = block(x)
        x = activate(self.conv(spread(x)))
        logits: Tensor = self.out(activate(self.hidden(x.flatten(1))))
        return logits.float()
