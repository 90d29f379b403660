"""Residual networks (He et al. 2015, arXiv 1512.03385) under the names torchvision gives weights.

A state dict of any of its ResNets loads as it is: basic blocks (18, 34) or bottlenecks (50, 101,
152). Only the forward form is ours to write; the names are the format that classifiers come in.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

STEM = 64  # channels after the first convolution; every stage doubles them


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, the first one strides; or a bottleneck: 1 x 1 down,
    3 x 3 (which strides), 1 x 1 up to four times the width."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        self.outputs = 4 * width if bottleneck else width
        convolutions = [(inputs, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            convolutions = [(inputs, width, 1, 1), (width, width, 3, stride)]
            convolutions.append((width, self.outputs, 1, 1))
        self.count = len(convolutions)
        for i, (before, after, kernel, step) in enumerate(convolutions, 1):
            conv = nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(after))
        self.downsample: nn.Module | None = None
        if stride > 1 or inputs != self.outputs:  # the input does not fit the output
            conv = nn.Conv2d(inputs, self.outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(self.outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), at the block's width and stride."""
        inner = x
        for i in range(1, self.count + 1):
            inner = inner.relu_() if i > 1 else inner
            inner = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(inner))
        return (inner + (x if self.downsample is None else self.downsample(x))).relu_()


class ResNet(nn.Module):
    """Pictures (N, channels, H, W) -> (N, outputs); `blocks` of the four stages.

    (2, 2, 2, 2) is ResNet-18, (3, 4, 6, 3) ResNet-34 and, with `bottleneck`, ResNet-50. The weights
    are drawn from torch's global generator: He's normal law for convolutions.
    """

    def __init__(
        self,
        blocks: Sequence[int] = (2, 2, 2, 2),
        channels: int = 3,
        outputs: int = 1000,
        bottleneck: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, STEM, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        inputs = STEM
        for stage, count in enumerate(blocks):
            width = STEM << stage
            layer: OrderedDict[str, nn.Module] = OrderedDict()
            for place in range(count):
                stride = 2 if stage and not place else 1
                layer[str(place)] = block = ResidualBlock(inputs, width, stride, bottleneck)
                inputs = block.outputs
            self.add_module(f"layer{stage + 1}", nn.Sequential(layer))
        self.stages = len(blocks)
        self.width = inputs
        self.fc = nn.Linear(inputs, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Averaged over the picture, (N, 512) with basic blocks, (N, 2048) with bottlenecks."""
        x = self.bn1(self.conv1(x)).relu_()
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) -> logits (N, A)."""
        found: Tensor = self.fc(self.features(x))
        return found


def blocks_of(names: Sequence[str]) -> tuple[int, ...]:
    """How many blocks each stage of a state dict with these names has; () = it is no ResNet."""
    counts: list[int] = []
    while True:
        prefix = f"layer{len(counts) + 1}."
        places = {name.split(".")[1] for name in names if name.startswith(prefix)}
        if not places:
            return tuple(counts)
        counts.append(len(places))
