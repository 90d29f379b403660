"""The StyleGAN2 generator network, trainable, with NVIDIA's tensor names.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", with the equalised
learning rate of Karras et al. 2018: weights have unit variance and are scaled when used.
Letters: N batch, L layers, D latent width, Z z-width, I O channels, H W pixels.

Code j of the L codes is read by conv number j (conv1 of 4 px, then conv0 and conv1 of each
resolution) and, for odd j, by the to-RGB of the block below as well. So synthesis is L steps, and
the state before step j depends on codes 0 .. j - 1 only: that is the cached prefix.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latty.models import ops
from latty.models.styled_generator import SynthesisState
from latty.scene import Noise

WIDE = 1 << 22  # numbers of a layer's picture from which on its weights are scaled, not the picture


@dataclass(frozen=True, slots=True)
class StyleGAN2Config:
    """Everything the tensors' shapes and the arithmetic depend on."""

    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0  # classes
    resolution: int = 256  # px of the longer side
    img_channels: int = 3
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128)  # from 4 px up; config F
    mapping_layers: int = 8
    mapping_lr: float = 0.01
    mapping_activation: str = "lrelu"
    architecture: str = "skip"  # skip | resnet | orig
    activation: str = "lrelu"
    conv_clamp: float | None = None
    resample_filter: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    use_noise: bool = True
    embed_dim: int = 0  # features of the label's embedding; 0 = w_dim
    hidden_dim: int = 0  # features between the mapping's layers; 0 = w_dim
    label_norm: str = "each"  # z and the embedding are normalised "each" or "joint"
    start: tuple[int, int] = (4, 4)  # height and width of the learned constant, in px

    @property
    def blocks(self) -> tuple[int, ...]:
        """4, 8, 16, ...: what the blocks are called, whatever the shape of their pictures."""
        return tuple(4 << i for i in range(len(self.channels)))

    def size(self, block: int) -> tuple[int, int]:
        """Height and width in px of the pictures of block number `block`, -1 = the last one."""
        doubled = block % len(self.channels)
        return self.start[0] << doubled, self.start[1] << doubled

    @property
    def num_layers(self) -> int:
        """L: one code per convolution, one more for the last to-RGB."""
        return 2 * len(self.channels)


@dataclass(frozen=True, slots=True)
class StyleGAN2State(SynthesisState):
    """Synthesis before step `layer`: features x (N, C, H, W), the image so far and, inside a
    residual block, its shortcut. Nothing in it is overwritten, unless it is spare."""

    x: Tensor
    image: Tensor | None = None
    shortcut: Tensor | None = None

    def repeated(self, n: int) -> "StyleGAN2State":
        """Of n pictures, from a state of n or of one."""
        if len(self.x) == n:
            return self

        def copies(part: Tensor) -> Tensor:
            return part.expand(n, -1, -1, -1).contiguous(memory_format=torch.channels_last)

        return StyleGAN2State(
            self.layer,
            copies(self.x),
            None if self.image is None else copies(self.image),
            None if self.shortcut is None else copies(self.shortcut),
        )


