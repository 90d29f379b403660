"""The ProGAN generator network, frozen: convolutions between pixel norms, nothing else.

Karras et al. 2018, "Progressive Growing of GANs" (arXiv:1710.10196), table 2.
Letters: N batch, Z latent width, I O channels, H W pixels.

Every file's convolution runs on the picture doubled by nearest neighbour. Doubling and convolving
are one transposed convolution with a 4x4 kernel, at less than half the multiplications.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.models import ops
from latty.models.latent_generator import StageState


@dataclass(frozen=True, slots=True)
class ProGANConfig:
    """Everything the tensors' shapes depend on; channels: outputs of each convolution, in order."""

    z_dim: int
    classes: int
    channels: tuple[int, ...]
    img_channels: int

    @property
    def resolution(self) -> int:
        return 4 << (len(self.channels) // 2 - 1)

    @property
    def blocks(self) -> int:
        """Resolutions from 4 px up, two convolutions each."""
        return len(self.channels) // 2


@dataclass(frozen=True, slots=True)
class ProGANConv:
    """A convolution as it is run: weight (O, I, k, k), (I, O, 4, 4) where `up`; bias (O,), or
    (O, H, W) where each pixel has its own."""

    weight: Tensor
    bias: Tensor
    up: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, I, H, W) -> (N, O, H, W), or twice the size where `up`."""
        if self.up:
            return F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)
        size = self.weight.shape[-1]
        padding = 3 if size == 4 else size // 2  # a 4x4 kernel grows one pixel to 4x4
        if self.bias.dim() == 3:
            return F.conv2d(x, self.weight, padding=padding) + self.bias
        return F.conv2d(x, self.weight, self.bias, padding=padding)


class ProGANNetwork:
    """Latents (N, Z) and labels (N, classes) -> images (N, C, H, W)."""

    def __init__(
        self,
        config: ProGANConfig,
        tensors: Mapping[str, Tensor],
        device: torch.device,
        dtype: torch.dtype | None,
    ) -> None:
        self.config, self.dtype = config, dtype or torch.float32
        self.layers = [
            self._conv(tensors, f"features.{j}", device, math.sqrt(2), j > 0 and j % 2 == 0)
            for j in range(len(config.channels))
        ]
        last = config.blocks - 1
        names = {b: f"outputs.{b}" for b in range(last)} | {last: "output"}
        self.outputs = {
            b: self._conv(tensors, name, device, 1.0, False)
            for b, name in names.items()
            if f"{name}.conv.weight" in tensors
        }

    def _conv(
        self,
        tensors: Mapping[str, Tensor],
        name: str,
        device: torch.device,
        gain: float,
        up: bool,
    ) -> ProGANConv:
        """Weights scaled once: by the file's own scale, else by gain / sqrt(inputs of a filter)."""
        weight, scale = tensors[f"{name}.conv.weight"], tensors.get(f"{name}.wscale.scale")
        scaled = weight * (gain / math.sqrt(weight[0].numel()) if scale is None else scale)
        scaled = ops.doubling(scaled) if up else scaled
        bias = tensors[f"{name}.wscale.b"]
        scaled = scaled.to(device, self.dtype).contiguous(memory_format=torch.channels_last)
        return ProGANConv(scaled, bias.to(device, self.dtype), up)

    @property
    def names(self) -> tuple[str, ...]:
        """layer0, layer1, ...: every convolution; then the picture."""
        return (*(f"layer{j}" for j in range(len(self.layers))), "image")

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """What the first convolution reads, (N, Z + classes, 1, 1), of codes (N, 1, Z)."""
        return [self.start(codes[:, 0], label)]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after convolution `index`, before the next pixel norm; at the end
        the picture."""
        if index < len(self.layers):
            return self.layer(index, x)
        return self.picture(self.config.blocks - 1, x)

    def layer_weights(self) -> list[Tensor]:
        """The first convolution as a matrix (16 O, Z): output pixel (o, y, x) of each z.

        As SeFa reads it: the padding of 3 turns the kernel around, and labels have no part in it.
        """
        kernel = self.layers[0].weight.detach().float()[:, : self.config.z_dim]
        return [kernel.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, self.config.z_dim)]

    def start(self, z: Tensor, label: Tensor | None) -> Tensor:
        """What the first convolution reads: (N, Z + classes, 1, 1)."""
        x = ops.pixel_norm(z)
        if self.config.classes:
            empty = z.new_zeros(z.shape[0], self.config.classes)
            x = ops.pixel_norm(torch.cat([x, empty if label is None else label.to(x)], 1))
        return x[:, :, None, None].to(self.dtype)

    def layer(self, index: int, x: Tensor) -> Tensor:
        """Features (N, C, H, W) after convolution `index`."""
        x = x if index == 0 else ops.pixel_norm(x)
        return F.leaky_relu_(self.layers[index](x), 0.2)

    def picture(self, block: int, x: Tensor) -> Tensor:
        """The image (N, C, H, W) that features at the end of a block stand for."""
        return self.outputs[block](ops.pixel_norm(x)).float()

    def early_heights(self) -> Mapping[int, int]:
        """The states at the end of a block whose to-RGB the file has, and px of their images."""
        return {
            2 * block + 2: 4 << block for block in self.outputs if block < self.config.blocks - 1
        }

    def early(self, state: StageState, codes: Tensor) -> Tensor:
        """The image (N, C, h, w) at the end of a block."""
        return self.picture(state.layer // 2 - 1, state.x)

    def growing(self, x: Tensor, lod: float) -> Tensor:
        """Images (N, C, H, W) from what `start` gives, by a network that is still growing: section
        2 and figure 2 blend the images of two resolutions, and what is finer takes no part."""
        image: Tensor | None = None
        for j in range(len(self.layers)):
            if lod >= self.config.blocks - j // 2:
                image = ops.enlarge(image) if j % 2 and image is not None else image
                continue
            x = self.layer(j, x)
            if j % 2:
                image = self._blend(image, x, j // 2, lod)
        assert image is not None
        return image

    def _blend(self, image: Tensor | None, x: Tensor, block: int, lod: float) -> Tensor | None:
        here = self.config.blocks - 1 - block
        if here - 1 < lod <= here:
            return self.picture(block, x)
        if here < lod < here + 1:
            part = math.ceil(lod) - lod
            new = self.picture(block, x)
            return new if image is None else part * new + (1 - part) * ops.enlarge(image)
        return None
