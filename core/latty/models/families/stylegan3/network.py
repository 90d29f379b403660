"""The StyleGAN3 generator network, T and R, with NVIDIA's tensor names.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks" (arXiv:2106.12423).
Letters: N batch, L layers, D latent width, I O channels, H W pixels, T taps.

Code 0 is read by the Fourier input, code j + 1 by layer number j; the last layer is the to-RGB.
Nothing skips a layer, so the state before layer j is one tensor: that is the cached prefix.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from latty.models import ops
from latty.models.families.stylegan2 import network as sg2
from latty.models.families.stylegan3 import ops as alias_free
from latty.models.families.stylegan3.class_vectors import ClassVectorMapping
from latty.models.families.stylegan3.fused import FusedActivation
from latty.models.styled_generator import SynthesisState
from latty.scene import Noise


@dataclass(frozen=True, slots=True)
class StyleGAN3LayerConfig:
    """One layer as its file describes it; sizes in px, tensors in shapes."""

    name: str
    inputs: int
    outputs: int
    in_size: int
    out_size: int
    kernel: int
    up: int
    down: int
    padding: tuple[int, int]  # before and after each line, on the finer grid
    clamp: float | None
    torgb: bool


@dataclass(frozen=True, slots=True)
class StyleGAN3Config:
    """Everything the tensors' shapes and the arithmetic depend on."""

    z_dim: int
    w_dim: int
    c_dim: int
    resolution: int
    img_channels: int
    input_channels: int
    input_size: int
    sampling_rate: float  # of the input, samples per unit
    bandwidth: float  # of the input, cycles per unit
    layers: tuple[StyleGAN3LayerConfig, ...]
    mapping_layers: int = 2
    mapping_lr: float = 0.01
    mapping_activation: str = "lrelu"
    embed_dim: int = 0  # features of the label's embedding; 0 = w_dim
    hidden_dim: int = 0  # features between the mapping's layers; 0 = w_dim
    output_scale: float = 0.25
    class_dim: int = 0  # features of StyleGAN-XL's class vectors; 0 = labels are embedded directly

    @property
    def num_layers(self) -> int:
        """L: one code for the input, one for each layer."""
        return len(self.layers) + 1

    @property
    def mapping(self) -> sg2.StyleGAN2Config:
        """The settings of the mapping network, which is StyleGAN2's; it knows nothing of L."""
        return sg2.StyleGAN2Config(
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            c_dim=self.c_dim,
            mapping_layers=self.mapping_layers,
            mapping_lr=self.mapping_lr,
            mapping_activation=self.mapping_activation,
            embed_dim=self.z_dim if self.class_dim else self.embed_dim,
            hidden_dim=self.hidden_dim,
        )


class StyleGAN3Input(nn.Module):
    """Codes (N, D) -> Fourier features (N, C, H, W), rotated and shifted by the code."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        c = config.input_channels
        self.config = config
        self.affine = sg2.FullyConnected(config.w_dim, 4)
        self.weight = nn.Parameter(torch.randn(c, c))
        # not torch.eye: on the meta device torch would import its compiler for it
        self.register_buffer("transform", torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]))
        self.register_buffer("freqs", torch.zeros(c, 2))
        self.register_buffer("phases", torch.zeros(c))

    def forward(self, code: Tensor, transform: Tensor | None) -> Tensor:
        """`transform` (3, 3): inverse user transform, None for the file's own."""
        transform = self.transform if transform is None else transform.to(self.transform)
        matrix = alias_free.view(self.affine(code), transform)
        config = self.config
        waves = alias_free.fourier_features(
            matrix,
            self.freqs,
            self.phases,
            config.input_size,
            config.sampling_rate,
            config.bandwidth,
        )
        mixed = waves @ (self.weight.t() / math.sqrt(config.input_channels))
        return mixed.permute(0, 3, 1, 2)


