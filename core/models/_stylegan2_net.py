"""The StyleGAN2 generator network, trainable and with NVIDIA's tensor names.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", with the equalised
learning rate of Karras et al. 2018: weights are kept at unit variance and scaled when used.
Letters: N batch, L layers, D latent width, Z z-width, H W pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import _ops as ops

Noise = str | int  # "const", "none" or a seed


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the tensors' shapes and the arithmetic depend on."""

    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0
    resolution: int = 256
    img_channels: int = 3
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128)  # per resolution from 4 px up
    mapping_layers: int = 8
    mapping_lr: float = 0.01
    architecture: str = "skip"  # skip | resnet | orig
    activation: str = "lrelu"
    conv_clamp: float | None = None
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)
    use_noise: bool = True

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... resolution."""
        return tuple(4 << i for i in range(len(self.channels)))

    @property
    def num_layers(self) -> int:
        """L: one code per convolution and one for the last to-RGB."""
        return 2 * len(self.channels)


class FullyConnected(nn.Module):
    """act(x W^T g + b lr) with g = lr / sqrt(inputs): (N, inputs) -> (N, outputs)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: str = "linear",
        lr: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full((outputs,), float(bias)))
        self.weight_gain, self.bias_gain = lr / math.sqrt(inputs), lr
        self.activation = ops.ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        y = torch.addmm(self.bias, x, self.weight.t(), beta=self.bias_gain, alpha=self.weight_gain)
        y = self.activation.function(y)
        return y * self.activation.gain if self.activation.gain != 1 else y


