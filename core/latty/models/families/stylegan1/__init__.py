"""StyleGAN generators of 2019, as tensors in latty's own plain layout.

Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks"
(arXiv:1812.04948). Names, Z D O I C widths and R pixels of a layer:

    mapping.dense{i}.weight, .bias    mapping.w_avg (D,)    optional: mapping.label_weight (K, Z)
    synthesis.const (O, 4, 4)         synthesis.layer{j}.weight (O, I, 3, 3), not of layer 0
    synthesis.layer{j}.bias, .noise_weight (O,), .noise (R, R), .style.weight (2 O, D), .style.bias
    synthesis.output{b}.weight (C, O, 1, 1), .bias: the last one, and others of a growing network

Weights are as trained, before the equalised learning rate; every convolution is a plain one, on
the doubled picture where it up-samples. Every layout in the wild is turned into this one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models.activations import UNCHANGED, Changes, changed, gradients
from latty.models.base import Labels, Meta, ModelInfo, Shapes, sample_normal
from latty.models.checks import fitting_lod, in_order, label_weights, layer_index
from latty.models.families.stylegan1.network import Config, Network, State
from latty.models.families.stylegan2.config import checked
from latty.scene import Noise

__all__ = ["Config", "StyleGAN1", "build", "metadata"]

SIGNATURE = {
    "synthesis.const": 3,
    "synthesis.layer0.noise_weight": ...,
    "mapping.dense0.weight": ...,
    "mapping.w_avg": ...,
}

ALWAYS = 18  # codes that older tools make whatever the resolution; the first L count
MAX_LAYERS = 20  # 2048 px
SYNTHESIS = re.compile(r"synthesis\.layer(\d{1,4})\.")
DENSE = re.compile(r"mapping\.dense(\d{1,4})\.")
AGAIN = "import the model again"


def metadata(epsilon: float) -> dict[str, str]:
    """The header that goes with the tensors: the epsilon of instance norm."""
    return {"kind": "generator", "family": "stylegan1", "config": json.dumps({"epsilon": epsilon})}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> "StyleGAN1":
    """A generator on the device, ready to run; raises BadData naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16; None = float32. Styles, statistics and
              image stay float32 either way.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = read_config(shapes, meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        state = checked(tensors, _wanted(config, shapes))
        network = Network(config, state, device, dtype)
    lod = float(state["synthesis.lod"]) if "synthesis.lod" in state else 0.0
    info = ModelInfo.of(
        meta,
        "stylegan1",
        resolution=config.resolution,
        channels=config.img_channels,
        z_dim=config.z_dim,
        num_layers=config.num_layers,
        width=config.w_dim,
        num_classes=config.classes,
        space="w",
    )
    return StyleGAN1(network, info, device).with_lod(lod)


def read_config(shapes: Shapes, meta: Meta) -> Config:
    """What the tensors show, and the header's epsilon."""
    count = 2 * (_highest(SYNTHESIS, shapes) // 2 + 1)
    dense = _highest(DENSE, shapes) + 1
    if count > MAX_LAYERS or dense > MAX_LAYERS:
        raise BadData(f"{count} layers after {dense} make no StyleGAN that latty knows")
    channels = [_shape(shapes, f"synthesis.layer{j}.bias", 1)[0] for j in range(count)]
    widths = [_shape(shapes, f"mapping.dense{i}.bias", 1)[0] for i in range(dense)]
    inputs, classes = _shape(shapes, "mapping.dense0.weight", 2)[1], 0
    if "mapping.label_weight" in shapes:
        classes, label = _shape(shapes, "mapping.label_weight", 2)
        inputs -= label
    if inputs < 1:
        raise BadData("tensor 'mapping.label_weight' is wider than the mapping's input")
    last = _shape(shapes, f"synthesis.output{count // 2 - 1}.weight", 4)
    epsilon = _epsilon(meta)
    return Config(inputs, widths[-1], classes, tuple(widths), tuple(channels), last[0], epsilon)


def _highest(pattern: re.Pattern[str], shapes: Shapes) -> int:
    return max((int(match[1]) for match in map(pattern.match, shapes) if match), default=0)


def _shape(shapes: Shapes, name: str, dims: int) -> Sequence[int]:
    if name not in shapes:
        raise BadData(f"tensor '{name}' is missing")
    if len(shapes[name]) != dims or 0 in shapes[name]:
        raise BadData(f"tensor '{name}' has the shape {list(shapes[name])}, not {dims} dimensions")
    return shapes[name]


def _epsilon(meta: Meta) -> float:
    try:
        said = json.loads(meta.get("config", "{}"))
    except (ValueError, RecursionError):
        raise BadData("the header's config is not JSON", AGAIN) from None
    epsilon = said.get("epsilon", 1e-8) if isinstance(said, dict) else None
    if not isinstance(epsilon, float) or not 0 < epsilon < 1:
        raise BadData(f"the header's epsilon cannot be {epsilon!r}", AGAIN)
    return epsilon


def _wanted(config: Config, shapes: Shapes) -> dict[str, Tensor]:
    """Every tensor of the network, without memory; optional ones where the file has them."""
    wanted: dict[str, Sequence[int]] = {"mapping.w_avg": (config.w_dim,)}
    inputs = config.z_dim
    if config.classes:
        label = shapes["mapping.label_weight"][1]
        wanted["mapping.label_weight"] = (config.classes, label)
        inputs += label
    for i, width in enumerate(config.widths):
        wanted[f"mapping.dense{i}.weight"] = (width, inputs)
        wanted[f"mapping.dense{i}.bias"] = (width,)
        inputs = width
    wanted["synthesis.const"] = (config.channels[0], 4, 4)
    for j, outputs in enumerate(config.channels):
        name, size = f"synthesis.layer{j}", 4 << j // 2
        if j:
            wanted[f"{name}.weight"] = (outputs, config.channels[j - 1], 3, 3)
        wanted |= {f"{name}.bias": (outputs,), f"{name}.noise_weight": (outputs,)}
        wanted[f"{name}.noise"] = (size, size)
        wanted[f"{name}.style.weight"] = (2 * outputs, config.w_dim)
        wanted[f"{name}.style.bias"] = (2 * outputs,)
    for block in range(config.blocks):
        name = f"synthesis.output{block}"
        if f"{name}.weight" in shapes:
            wanted[f"{name}.weight"] = (config.img_channels, config.channels[2 * block + 1], 1, 1)
            wanted[f"{name}.bias"] = (config.img_channels,)
    wanted |= {"synthesis.lod": ()} if "synthesis.lod" in shapes else {}
    return {name: torch.empty(tuple(shape), device="meta") for name, shape in wanted.items()}


class StyleGAN1:
    """A Generator with layer weights, activations, and prefixes for edits of late layers.

    N batch, L layers, D latent width, Z z-width, C channels, H W pixels.
    """

    def __init__(
        self, network: Network, info: ModelInfo, device: torch.device, lod: float = 0.0
    ) -> None:
        self.network, self.info, self.device, self.lod = network, info, device, lod

    def with_lod(self, lod: float) -> "StyleGAN1":
        """The same weights while growing: 0 = all of it, 1 = one resolution less, 0.5 = between."""
        lod = fitting_lod(lod, self.network.config.blocks, self.network.outputs)
        return StyleGAN1(self.network, self.info, self.device, lod)

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, self.info.z_dim).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z); label None is all zeros, as in the reference."""
        weights = self._weights(label, z.shape[0])
        w = self.network.mapping(z.to(self.device, torch.float32), weights)
        codes = w[:, None].expand(-1, self.info.num_layers, -1)
        return codes if truncation == 1 else self.truncate(codes, truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code below `cutoff`."""
        codes, mean = codes.to(self.device), self.network.w_avg
        if isinstance(truncation, Tensor):
            truncation = truncation.to(codes).reshape(-1, 1, 1)
        moved = mean + truncation * (codes - mean)
        return moved if cutoff is None else torch.cat([moved[:, :cutoff], codes[:, cutoff:]], 1)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; label and truncation are in the codes already."""
        if not self.lod:
            return self.synthesis_from(State(0, None), codes, noise)
        with gradients(codes):
            return self.network.growing(self._codes(codes), noise, self.lod)

    def prefix(self, codes: Tensor, layer: int, noise: Noise = "const") -> State:
        """The work that codes (N, L, D) which differ from `layer` on only have in common."""
        if not 0 <= layer <= self.info.num_layers:
            raise UsageError(f"{self.info.name} has layers 0 to {self.info.num_layers - 1}")
        if self.lod:
            raise UsageError("a network that is still growing gives whole pictures only")
        with gradients(codes):
            return self.network.run(State(0, None), self._codes(codes), layer, noise)

    def synthesis_from(
        self,
        state: object,
        codes: Tensor,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> Tensor:
        """Images (N, C, H, W) of codes (N, L, D) from a prefix of the same batch, or of one;
        `changes` of the activation that the prefix ends with, or of later ones."""
        assert isinstance(state, State)
        places = in_order(self.info, self.activation_names(), changes)
        if places and places[0][0] < state.layer - 1:
            raise UsageError(f"the state goes on from layer {state.layer}, above what is changed")
        with gradients(codes, state.x, *changes.values()):
            codes = self._codes(codes)
            state = state.repeated(len(codes))
            for layer, change in places:
                x = cast(Tensor, self.network.run(state, codes, layer + 1, noise).x)
                state = State(layer + 1, changed(x, change))
            return self.network.finish(state, codes, noise)

    def layer_weights(self) -> list[Tensor]:
        """The style matrix (2 O, D) of each code layer: O scales, then O shifts."""
        return [layer.style for layer in self.network.layers]

    def activation_names(self) -> list[str]:
        """layer0, layer1, ...: what reads code 0, 1, ..."""
        return [f"layer{j}" for j in range(self.info.num_layers)]

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Features (N, C, H, W) after layer `name`, style applied."""
        return cast(Tensor, self.prefix(codes, self._layer(name) + 1, noise).x)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some layers changed."""
        if not changes:
            return self.synthesis(codes, label, truncation, noise)
        return self.synthesis_from(self.prefix(codes, 0), codes, noise, changes)

    def _layer(self, name: str) -> int:
        return layer_index(self.info, self.activation_names(), name)

    def _codes(self, codes: Tensor) -> Tensor:
        count, width = self.info.num_layers, self.info.width
        if codes.dim() != 3 or codes.shape[1] not in (count, ALWAYS) or codes.shape[2] != width:
            raise UsageError(f"codes are (N, {count}, {width}), not {tuple(codes.shape)}")
        if codes.shape[1] < count:
            raise UsageError(f"{self.info.name} has {count} layers, not {codes.shape[1]}")
        return codes[:, :count].to(self.device, torch.float32)

    def _weights(self, label: Labels, n: int) -> Tensor | None:
        """The label as weights (N, classes); None is all zeros."""
        return label_weights(self.info, label, n, self.device)
