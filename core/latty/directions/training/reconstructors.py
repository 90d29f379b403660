"""Networks that look at a picture and at the same picture after a shift, and say which and how far.

The pair comes as the first picture and the difference to the second, on top of each other: the same
information as both pictures (the first convolution could do it), but what matters is there from the
start instead of after thousands of steps.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from latty.attributes.resnet import ResNet

Kind = Literal["lenet", "resnet"]
WIDTH = 2  # of LeNet, times its classical 6, 16, 120 channels


class Reconstructor(nn.Module):
    """Pairs (N, C, H, W) twice -> logits (N, K) of the path and magnitudes (N,)."""

    def __init__(self, kind: Kind, channels: int, paths: int) -> None:
        super().__init__()
        self.body: nn.Module
        if kind == "lenet":
            self.body, features = LeNet(2 * channels), LeNet.FEATURES
        else:
            self.body = ResNet((2, 2, 2, 2), 2 * channels, 1)
            del self.body.fc  # the two heads take its place
            features = self.body.width
        self.path = _head(kind, features, paths)
        self.magnitude = _head(kind, features, 1)

    def forward(self, picture: Tensor, shifted: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs (N, C, H, W) twice -> logits (N, K), magnitudes (N,)."""
        pair = torch.cat([picture, shifted - picture], 1)
        assert isinstance(self.body, LeNet | ResNet)
        features = self.body.features(pair)
        return self.path(features), self.magnitude(features).squeeze(1)


def _head(kind: Kind, features: int, outputs: int) -> nn.Module:
    if kind == "resnet":
        return nn.Linear(features, outputs)
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, outputs))


class LeNet(nn.Module):
    """Three convolutions of 5 x 5 (LeCun et al. 1998), batch norms, averaged over the picture."""

    FEATURES = 120 * WIDTH

    def __init__(self, channels: int) -> None:
        super().__init__()
        sizes = [channels, 6 * WIDTH, 16 * WIDTH, 120 * WIDTH]
        pairs = list(pairwise(sizes))
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 5, padding=2, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs)

    def features(self, x: Tensor) -> Tensor:
        """(N, 240)."""
        for place, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            if place:
                x = nn.functional.max_pool2d(x, 2)
            x = norm(conv(x)).relu_()
        return x.mean((2, 3))
