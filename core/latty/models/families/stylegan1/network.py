"""The StyleGAN generator network, frozen: convolution, noise, instance norm, style, layer by layer.

Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks"
(arXiv:1812.04948), figure 1b, with the equalised learning rate of ProGAN.
Letters: N batch, L layers, D latent width, Z z-width, I O channels, H W pixels.

Layer j makes 4 << j // 2 pixels and reads code j; layer 0 starts from the learned constant, even
layers double the picture and blur it. Nothing skips a layer but the image of a growing network.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.models import ops
from latty.models.families.progan.network import ProGANConv
from latty.models.styled_generator import SynthesisState
from latty.scene import Noise

MAPPING_LR = 0.01  # appendix C: the mapping learns a hundred times slower
BLUR = (0.25, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class StyleGAN1Config:
    """Everything the tensors' shapes and the arithmetic depend on."""

    z_dim: int
    w_dim: int
    c_dim: int  # classes
    widths: tuple[int, ...]  # outputs of each dense layer of the mapping
    channels: tuple[int, ...]  # outputs of each layer, two for each resolution from 4 px up
    img_channels: int
    epsilon: float = 1e-8  # of instance norm

    @property
    def resolution(self) -> int:
        return 4 << (self.blocks - 1)

    @property
    def blocks(self) -> int:
        return len(self.channels) // 2

    @property
    def num_layers(self) -> int:
        return len(self.channels)


class StyleGAN1Mapping:
    """Latents z (N, Z) and label weights (N, classes) -> w (N, D)."""

    def __init__(self, tensors: Mapping[str, Tensor], layers: int) -> None:
        self.label = tensors.get("mapping.label_weight")
        self.dense = [
            (tensors[f"mapping.dense{i}.weight"], tensors[f"mapping.dense{i}.bias"])
            for i in range(layers)
        ]

    def __call__(self, z: Tensor, label: Tensor | None) -> Tensor:
        x = z
        if self.label is not None:
            empty = z.new_zeros(z.shape[0], self.label.shape[0])
            x = torch.cat([z, (empty if label is None else label) @ self.label], 1)
        x = ops.pixel_norm(x)
        for weight, bias in self.dense:
            gain = math.sqrt(2 / weight.shape[1]) * MAPPING_LR
            x = torch.addmm(bias, x, weight.t(), beta=MAPPING_LR, alpha=gain)
            x = F.leaky_relu_(x, 0.2)
        return x


class StyleGAN1Layer:
    """One layer of the synthesis; what never changes is computed once."""

    def __init__(
        self, tensors: Mapping[str, Tensor], index: int, epsilon: float, dtype: torch.dtype
    ) -> None:
        name = f"synthesis.layer{index}"
        self.index, self.epsilon = index, epsilon
        bias = tensors[f"{name}.bias"]
        self.noise = tensors[f"{name}.noise"]
        self.noise_weight = tensors[f"{name}.noise_weight"][:, None, None].to(dtype)
        self.style = tensors[f"{name}.style.weight"] / math.sqrt(
            tensors[f"{name}.style.weight"].shape[1]
        )
        self.style_bias = tensors[f"{name}.style.bias"]
        self.blur: Tensor | None = None
        if index == 0:
            self.const = (tensors["synthesis.const"] + bias[:, None, None])[None].to(dtype)
            return
        weight = tensors[f"{name}.weight"]
        weight = weight * math.sqrt(2 / weight[0].numel())
        up = index % 2 == 0
        if up:  # the bias comes after the blur, which would darken it along the edges
            line = torch.tensor(BLUR, dtype=dtype, device=weight.device)
            self.blur = torch.outer(line, line).expand(weight.shape[0], 1, 3, 3).contiguous()
            self.late = bias[:, None, None].to(dtype)
            bias = torch.zeros_like(bias)
        weight = (ops.doubling(weight) if up else weight).to(dtype)
        weight = weight.contiguous(memory_format=torch.channels_last)
        self.conv = ProGANConv(weight, bias.to(dtype), up)

    def __call__(self, x: Tensor | None, code: Tensor, noise: Noise) -> Tensor:
        """x (N, I, H, W), None for layer 0; code (N, D) -> (N, O, H, W) or twice the size."""
        y = self.const.repeat(code.shape[0], 1, 1, 1) if x is None else self.conv(x)
        if self.blur is not None:
            y = F.conv2d(y, self.blur, padding=1, groups=y.shape[1]).add_(self.late)
        picture = self.picture(noise)
        if picture is not None:
            y += picture.to(y.dtype) * self.noise_weight
        return self.styled(F.leaky_relu_(y, 0.2), code)

    def styled(self, y: Tensor, code: Tensor) -> Tensor:
        """Instance norm of y (N, O, H, W), then scale and shift by the code (N, D): equation 1, in
        one scale and shift."""
        scale, shift = (code @ self.style.t() + self.style_bias).chunk(2, 1)  # (N, O) each
        y = y - y.mean((2, 3), keepdim=True)
        variance = y.square().mean((2, 3), dtype=scale.dtype)
        return ops.scale_shift(y, (scale + 1) * torch.rsqrt(variance + self.epsilon), shift)

    def picture(self, noise: Noise) -> Tensor | None:
        """The layer's noise (H, W), or None where there shall be none."""
        if noise == "none":
            return None
        if noise == "const":
            return self.noise
        return ops.seeded_noise(noise, self.index, self.noise.shape[-2:], self.noise.device)


