"""Families of 2016 to 2019 as their own code runs them, with the tensor names of their files.

A reference of ours, written from the papers in plain torch, for no package installs the code of
pytorch/examples, GANLatentDiscovery, akanimax or NVlabs: nothing is folded, fused or kept from one
call to the next. Weights are scaled when used, nearest neighbours are copied and then convolved.
`state_dict()` of each is a file of the family. Letters: N batch, Z latent width, I O channels,
H W pixels.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def shaken(module: nn.Module) -> nn.Module:
    """The module in eval mode, its batch norms and gains no longer trivial."""
    for name, tensor in module.state_dict().items():
        last = name.rpartition(".")[2]
        if last in ("running_var", "stored_var", "running_vars"):
            tensor.uniform_(0.5, 2)
        elif last in ("running_mean", "stored_mean", "running_means"):
            tensor.normal_(0, 0.3)
    return module.eval().requires_grad_(False)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class DCGAN(nn.Module):
    """Radford et al. 2016, in pytorch/examples' layout: `widths` from the latent to the picture."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = len(widths) - 2
        for i, (a, b) in enumerate(pairwise(widths)):
            stride, padding = (1, 0) if i == 0 else (2, 1)
            layers.append(nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False))
            layers += [nn.Tanh()] if i == last else [nn.BatchNorm2d(b), nn.ReLU(True)]
        self.main = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (N, 1, Z) -> images (N, C, H, W)."""
        y: Tensor = self.main(codes[:, 0, :, None, None])
        return y


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.bypass = nn.Sequential(nn.Upsample(scale_factor=2))
        if inputs != outputs:
            self.bypass.append(nn.Conv2d(inputs, outputs, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x) + self.bypass(x)
        return y


class SNGAN(nn.Module):
    """Miyato et al. 2018, in GANLatentDiscovery's layout: `widths` of the residual blocks."""

    def __init__(self, widths: tuple[int, ...], z_dim: int = 128) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(z_dim, 16 * widths[0]),
            nn.Unflatten(1, (widths[0], 4, 4)),
            *(_Residual(a, b) for a, b in pairwise(widths)),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.Conv2d(widths[-1], 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (N, 1, Z) -> images (N, C, H, W)."""
        y: Tensor = self.model(codes[:, 0])
        return y


def _pixel_norm(x: Tensor) -> Tensor:
    return x / torch.sqrt(x.square().mean(1, keepdim=True) + 1e-8)


class _Scaled(nn.Module):
    """A convolution whose result, not its weights, is scaled: WScaleLayer of ProGAN's ports."""

    def __init__(self, inputs: int, outputs: int, size: int, padding: int, gain: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=padding, bias=False)
        nn.init.normal_(self.conv.weight)
        self.wscale = nn.Module()
        self.wscale.scale = nn.Parameter(torch.tensor([gain / math.sqrt(inputs * size * size)]))
        self.wscale.b = nn.Parameter(0.1 * torch.randn(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x) * self.wscale.scale
        return y + self.wscale.b.view(1, -1, 1, 1).expand_as(y)


class ProGAN(nn.Module):
    """Karras et al. 2018, in akanimax's layout; `widths` of the convolutions, two per size."""

    def __init__(self, widths: tuple[int, ...], z_dim: int = 512) -> None:
        super().__init__()
        gain, inputs = math.sqrt(2), (z_dim, *widths[:-1])
        self.features = nn.Sequential(
            *(
                _Scaled(i, o, 3 if j else 4, 1 if j else 3, gain)
                for j, (i, o) in enumerate(zip(inputs, widths, strict=True))
            )
        )
        self.output = _Scaled(widths[-1], 3, 1, 0, 1.0)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (N, 1, Z) -> images (N, C, H, W)."""
        x = codes[:, 0, :, None, None]
        for j, layer in enumerate(self.features):
            x = _pixel_norm(x)
            x = double(x) if j and j % 2 == 0 else x
            x = F.leaky_relu(layer(x), 0.2)
        y: Tensor = self.output(_pixel_norm(x))
        return y


class _StyleLayer(nn.Module):
    def __init__(self, inputs: int, outputs: int, width: int, size: int, first: bool) -> None:
        super().__init__()
        if not first:
            self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(0.1 * torch.randn(outputs))
        self.noise_weight = nn.Parameter(0.1 * torch.randn(outputs))
        self.noise = nn.Parameter(torch.randn(size, size))
        self.style = nn.Linear(width, 2 * outputs)
        nn.init.normal_(self.style.weight)

    def forward(self, x: Tensor, code: Tensor, up: bool) -> Tensor:
        if hasattr(self, "weight"):
            scaled = self.weight * math.sqrt(2 / self.weight[0].numel())
            x = F.conv2d(double(x) if up else x, scaled, padding=1)
        if up:
            line = torch.tensor([1.0, 2.0, 1.0]) / 4
            kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
            x = F.conv2d(x, kernel, padding=1, groups=x.shape[1])
        x = x + self.bias[:, None, None]
        x = x + self.noise_weight[:, None, None] * self.noise
        x = F.leaky_relu(x, 0.2)
        x = F.instance_norm(x, eps=1e-8)
        weight = self.style.weight / math.sqrt(self.style.weight.shape[1])
        scale, shift = F.linear(code, weight, self.style.bias)[..., None, None].chunk(2, 1)
        return x * (scale + 1) + shift


class StyleGAN1(nn.Module):
    """Karras et al. 2019, in latty's own layout; `widths` of the layers, two per size."""

    def __init__(self, widths: tuple[int, ...], width: int = 512) -> None:
        super().__init__()
        self.mapping = nn.Module()
        self.mapping.dense0 = nn.Linear(width, width)
        self.mapping.w_avg = nn.Parameter(torch.zeros(width))
        self.synthesis = nn.Module()
        self.synthesis.const = nn.Parameter(torch.randn(widths[0], 4, 4))
        for j, (inputs, outputs) in enumerate(zip((0, *widths), widths, strict=False)):
            layer = _StyleLayer(inputs, outputs, width, 4 << j // 2, j == 0)
            self.synthesis.add_module(f"layer{j}", layer)
        self.last = f"output{len(widths) // 2 - 1}"
        self.synthesis.add_module(self.last, nn.Conv2d(widths[-1], 3, 1))
        self.count = len(widths)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (N, L, D) -> images (N, C, H, W)."""
        x = self.synthesis.const.expand(codes.shape[0], -1, -1, -1)
        for j in range(self.count):
            x = self.synthesis.get_submodule(f"layer{j}")(x, codes[:, j], j > 0 and j % 2 == 0)
        output = self.synthesis.get_submodule(self.last)
        y: Tensor = F.conv2d(x, output.weight / math.sqrt(x.shape[1]), output.bias)
        return y