class StyleGAN3Layer(nn.Module):
    """Modulated convolution and bias, (N, I, H, W) -> (N, O, H', W'); then `activation`, a filtered
    leaky ReLU. What runs it calls both, to hold no more features than it must."""

    magnitude_ema: Tensor

    def __init__(self, config: StyleGAN3Config, layer: StyleGAN3LayerConfig) -> None:
        super().__init__()
        self.config = layer
        self.affine = sg2.FullyConnected(config.w_dim, layer.inputs, bias=1)
        shape = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(layer.outputs))
        self.register_buffer("magnitude_ema", torch.ones(()))

    def freeze(self, taps: Mapping[str, Tensor], dtype: torch.dtype | None) -> None:
        """Normalise the weights once, lay out the filters. taps: up_filter (T,), down_filter."""
        weight = self.weight.data
        self.gain = torch.rsqrt(self.magnitude_ema)
        if self.config.torgb:
            self.gain = self.gain / math.sqrt(weight[0].numel())
            self.power = None
        else:
            weight = weight * torch.rsqrt(weight.square().mean((1, 2, 3), keepdim=True))
            self.power = ops.filter_power(weight).contiguous()
            self.gain = self.gain * math.sqrt(2)  # of the leaky ReLU: it is homogeneous
        self.shift = self.bias.data * (1 if self.config.torgb else math.sqrt(2))
        self.weight.data = weight.to(dtype or weight.dtype)
        # On a CPU tiles are resampled in float32: four rounded products would show.
        kind = torch.float32 if weight.device.type == "cpu" else self.weight.dtype
        self.activation = activation(self.config, taps, weight.new_empty((), dtype=kind))

    def forward(
        self,
        x: Tensor,
        code: Tensor,
        reuse: bool = False,
        bent: alias_free.FilteredActivation | None = None,
    ) -> Tensor:
        """x (N, I, H, W), code (N, D); `reuse`: x may be overwritten; `bent`: what x has to go
        through first, some rows at a time."""
        style = self.affine(code)
        if self.power is None:
            scale = self.gain.expand(1, self.config.outputs)
        else:
            # The reference divides by the whole batch's magnitude, which demodulation undoes but
            # for its epsilon: each sample's own keeps a picture independent of its neighbours.
            style = style * torch.rsqrt(style.square().mean(1, keepdim=True))
            scale = ops.demodulation(self.power, style) * self.gain
        style = ops.channelwise(style, x)
        if bent is None:
            y = alias_free.widened(x.mul_(style) if reuse else x * style, self.weight)
        else:
            strips = (strip.mul_(style) for strip in bent.strips(x))
            y = alias_free.widened_strips(strips, self.weight, bent.size)
        return ops.scale_shift(y, scale, self.shift)


def activation(
    layer: StyleGAN3LayerConfig, taps: Mapping[str, Tensor], like: Tensor
) -> alias_free.FilteredActivation:
    """The layer's filters, ready; taps: up_filter (T,), down_filter (T,) or (T, T), or neither."""
    grow = None
    if "up_filter" in taps:
        line = tuple(layer.up * tap for tap in taps["up_filter"].double().tolist())
        grow = alias_free.Resampling(line, layer.up, layer.padding[0])
    slope = 1.0 if layer.torgb else alias_free.SLOPE
    on_gpu = like.device.type == "cuda" and torch.cuda.is_available()
    kind = FusedActivation if on_gpu else alias_free.FilteredActivation
    return kind(grow, taps.get("down_filter"), layer.down, layer.out_size, slope, layer.clamp, like)