class Mapping(nn.Module):
    """z (N, Z) and label (N, classes) -> codes (N, L, D)."""

    w_avg: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.z_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.w_dim)
            width += config.w_dim
        for i in range(config.mapping_layers):
            layer = FullyConnected(width, config.w_dim, config.activation, config.mapping_lr)
            setattr(self, f"fc{i}", layer)
            width = config.w_dim
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation: float = 1.0,
        cutoff: int | None = None,
    ) -> Tensor:
        """label: None, class indices (N,), or weights (N, classes)."""
        x = ops.pixel_norm(z.float())
        if self.config.c_dim:
            x = torch.cat([x, ops.pixel_norm(self.embed(self._weights(label, x)))], 1)
        for i in range(self.config.mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        codes = x[:, None].expand(-1, self.config.num_layers, -1)
        if truncation == 1 or cutoff == 0:
            return codes
        moved = self.w_avg + truncation * (codes - self.w_avg)
        if cutoff is None:
            return moved
        return torch.cat([moved[:, :cutoff], codes[:, cutoff:]], 1)

    def _weights(self, label: Tensor | None, x: Tensor) -> Tensor:
        if label is None:
            return x.new_zeros(x.shape[0], self.config.c_dim)
        if label.dim() == 1:
            return F.one_hot(label.long(), self.config.c_dim).to(x)
        return label.to(x)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, optional x2 up-sampling, noise, bias, activation: (N, I, H, W) -> (N, O, H', W')."""

    noise_const: Tensor

    def __init__(
        self, config: Config, inputs: int, outputs: int, size: int, index: int, up: bool
    ) -> None:
        super().__init__()
        self.affine = FullyConnected(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.size, self.index, self.up = size, index, up
        self.use_noise, self.clamp, self.taps = (
            config.use_noise,
            config.conv_clamp,
            config.resample_filter,
        )
        self.activation = ops.ACTIVATIONS[config.activation]
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(size, size))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, code: Tensor, noise: Noise, gain: float = 1.0) -> Tensor:
        style = self.affine(code)
        weight = self.weight.to(x.dtype)
        y = x * ops.channels(style).to(x.dtype)
        y = (
            ops.up_conv_transposed(y, weight, self.taps)
            if self.up
            else F.conv2d(y, weight, padding=1)
        )
        gain = gain * self.activation.gain
        early = gain if self.activation.homogeneous else 1.0  # one multiplication fewer per pixel
        scale = ops.demodulation(self.weight, style) * early
        y = torch.addcmul(
            ops.channels(self.bias * early).to(x.dtype), y, ops.channels(scale).to(x.dtype)
        )
        if self.use_noise and noise != "none":
            y = y + (self._noise(noise) * (self.noise_strength * early)).to(x.dtype)
        y = self.activation.function(y)
        if early != gain:
            y = y * gain
        if self.clamp is not None:
            limit = self.clamp * gain / self.activation.gain
            y = y.clamp(-limit, limit)
        return y

    def _noise(self, noise: Noise) -> Tensor:
        if isinstance(noise, int):
            return ops.seeded_noise(noise, self.index, self.size).to(self.noise_const.device)
        return self.noise_const


class ToRGB(nn.Module):
    """Modulated 1x1 convolution without demodulation: (N, I, H, W) -> (N, C, H, W) float32."""

    def __init__(self, config: Config, inputs: int) -> None:
        super().__init__()
        self.affine = FullyConnected(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(config.img_channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.gain, self.clamp = 1 / math.sqrt(inputs), config.conv_clamp

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        n, i, h, w = x.shape
        style = self.affine(code) * self.gain
        # One (C, I) matrix per sample is tiny here, so the weights are modulated, not the picture.
        weight = self.weight.flatten(1) * style[:, None]
        pixels = x.permute(0, 2, 3, 1).reshape(n, h * w, i)
        y = torch.matmul(weight.to(x.dtype), pixels.transpose(1, 2)).float()
        y = y.reshape(n, -1, h, w) + ops.channels(self.bias)
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


class Shortcut(nn.Module):
    """The residual path: 1x1 convolution, then up-sampling."""

    def __init__(self, config: Config, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.gain, self.taps = 1 / math.sqrt(inputs), config.resample_filter

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, (self.weight * (self.gain * math.sqrt(0.5))).to(x.dtype))
        return ops.upsample(y, self.taps)


class Block(nn.Module):
    """One resolution: (x, image) -> (x, image), reading codes from its first layer on."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        size, out = config.resolutions[index], config.channels[index]
        self.first = max(2 * index - 1, 0)  # index of the block's first code
        self.residual = config.architecture == "resnet" and index > 0
        self.taps = config.resample_filter
        self.convs = ["conv1"] if index == 0 else ["conv0", "conv1"]
        if index == 0:
            self.const = nn.Parameter(torch.randn(out, 4, 4))
        else:
            self.conv0 = StyledConv(config, config.channels[index - 1], out, size, self.first, True)
        self.conv1 = StyledConv(config, out, out, size, 2 * index, False)
        last = index == len(config.channels) - 1
        self.torgb = ToRGB(config, out) if last or config.architecture == "skip" else None
        if self.residual:
            self.skip = Shortcut(config, config.channels[index - 1], out)

    def forward(
        self, x: Tensor, image: Tensor | None, codes: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        layer = self.first
        shortcut = self.skip(x) if self.residual else None
        if "conv0" in self.convs:
            x = self.conv0(x, codes[:, layer], noise)
            layer += 1
        x = self.conv1(x, codes[:, layer], noise, math.sqrt(0.5) if self.residual else 1.0)
        if shortcut is not None:
            x = shortcut + x
        if image is not None:
            image = ops.upsample(image, self.taps)
        if self.torgb is not None:
            rgb = self.torgb(x, codes[:, layer + 1])
            image = rgb if image is None else image + rgb
        return x, image


class Synthesis(nn.Module):
    """codes (N, L, D) -> images (N, C, H, W) float32, nominally [-1, 1], unclamped."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.dtype = torch.float32  # of the convolutions; styles and images stay float32
        for i, size in enumerate(config.resolutions):
            setattr(self, f"b{size}", Block(config, i))

    def forward(self, codes: Tensor, noise: Noise = "const") -> Tensor:
        codes = codes.float()
        const = self.get_submodule("b4").const
        x = const.to(self.dtype).expand(codes.shape[0], -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        for size in self.config.resolutions:
            x, image = self.get_submodule(f"b{size}")(x, image, codes, noise)
        assert image is not None
        return image


class Network(nn.Module):
    """mapping(z, label, truncation, cutoff) -> codes; synthesis(codes, noise) -> images."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def forward(self, z: Tensor, label: Tensor | None = None, noise: Noise = "const") -> Tensor:
        """Images (N, C, H, W) of z (N, Z), untruncated."""
        images: Tensor = self.synthesis(self.mapping(z, label), noise)
        return images