class FullyConnected(nn.Module):
    """act(x W^T lr / sqrt(inputs) + b lr) * gain: (N, inputs) -> (N, outputs)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: str = "linear",
        lr: float = 1.0,
        bias: float = 0,
    ) -> None:
        super().__init__()
        # in place: for a division beside it torch would import its compiler, on the meta device
        self.weight = nn.Parameter(torch.randn(outputs, inputs).div_(lr))
        self.bias = nn.Parameter(torch.full((outputs,), float(bias)))
        self.weight_gain, self.bias_gain = lr / math.sqrt(inputs), lr
        self.activation = ops.ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """x (N, I) -> (N, O)."""
        y = torch.addmm(self.bias, x, self.weight.t(), beta=self.bias_gain, alpha=self.weight_gain)
        return ops.activate(y, self.activation, self.activation.gain)


class StyleGAN2Mapping(nn.Module):
    """Latents z (N, Z) and a label -> codes (N, L, D)."""

    w_avg: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.z_dim, config.hidden_dim or config.w_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.embed_dim or config.w_dim)
            width += config.embed_dim or config.w_dim
        for i in range(config.mapping_layers):
            outputs = config.w_dim if i == config.mapping_layers - 1 else hidden
            layer = FullyConnected(width, outputs, config.mapping_activation, config.mapping_lr)
            self.add_module(f"fc{i}", layer)
            width = hidden
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """label: None, class indices (N,), or weights (N, classes)."""
        x, joint = z.to(self.w_avg.dtype), self.config.label_norm == "joint"
        x = x if joint else ops.pixel_norm(x)
        if self.config.c_dim:
            y = self.embedded(self.label_weights(label, x))
            x = torch.cat([x, y if joint else ops.pixel_norm(y)], 1)
        x = ops.pixel_norm(x) if joint else x
        for i in range(self.config.mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x[:, None].expand(-1, self.config.num_layers, -1)

    def embedded(self, weights: Tensor) -> Tensor:
        """What a label adds to the latent: class weights (N, classes) -> (N, E)."""
        features: Tensor = self.embed(weights)
        return features

    def label_weights(self, label: Tensor | None, like: Tensor) -> Tensor:
        """The label as weights (N, classes); None is all zeros, as in the reference."""
        if label is None:
            return like.new_zeros(like.shape[0], self.config.c_dim)
        return (F.one_hot(label, self.config.c_dim) if label.dim() == 1 else label).to(like)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, up-sampling where `up`, noise, bias, activation."""

    noise_const: Tensor
    kernel: Tensor

    def __init__(
        self, config: StyleGAN2Config, inputs: int, outputs: int, layer: int, up: bool
    ) -> None:
        super().__init__()
        self.layer, self.up, self.size = layer, up, config.size((layer + 1) // 2)
        self.activation, self.limit = ops.ACTIVATIONS[config.activation], config.conv_clamp
        self.affine = FullyConnected(config.w_dim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.power: Tensor | None = None  # of a frozen network
        self.noisy = config.use_noise
        self.wide = outputs * math.prod(self.size) >= WIDE
        if up:
            kernel = ops.fir_kernel(config.resample_filter)
            self.register_buffer("kernel", kernel, persistent=False)
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(self.size))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(
        self, x: Tensor, code: Tensor, noise: Tensor | None, gain: float = 1.0, reuse: bool = False
    ) -> Tensor:
        """x (N, I, H, W), code (N, D) -> (N, O, H', W'); `reuse`: x may be overwritten."""
        style = self.affine(code)
        # Positively homogeneous activations let their gain ride on the demodulation.
        early = gain * self.activation.gain if self.activation.homogeneous else 1.0
        late = 1.0 if self.activation.homogeneous else gain * self.activation.gain
        power = ops.filter_power(self.weight) if self.power is None else self.power
        scale = ops.demodulation(power, style) * early
        if self.wide and not torch.is_grad_enabled():
            y = self._modulated(x, style, scale, self.bias * early)
        else:
            y = self._convolve(x, ops.channelwise(style, x), reuse)
            y = ops.scale_shift(y, scale, self.bias * early)
        if noise is not None:
            y += (noise * (self.noise_strength * early)).to(y.dtype)
        y = ops.activate(y, self.activation, late)
        return ops.clamp(y, None if self.limit is None else self.limit * gain)

    def _convolve(self, x: Tensor, style: Tensor, reuse: bool) -> Tensor:
        x = x.mul_(style) if reuse else x * style
        weight = self.weight.to(x.dtype)
        if not self.up:
            return F.conv2d(x, weight, padding=1)
        return ops.up_conv(x, weight.transpose(0, 1), self.kernel)

    def _modulated(self, x: Tensor, style: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """The same, and its scale and shift, where a picture is larger than the weights: those are
        scaled for each sample then, and the convolution adds the shift."""
        made, shift = [], shift.to(x.dtype)
        for one, inner, outer in zip(torch.split(x, 1), style, scale, strict=True):
            weight = (self.weight * (outer[:, None] * inner)[..., None, None]).to(x.dtype)
            if self.up:
                made.append(ops.up_conv(one, weight.transpose(0, 1), self.kernel, shift))
            else:
                made.append(F.conv2d(one, weight, shift, padding=1))
        return made[0] if len(made) == 1 else torch.cat(made)

    def picture(self, noise: Noise) -> Tensor | None:
        """The layer's noise (H, W), or None where it adds nothing."""
        if noise == "none" or not self.noisy:
            return None
        if noise == "const":
            return self.noise_const
        return ops.seeded_noise(noise, self.layer, self.size, self.noise_const.device)

    def freeze(self, dtype: torch.dtype) -> None:
        """Keep the weights as the convolution wants them, and what does not change any more."""
        self.power = ops.filter_power(self.weight.data).contiguous()
        weight, nhwc = self.weight.data.to(dtype), torch.channels_last
        if self.up:  # the transposed convolution reads (I, O, 3, 3)
            weight = weight.transpose(0, 1).contiguous(memory_format=nhwc).transpose(0, 1)
        else:
            weight = weight.contiguous(memory_format=nhwc)
        self.weight.data = weight
        self.noisy = self.noisy and bool(self.noise_strength != 0)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution, no demodulation: x (N, I, H, W) -> (N, C, H, W) float32."""

    def __init__(self, config: StyleGAN2Config, inputs: int) -> None:
        super().__init__()
        self.affine = FullyConnected(config.w_dim, inputs, bias=1)
        self.weight = nn.Parameter(torch.randn(config.img_channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.gain, self.limit = 1 / math.sqrt(inputs), config.conv_clamp

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x (N, I, H, W), code (N, D) -> (N, C, H, W)."""
        n, i, h, w = x.shape
        # One (C, I) matrix per sample is small: here the weights are modulated, not the picture.
        weight = self.weight.flatten(1) * (self.affine(code) * self.gain)[:, None]
        pixels = x.permute(0, 2, 3, 1).reshape(n, h * w, i)  # a view of a channels_last picture
        y = torch.matmul(pixels, weight.to(x.dtype).transpose(1, 2)).to(weight.dtype) + self.bias
        return ops.clamp(y.reshape(n, h, w, -1).permute(0, 3, 1, 2), self.limit)


class Shortcut(nn.Module):
    """The path around a residual block: 1x1 convolution and up-sampling, times sqrt(1/2)."""

    phases: Tensor

    def __init__(self, config: StyleGAN2Config, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.gain = math.sqrt(0.5 / inputs)
        self.register_buffer("phases", ops.up_phases(config.resample_filter), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, I, H, W) -> (N, O, 2 H, 2 W)."""
        return ops.upsample(F.conv2d(x, (self.weight * self.gain).to(x.dtype)), self.phases)


class Block(nn.Module):
    """The layers of one resolution; Synthesis says in which order they run."""

    phases: Tensor

    def __init__(self, config: StyleGAN2Config, index: int) -> None:
        super().__init__()
        out, inputs = config.channels[index], config.channels[max(index - 1, 0)]
        if index == 0:
            self.const = nn.Parameter(torch.randn(out, *config.start))
        else:
            self.conv0 = StyledConv(config, inputs, out, 2 * index - 1, up=True)
        self.conv1 = StyledConv(config, out, out, 2 * index, up=False)
        if config.architecture == "skip" or index == len(config.channels) - 1:
            self.torgb = ToRGB(config, out)
        if config.architecture == "resnet" and index:
            self.skip = Shortcut(config, inputs, out)
        self.register_buffer("phases", ops.up_phases(config.resample_filter), persistent=False)


class StyleGAN2Synthesis(nn.Module):
    """Codes (N, L, D) -> images (N, C, H, W) float32, nominally in [-1, 1], unclamped."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.dtype: torch.dtype | None = None  # of the convolutions; None = the codes' own
        for i, size in enumerate(config.blocks):
            self.add_module(f"b{size}", Block(config, i))

    def block(self, index: int) -> Block:
        return cast(Block, self.get_submodule(f"b{4 << index}"))

    def conv(self, layer: int) -> StyledConv:
        """The convolution that reads code `layer`, 0 <= layer < L - 1."""
        block = self.block((layer + 1) // 2)
        return block.conv0 if layer % 2 else block.conv1

    def pictures(self, noise: Noise) -> list[Tensor | None]:
        """The noise picture (H, W) of each convolution."""
        return [self.conv(j).picture(noise) for j in range(self.config.num_layers - 1)]

    def start(self, codes: Tensor) -> StyleGAN2State:
        """The state before the first step, of codes (N, L, D): the learned constant, N times."""
        const = self.block(0).const.to(self.dtype or codes.dtype)
        x = const.expand(codes.shape[0], -1, -1, -1)
        return StyleGAN2State(0, x.contiguous(memory_format=torch.channels_last))

    def run(
        self, state: StyleGAN2State, codes: Tensor, stop: int, pictures: Sequence[Tensor | None]
    ) -> StyleGAN2State:
        """Steps state.layer .. stop - 1, of codes (N, L, D)."""
        first = state.layer
        for j in range(first, stop):
            # What nobody keeps may be overwritten, if no gradient flows.
            reuse = (j > first or state.spare) and not torch.is_grad_enabled()
            state = self._step(state, codes[:, j], pictures, reuse)
        return state

    def _step(
        self, state: StyleGAN2State, code: Tensor, pictures: Sequence[Tensor | None], reuse: bool
    ) -> StyleGAN2State:
        j, x, image = state.layer, state.x, state.image
        if j % 2 == 0:
            block = self.block(j // 2)
            if state.shortcut is None:
                x = block.conv1(x, code, pictures[j], reuse=reuse)
            else:
                x = state.shortcut + block.conv1(x, code, pictures[j], math.sqrt(0.5), reuse)
            return StyleGAN2State(j + 1, x, image)
        block = self.block(j // 2)
        if hasattr(block, "torgb"):
            image = self.image(state, code)
        if j == self.config.num_layers - 1:
            return StyleGAN2State(j + 1, x, image)
        block = self.block(j // 2 + 1)
        shortcut = block.skip(x) if hasattr(block, "skip") else None
        return StyleGAN2State(
            j + 1, block.conv0(x, code, pictures[j], reuse=reuse), image, shortcut
        )

    def image(self, state: StyleGAN2State, code: Tensor) -> Tensor:
        """The image (N, C, H, W) at the end of a block, of the code (N, D) that comes next."""
        block = self.block(state.layer // 2)
        rgb: Tensor = block.torgb(state.x, code)
        if state.image is None:
            return rgb
        return ops.upsample(state.image, block.phases).add_(rgb)

    def finish(
        self, state: StyleGAN2State, codes: Tensor, pictures: Sequence[Tensor | None]
    ) -> Tensor:
        """Images (N, C, H, W) from a state and codes (N, L, D) of the same N."""
        state = self.run(state, codes, self.config.num_layers, pictures)
        return cast(Tensor, state.image).contiguous()

    def forward(self, codes: Tensor, noise: Noise = "const") -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D)."""
        return self.finish(self.start(codes), codes, self.pictures(noise))


class StyleGAN2Network(nn.Module):
    """A StyledNetwork. mapping(z, label) -> codes; synthesis(codes, noise) -> images."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = StyleGAN2Mapping(config)
        self.synthesis = StyleGAN2Synthesis(config)

    def forward(self, z: Tensor, label: Tensor | None = None, noise: Noise = "const") -> Tensor:
        """Images (N, C, H, W) of z (N, Z), untruncated."""
        return cast(Tensor, self.synthesis(self.mapping(z, label), noise))

    @property
    def mean_code(self) -> Tensor:
        """The mean of the codes (D,)."""
        return self.mapping.w_avg

    def codes(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Codes (N, L, D), the same for all L, of latents (N, Z)."""
        return cast(Tensor, self.mapping(z, label))

    def start(self, codes: Tensor) -> StyleGAN2State:
        """The state before the first step, of codes (N, L, D)."""
        return self.synthesis.start(codes)

    def pictures(self, noise: Noise) -> list[Tensor | None]:
        """The noise picture (H, W) of each convolution."""
        return self.synthesis.pictures(noise)

    def run(
        self, state: StyleGAN2State, codes: Tensor, stop: int, pictures: Sequence[Tensor | None]
    ) -> StyleGAN2State:
        """The state before step `stop`, of codes (N, L, D)."""
        return self.synthesis.run(state, codes, stop, pictures)

    def finish(
        self, state: StyleGAN2State, codes: Tensor, pictures: Sequence[Tensor | None]
    ) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a state of the same N."""
        return self.synthesis.finish(state, codes, pictures)

    def early_heights(self) -> Mapping[int, int]:
        """The states at the end of a block, but the last one, and px of their images; of a network
        with one to-RGB only there are none."""
        config = self.config
        blocks = range(len(config.channels) - 1) if config.architecture == "skip" else ()
        return {2 * block + 1: config.size(block)[0] for block in blocks}

    def early(self, state: StyleGAN2State, codes: Tensor) -> Tensor:
        """The image (N, C, h, w) at the end of a block, of codes (N, L, D)."""
        return self.synthesis.image(state, codes[:, state.layer])

    def layer_weights(self) -> list[Tensor]:
        """The affine matrix (I, D) of each code layer; the last one is the last to-RGB's."""
        synthesis, last = self.synthesis, self.config.num_layers - 1
        affines = [synthesis.conv(layer).affine for layer in range(last)]
        affines.append(synthesis.block(last // 2).torgb.affine)
        return [affine.weight.detach() * affine.weight_gain for affine in affines]

    def activation_names(self) -> list[str]:
        """b4.conv1, b8.conv0, b8.conv1, ...: the convolution that reads code 0, 1, 2, ..."""
        sizes = [4 << (layer + 1) // 2 for layer in range(self.config.num_layers - 1)]
        return [f"b{size}.conv{1 - layer % 2}" for layer, size in enumerate(sizes)]

    def freeze(self, dtype: torch.dtype | None = None) -> "StyleGAN2Network":
        """No more training: weights laid out for speed, convolutions in `dtype`."""
        self.eval().requires_grad_(False)
        self.synthesis.dtype = dtype
        for layer in range(self.config.num_layers - 1):
            conv = self.synthesis.conv(layer)
            conv.freeze(dtype or conv.weight.dtype)
        return self
