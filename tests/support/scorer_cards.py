"""A classifier as people bring it: a card, and the network that it describes."""

from pathlib import Path

import torch
from torch import nn

CNN = """\
kind = "cnn"
weights = "{weights}"
size = 16
channels = 3
range = [-1, 1]
outputs = ["smile", "hat"]
activation = "sigmoid"
layers = [
  {{ kind = "conv", tensors = "0", stride = 2, padding = 1, groups = 1 }},
  {{ kind = "batch_norm", tensors = "1" }},
  {{ kind = "leaky_relu", slope = 0.1 }},
  {{ kind = "max_pool", kernel = 3, stride = 2, padding = 1 }},
  {{ kind = "conv", tensors = "4", dilation = 2, groups = 2, bias = false }},
  {{ kind = "silu" }},
  {{ kind = "average_pool", kernel = 2 }},
  {{ kind = "flatten" }},
  {{ kind = "linear", tensors = "8" }},
]
"""


def plain() -> nn.Sequential:
    """What CNN describes, in torch's own words."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(8, 6, 2, dilation=2, groups=2, bias=False),
        nn.SiLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(6, 2),
    )
    with torch.no_grad():
        for name, tensor in network.named_buffers():
            if "running" in name:
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    return network.eval()


def card(folder: Path, text: str, name: str = "mine") -> Path:
    """A card in `folder`."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path