class StyleGAN3Synthesis(nn.Module):
    """Codes (N, L, D) -> images (N, C, H, W) float32, nominally in [-1, 1], unclamped."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.dtype: torch.dtype | None = None  # of the convolutions; None = float32
        self.input = StyleGAN3Input(config)
        for layer in config.layers:
            self.add_module(layer.name, StyleGAN3Layer(config, layer))

    def layer(self, index: int) -> StyleGAN3Layer:
        return cast(StyleGAN3Layer, self.get_submodule(self.config.layers[index].name))

    def run(
        self, state: SynthesisState, codes: Tensor, stop: int, transform: Tensor | None
    ) -> SynthesisState:
        """The state before code layer `stop`, of codes (N, L, D)."""
        x, first = state.x, state.layer
        bent: alias_free.FilteredActivation | None = None  # of large features: x lacks it yet
        for j in range(first, stop):
            if x is None:
                x = self.input(codes[:, 0], transform).to(self.dtype or codes.dtype)
                continue
            layer = self.layer(j - 1)
            # What an earlier step of this very call made may be overwritten, if no gradient flows.
            x = layer(x, codes[:, j], j > first and not torch.is_grad_enabled(), bent)
            bent = layer.activation if j + 1 < stop and layer.activation.is_large(x) else None
            x = x if bent else layer.activation(x)
        return SynthesisState(stop, x)

    def finish(self, state: SynthesisState, codes: Tensor, transform: Tensor | None) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a state of batch N."""
        x = cast(Tensor, self.run(state, codes, self.config.num_layers, transform).x)
        return x.float() * self.config.output_scale


class StyleGAN3Network(nn.Module):
    """A StyledNetwork: codes(z, label), then run and finish; its context is a transform (3, 3)."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = (
            ClassVectorMapping(config.mapping, config.class_dim)
            if config.class_dim
            else sg2.StyleGAN2Mapping(config.mapping)
        )
        self.synthesis = StyleGAN3Synthesis(config)

    @property
    def mean_code(self) -> Tensor:
        """The mean of the codes (D,), of class 0 where each class has its own."""
        return self.mean_codes(None)[0, 0]

    def mean_codes(self, label: Tensor | None) -> Tensor:
        """The mean codes (N or 1, 1, D) of class weights (N, classes)."""
        if isinstance(self.mapping, ClassVectorMapping):
            return self.mapping.mean_codes(label)
        return self.mapping.w_avg[None, None]

    def codes(self, z: Tensor, label: Tensor | None) -> Tensor:
        """Codes (N, L, D) of z (N, Z), the same for all L; label as StyleGAN2Mapping takes it."""
        codes: Tensor = self.mapping(z, label)
        return codes[:, :1].expand(-1, self.config.num_layers, -1)

    def start(self, codes: Tensor) -> SynthesisState:
        """The state before the input, of codes (N, L, D)."""
        return SynthesisState(0, None)

    def pictures(self, noise: Noise) -> None:
        """It has no noise."""

    def run(
        self, state: SynthesisState, codes: Tensor, stop: int, transform: Tensor | None
    ) -> SynthesisState:
        """The state before layer `stop`, of codes (N, L, D)."""
        return self.synthesis.run(state, codes, stop, transform)

    def finish(self, state: SynthesisState, codes: Tensor, transform: Tensor | None) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a state of batch N."""
        return self.synthesis.finish(state, codes, transform)

    def layer_weights(self) -> list[Tensor]:
        """The affine matrix of each code layer: (4, D) of the input, then (I, D) of each layer."""
        synthesis = self.synthesis
        layers = [synthesis.layer(index) for index in range(self.config.num_layers - 1)]
        affines = [synthesis.input.affine, *(layer.affine for layer in layers)]
        return [affine.weight.detach() * affine.weight_gain for affine in affines]

    def activation_names(self) -> list[str]:
        """input, L0_36_512, ...: what reads code 0, 1, ...; the to-RGB makes the picture itself."""
        return ["input", *(layer.name for layer in self.config.layers[:-1])]

    def freeze(
        self, taps: Mapping[str, Tensor], dtype: torch.dtype | None = None
    ) -> "StyleGAN3Network":
        """Ready to run; taps: every "synthesis.NAME.up_filter" (T,) and ".down_filter"."""
        self.eval().requires_grad_(False)
        self.synthesis.dtype = dtype
        for index, layer in enumerate(self.config.layers):
            prefix = f"synthesis.{layer.name}."
            own = {name[len(prefix) :]: t for name, t in taps.items() if name.startswith(prefix)}
            self.synthesis.layer(index).freeze(own, dtype)
        return self