class StyleGAN1Network:
    """A StyledNetwork whose context is the noise of the scene."""

    def __init__(
        self,
        config: StyleGAN1Config,
        tensors: Mapping[str, Tensor],
        device: torch.device,
        dtype: torch.dtype | None,
    ) -> None:
        self.config = config
        here = {name: tensor.to(device) for name, tensor in tensors.items()}
        kind = dtype or torch.float32
        self.mean_code = here["mapping.w_avg"]
        self.mapping = StyleGAN1Mapping(here, len(config.widths))
        self.layers = [
            StyleGAN1Layer(here, j, config.epsilon, kind) for j in range(config.num_layers)
        ]
        self.outputs = {
            b: _picture(here, f"synthesis.output{b}", kind)
            for b in range(config.blocks)
            if f"synthesis.output{b}.weight" in here
        }

    def codes(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Codes (N, L, D), the same for all L, of z (N, Z) and label weights (N, classes)."""
        return self.mapping(z, label)[:, None].expand(-1, self.config.num_layers, -1)

    def start(self, codes: Tensor) -> SynthesisState:
        """The state before the first layer, of codes (N, L, D)."""
        return SynthesisState(0, None)

    def pictures(self, noise: Noise) -> Noise:
        """The noise itself: each layer looks its picture up."""
        return noise

    def layer_weights(self) -> list[Tensor]:
        """The style matrix (2 O, D) of each code layer: O scales, then O shifts."""
        return [layer.style for layer in self.layers]

    def activation_names(self) -> list[str]:
        """layer0, layer1, ...: what reads code 0, 1, ..."""
        return [f"layer{j}" for j in range(self.config.num_layers)]

    def run(self, state: SynthesisState, codes: Tensor, stop: int, noise: Noise) -> SynthesisState:
        """The state before layer `stop`, of codes (N, L, D)."""
        x = state.x
        for j in range(state.layer, stop):
            x = self.layers[j](x, codes[:, j], noise)
        return SynthesisState(stop, x)

    def picture(self, block: int, x: Tensor) -> Tensor:
        """The image (N, C, H, W) that features at the end of a block stand for."""
        return self.outputs[block](x).float()

    def early_heights(self) -> Mapping[int, int]:
        """The states at the end of a block whose to-RGB the file has, and px of their images."""
        return {
            2 * block + 2: 4 << block for block in self.outputs if block < self.config.blocks - 1
        }

    def early(self, state: SynthesisState, codes: Tensor) -> Tensor:
        """The image (N, C, h, w) at the end of a block."""
        assert state.x is not None
        return self.picture(state.layer // 2 - 1, state.x)

    def finish(self, state: SynthesisState, codes: Tensor, noise: Noise) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a state of batch N."""
        x = self.run(state, codes, self.config.num_layers, noise).x
        assert x is not None
        return self.picture(self.config.blocks - 1, x)

    def growing(self, codes: Tensor, noise: Noise, lod: float) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) by a network that still grows: `lod` resolutions
        are missing, or half there."""
        coarse = self.config.blocks - 1 - math.ceil(lod)
        state = self.run(SynthesisState(0, None), codes, 2 * coarse + 2, noise)
        assert state.x is not None
        image, fine = self.picture(coarse, state.x), lod != math.ceil(lod)
        if fine:
            x = self.run(state, codes, 2 * coarse + 4, noise).x
            assert x is not None
            part = math.ceil(lod) - lod
            image = part * self.picture(coarse + 1, x) + (1 - part) * ops.enlarge(image, 2)
        return ops.enlarge(image, self.config.resolution // image.shape[-1])


def _picture(tensors: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> ProGANConv:
    weight = tensors[f"{name}.weight"]
    scaled = weight / math.sqrt(weight.shape[1])
    return ProGANConv(scaled.to(dtype), tensors[f"{name}.bias"].to(dtype))
