"""StyleGAN3's layers as its own code runs them without CUDA, and the settings of both networks.

Karras et al. 2021 (arXiv:2106.12423), section 3 and appendix C. A reference of ours: NVlabs' code
is in no package; these are the equations of its training/networks_stylegan3.py with the plain
filters of torch_utils/ops, which it takes where there is no CUDA compiler. Modulated weights are
written for every sample and run as one grouped convolution; filters insert zeros, pad, convolve and
then drop pixels. Letters: N batch, D latent width, I O C channels, H W pixels, T taps.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latty.models.families.stylegan3 import StyleGAN3
from latty.models.families.stylegan3.network import (
    StyleGAN3Config,
    StyleGAN3LayerConfig,
    StyleGAN3Network,
)

LAYERS, CRITICAL, MARGIN, TAPS = 14, 2, 10, 6


def settings(resolution: int, base: int, most: int, kernel: int) -> StyleGAN3Config:
    """Config T (kernel 3) or R (kernel 1) with `base` / cutoff channels, at most `most`."""
    last = resolution / 2
    part = np.minimum(np.arange(LAYERS + 1) / (LAYERS - CRITICAL), 1)
    cutoffs = 2 * (last / 2) ** part
    stops = 2**2.1 * (last * 2**0.3 / 2**2.1) ** part
    rates = np.exp2(np.ceil(np.log2(np.minimum(stops * 2, resolution)))).astype(int)
    sizes = rates + 2 * MARGIN
    sizes[-2:] = resolution
    channels = np.rint(np.minimum(base / 2 / cutoffs, most)).astype(int)
    channels[-1] = 3
    layers = []
    for j in range(LAYERS + 1):
        before, torgb = max(j - 1, 0), j == LAYERS
        fine = int(max(rates[before], rates[j])) * (1 if torgb else 2)
        up, down = fine // int(rates[before]), fine // int(rates[j])
        size, side = (int(sizes[before]), int(sizes[j])), 1 if torgb else kernel
        total = (size[1] - 1) * down + 1 - (size[0] + side - 1) * up
        total += 0 if torgb else TAPS * (up + down) - 2
        front = (total + up) // 2
        name = f"L{j}_{size[1]}_{channels[j]}"
        inputs, outputs = int(channels[before]), int(channels[j])
        padding = (front, total - front)
        layers.append(
            StyleGAN3LayerConfig(
                name, inputs, outputs, *size, side, up, down, padding, 256.0, torgb
            )
        )
    first = (int(channels[0]), int(sizes[0]), float(rates[0]), float(cutoffs[0]))
    return StyleGAN3Config(512, 512, 0, resolution, 3, *first, tuple(layers), hidden_dim=512)


def tensors_of(config: StyleGAN3Config, radial: bool) -> dict[str, Tensor]:
    """Random tensors of a file; radial: a (T, T) filter on the way down, as R has, else (T,)."""
    network = StyleGAN3Network(config)
    found = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rate = config.bandwidth
    found["synthesis.input.freqs"] = torch.randn(config.input_channels, 2) * rate / 2
    found["synthesis.input.phases"] = torch.rand(config.input_channels) - 0.5
    for layer in config.layers[:-1]:
        for kind, factor in (("up", layer.up), ("down", layer.down)):
            line = torch.hann_window(TAPS * factor + 2, periodic=False)[1:-1]
            line = line / line.sum()
            two = radial and kind == "down" and layer is not config.layers[-2]
            taps = torch.outer(line, line) if two else line
            found[f"synthesis.{layer.name}.{kind}_filter"] = taps
    return found


def _fir(x: Tensor, taps: Tensor, full: bool) -> Tensor:
    """Convolve each channel of x (N, C, H, W) with (T, T), or with (T,) along both axes."""
    c = x.shape[1]
    if taps.dim() == 1 and not full:
        line = taps.flip(0)
        x = F.conv2d(x, line[:, None].expand(c, 1, -1, -1), groups=c)
        return F.conv2d(x, line.expand(c, 1, 1, -1), groups=c)
    kernel = torch.outer(taps, taps) if taps.dim() == 1 else taps
    return F.conv2d(x, kernel.flip(0, 1).expand(c, 1, -1, -1), groups=c)


def _zeros_between(x: Tensor, up: int) -> Tensor:
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
    return x.reshape(n, c, h * up, w * up)


class Textbook:
    """StyleGAN3 synthesis from a file's tensors; the Fourier input is that of `generator`.

    full: every filter as a (T, T) kernel, else filters (T,) as two passes, as the original does.
    """

    def __init__(
        self, generator: StyleGAN3, tensors: dict[str, Tensor], config: StyleGAN3Config, full: bool
    ) -> None:
        self.generator, self.tensors, self.config, self.full = generator, tensors, config, full

    def _modulated(self, layer: StyleGAN3LayerConfig, x: Tensor, code: Tensor) -> Tensor:
        name, (n, i, h, w) = f"synthesis.{layer.name}", x.shape
        affine = self.tensors[f"{name}.affine.weight"]
        bias = self.tensors[f"{name}.affine.bias"]
        style = F.linear(code, affine / math.sqrt(affine.shape[1]), bias)
        weight = self.tensors[f"{name}.weight"]
        if layer.torgb:
            style = style / math.sqrt(weight[0].numel())
        else:
            weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
            style = style * style.square().mean().rsqrt()
        grouped = weight * style[:, None, :, None, None]
        if not layer.torgb:
            grouped = grouped * (grouped.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        grouped = grouped * self.tensors[f"{name}.magnitude_ema"].rsqrt()
        grouped = grouped.reshape(n * layer.outputs, i, layer.kernel, layer.kernel)
        y = F.conv2d(x.reshape(1, n * i, h, w), grouped, padding=layer.kernel - 1, groups=n)
        y = y.reshape(n, layer.outputs, *y.shape[2:])
        return y + self.tensors[f"{name}.bias"][:, None, None]

    def _activated(self, layer: StyleGAN3LayerConfig, x: Tensor) -> Tensor:
        if layer.torgb:
            return x.clamp(-256, 256)
        name, (front, back) = f"synthesis.{layer.name}", layer.padding
        x = F.pad(_zeros_between(x, layer.up), (front, back, front, back))
        x = _fir(x, self.tensors[f"{name}.up_filter"] * layer.up, self.full)
        x = (F.leaky_relu(x, 0.2) * math.sqrt(2)).clamp(-256, 256)
        x = _fir(x, self.tensors[f"{name}.down_filter"], self.full)
        return x[:, :, :: layer.down, :: layer.down]

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (N, L, D) -> images (N, C, H, W)."""
        x = self.generator.activation(codes, "input")
        for j, layer in enumerate(self.config.layers):
            x = self._activated(layer, self._modulated(layer, x, codes[:, j + 1]))
        return x * self.config.output_scale
