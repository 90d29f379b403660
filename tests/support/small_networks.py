"""Random networks in published layouts, for tests: tensors by name, and plain references.

The references are written with torch.nn, as the originals are, not with latty's own operations.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

CPU = torch.device("cpu")
Tensors = dict[str, Tensor]


def shaken(module: nn.Module, seed: int = 0) -> nn.Module:
    """A module in eval mode whose batch norms and biases are not trivial."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=draw)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.3, generator=draw)
        elif tensor.is_floating_point():
            tensor.normal_(1.0 if _is_gain(tensor, name) else 0.0, 0.1, generator=draw)
            if tensor.dim() > 1:
                tensor.mul_(3 / tensor[0].numel() ** 0.3)
    return module.eval()


def _is_gain(tensor: Tensor, name: str) -> bool:
    return tensor.dim() == 1 and name.endswith("weight")


def tensors(module: nn.Module) -> Tensors:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


class DCGAN(nn.Module):
    """pytorch/examples: `widths` from the latent to the channels of the picture."""

    def __init__(self, widths: tuple[int, ...] = (12, 16, 8, 3)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = len(widths) - 2
        for i, (a, b) in enumerate(pairwise(widths)):
            stride, padding = (1, 0) if i == 0 else (2, 1)
            layers.append(nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False))
            layers += [nn.Tanh()] if i == last else [nn.BatchNorm2d(b), nn.ReLU()]
        self.main = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z[:, :, None, None])


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        up = nn.Upsample(scale_factor=2)
        first = (nn.BatchNorm2d(inputs), nn.ReLU(), up, self.conv1)
        self.model = nn.Sequential(*first, nn.BatchNorm2d(outputs), nn.ReLU(), self.conv2)
        self.bypass: nn.Module = up
        if inputs != outputs:
            self.bypass = nn.Sequential(up, nn.Conv2d(inputs, outputs, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) + self.bypass(x)


class SNGAN(nn.Module):
    """GANLatentDiscovery's layout; widths may change from block to block."""

    def __init__(self, widths: tuple[int, ...] = (10, 8, 8, 4), z: int = 7) -> None:
        super().__init__()
        blocks = [_Block(a, b) for a, b in pairwise(widths)]
        end = (nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.Conv2d(widths[-1], 3, 3, padding=1))
        start = nn.Linear(z, 16 * widths[0]), nn.Unflatten(1, (widths[0], 4, 4))
        self.model = nn.Sequential(*start, *blocks, *end, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.model(z)


def biggan(hierarchical: bool = True, widths: tuple[int, ...] = (16, 16, 8)) -> Tensors:
    """Random tensors of BigGAN-PyTorch: 5 classes of 6 numbers, chunks of 4, attention at last."""
    draw = torch.Generator().manual_seed(5)
    made: Tensors = {"shared.weight": torch.randn(5, 6, generator=draw)}
    condition = 6 + 4 * hierarchical

    def normed(name: str, *shape: int) -> None:
        made[f"{name}.weight"] = torch.randn(*shape, generator=draw) / 2
        made[f"{name}.u0"] = torch.randn(1, shape[0], generator=draw)
        made[f"{name}.sv0"] = torch.ones(1)

    def conv(name: str, *shape: int) -> None:
        normed(name, *shape)
        made[f"{name}.bias"] = torch.randn(shape[0], generator=draw) / 4

    conv("linear", 16 * widths[0], 4)
    for i, (a, b) in enumerate(pairwise(widths)):
        conv(f"blocks.{i}.0.conv1", b, a, 3, 3)
        conv(f"blocks.{i}.0.conv2", b, b, 3, 3)
        conv(f"blocks.{i}.0.conv_sc", b, a, 1, 1)
        for norm, width in (("bn1", a), ("bn2", b)):
            _moments(made, f"blocks.{i}.0.{norm}.stored", width, draw)
            normed(f"blocks.{i}.0.{norm}.gain", width, condition)
            normed(f"blocks.{i}.0.{norm}.bias", width, condition)
    last = widths[-1]
    for name, shape in attention_shapes(last).items():
        normed(f"blocks.{i}.1.{name}", *shape)
    made[f"blocks.{i}.1.gamma"] = torch.tensor(0.7)
    _moments(made, "output_layer.0.stored", last, draw)
    made["output_layer.0.gain"] = torch.rand(last, generator=draw) + 0.5
    made["output_layer.0.bias"] = torch.randn(last, generator=draw) / 4
    conv("output_layer.2", 3, last, 3, 3)
    return made


def attention_shapes(c: int) -> dict[str, tuple[int, int, int, int]]:
    inner = {"theta": (c // 8, c), "phi": (c // 8, c), "g": (c // 2, c), "o": (c, c // 2)}
    return {name: (*shape, 1, 1) for name, shape in inner.items()}


def _moments(made: Tensors, prefix: str, width: int, draw: torch.Generator) -> None:
    made[f"{prefix}_mean"] = torch.randn(width, generator=draw) / 4
    made[f"{prefix}_var"] = torch.rand(width, generator=draw) + 0.5


def biggan_deep(table: tuple[tuple[bool, int, int], ...] | None = None) -> Tensors:
    """Random tensors of Hugging Face's BigGAN-deep: 4 GenBlocks, attention before the third."""
    draw = torch.Generator().manual_seed(6)
    table = table or ((False, 32, 32), (True, 32, 16), (False, 16, 16), (True, 16, 16))
    z, made = 5, {"embeddings.weight": torch.randn(5, 3, generator=draw)}

    def normed(name: str, *shape: int) -> None:
        weight = torch.randn(*shape, generator=draw)
        u, _, v = torch.linalg.svd(weight.flatten(1), full_matrices=False)
        made[f"{name}.weight_orig"] = weight
        made[f"{name}.weight_u"], made[f"{name}.weight_v"] = u[:, 0].clone(), v[0].clone()

    def conv(name: str, *shape: int) -> None:
        normed(name, *shape)
        made[f"{name}.bias"] = torch.randn(shape[0], generator=draw) / 4

    def moments(name: str, width: int) -> None:
        made[f"{name}.running_means"] = torch.randn(51, width, generator=draw) / 4
        made[f"{name}.running_vars"] = torch.rand(51, width, generator=draw) + 0.5

    conv("generator.gen_z", 16 * table[0][1], 2 * z)
    for j, (_, a, b) in enumerate(table):
        at = f"generator.layers.{j + (j >= 2)}"
        middle = a // 4
        sizes = ((a, middle, 1), (middle, middle, 3), (middle, middle, 3), (middle, b, 1))
        for i, (inputs, outputs, side) in enumerate(sizes):
            moments(f"{at}.bn_{i}", inputs)
            normed(f"{at}.bn_{i}.scale", inputs, 2 * z)
            normed(f"{at}.bn_{i}.offset", inputs, 2 * z)
            conv(f"{at}.conv_{i}", outputs, inputs, side, side)
    names = {"theta": "snconv1x1_theta", "phi": "snconv1x1_phi", "g": "snconv1x1_g"}
    for name, shape in attention_shapes(table[2][1]).items():
        normed(f"generator.layers.2.{names.get(name, 'snconv1x1_o_conv')}", *shape)
    made["generator.layers.2.gamma"] = torch.tensor([0.7])
    last = table[-1][2]
    moments("generator.bn", last)
    made["generator.bn.weight"] = torch.rand(last, generator=draw) + 0.5
    made["generator.bn.bias"] = torch.randn(last, generator=draw) / 4
    conv("generator.conv_to_rgb", max(last, 3), last, 3, 3)
    return made


def shapes(found: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in found.items()}
