"""Residual networks: torchvision's names, and numbers against a plain functional form."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from latty.attributes.resnet import ResNet, blocks_of

State = dict[str, Tensor]


def shaken(net: ResNet) -> ResNet:
    """Norms that are not trivial, as in a trained network."""
    state = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith(("running_var", "bn1.weight", "bn2.weight", "bn3.weight")):
                tensor.uniform_(0.5, 1.5, generator=state)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.1, generator=state)
    return net.eval()


def norm(t: State, name: str, x: Tensor) -> Tensor:
    fields = (t[f"{name}.{field}"] for field in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *fields)


def plain(t: State, x: Tensor, blocks: tuple[int, ...], convolutions: int) -> Tensor:
    """The network written out, from its state dict alone."""
    x = F.relu(norm(t, "bn1", F.conv2d(x, t["conv1.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, 3, 2, 1)
    strided = 1 if convolutions == 2 else 2  # which convolution of a block strides
    for stage, count in enumerate(blocks, 1):
        for place in range(count):
            name, y = f"layer{stage}.{place}", x
            for i in range(1, convolutions + 1):
                weight = t[f"{name}.conv{i}.weight"]
                stride = 2 if stage > 1 and place == 0 and i == strided else 1
                y = F.conv2d(y, weight, stride=stride, padding=weight.shape[2] // 2)
                y = norm(t, f"{name}.bn{i}", y)
                y = F.relu(y) if i < convolutions else y
            if f"{name}.downsample.0.weight" in t:
                stride = 2 if stage > 1 else 1
                x = F.conv2d(x, t[f"{name}.downsample.0.weight"], stride=stride)
                x = norm(t, f"{name}.downsample.1", x)
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), t["fc.weight"], t["fc.bias"])


@pytest.mark.parametrize(
    ("blocks", "bottleneck", "tensors", "parameters"),
    [
        ((2, 2, 2, 2), False, 122, 11_689_512),  # torchvision's own counts
        ((3, 4, 6, 3), False, 218, 21_797_672),
        ((3, 4, 6, 3), True, 320, 25_557_032),
    ],
)
def test_numbers_and_names(
    blocks: tuple[int, ...], bottleneck: bool, tensors: int, parameters: int
) -> None:
    net = shaken(ResNet(blocks, bottleneck=bottleneck))
    state = net.state_dict()
    assert len(state) == tensors
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert {"conv1.weight", "bn1.num_batches_tracked", "layer2.0.downsample.1.running_var"} <= set(
        state
    )
    assert ("layer1.0.downsample.0.weight" in state) == bottleneck
    assert blocks_of(list(state)) == blocks and blocks_of(["conv1.weight"]) == ()
    x = torch.randn(2, 3, 40, 56, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = plain(state, x, blocks, 3 if bottleneck else 2)
        torch.testing.assert_close(net(x), wanted, atol=2e-3, rtol=1e-3)


def test_any_channels_and_outputs() -> None:
    net = ResNet((1, 1, 1, 1), channels=6, outputs=5).eval()
    with torch.no_grad():
        x = torch.randn(2, 6, 32, 32)
        assert net.features(x).shape == (2, 512) and net(x).shape == (2, 5)
