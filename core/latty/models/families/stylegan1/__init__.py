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

import torch
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models.activations import UNCHANGED, Changes, gradients
from latty.models.base import Labels, Meta, Shapes
from latty.models.checks import fitting_lod
from latty.models.families.stylegan1.network import StyleGAN1Config, StyleGAN1Network
from latty.models.state_dict import checked, header_config, shape_of, shapes_of
from latty.models.styled_generator import (
    StyledGenerator,
    StyledSteps,
    SynthesisState,
    styled_info,
)
from latty.scene import Noise

__all__ = ["StyleGAN1", "StyleGAN1Config", "build", "metadata"]

ORIGIN = "StyleGAN that latty imported, .safetensors"
CHECKED = "the layouts that become it"
SIGNATURE = {
    "synthesis.const": 3,
    "synthesis.layer0.noise_weight": ...,
    "mapping.dense0.weight": ...,
    "mapping.w_avg": ...,
}
PICTURE = (r"synthesis\.const", r"synthesis\.layer\d*[02468]\.noise_weight")

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
    """A generator on the device, ready to run, of tensors such as (O, I, k, k). Raises BadData,
    naming the tensor that is wrong.

    dtype     of the convolutions, e.g. torch.bfloat16; None = float32. Styles, statistics and
              image stay float32 either way.
    """
    shapes = shapes_of(tensors)
    config = read_config(shapes, meta)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        state = checked(tensors, _wanted(config, shapes))
        network = StyleGAN1Network(config, state, device, dtype)
    lod = float(state["synthesis.lod"]) if "synthesis.lod" in state else 0.0
    return StyleGAN1(network, styled_info(meta, "stylegan1", config), device).with_lod(lod)


def read_config(shapes: Shapes, meta: Meta) -> StyleGAN1Config:
    """What the tensors show, and the header's epsilon. Raises BadData for what is no StyleGAN."""
    count = 2 * (_highest(SYNTHESIS, shapes) // 2 + 1)
    dense = _highest(DENSE, shapes) + 1
    if count > MAX_LAYERS or dense > MAX_LAYERS:
        raise BadData(f"{count} layers after {dense} make no StyleGAN that latty knows")
    channels = [shape_of(shapes, f"synthesis.layer{j}.bias", 1)[0] for j in range(count)]
    widths = [shape_of(shapes, f"mapping.dense{i}.bias", 1)[0] for i in range(dense)]
    inputs, classes = shape_of(shapes, "mapping.dense0.weight", 2)[1], 0
    if "mapping.label_weight" in shapes:
        classes, label = shape_of(shapes, "mapping.label_weight", 2)
        inputs -= label
    if inputs < 1:
        raise BadData("tensor 'mapping.label_weight' is wider than the mapping's input")
    last = shape_of(shapes, f"synthesis.output{count // 2 - 1}.weight", 4)
    epsilon = _epsilon(meta)
    return StyleGAN1Config(
        inputs, widths[-1], classes, tuple(widths), tuple(channels), last[0], epsilon
    )


def _highest(pattern: re.Pattern[str], shapes: Shapes) -> int:
    return max((int(match[1]) for match in map(pattern.match, shapes) if match), default=0)


def _epsilon(meta: Meta) -> float:
    epsilon = header_config(meta).get("epsilon", 1e-8)
    if not isinstance(epsilon, float) or not 0 < epsilon < 1:
        raise BadData(f"the header's epsilon cannot be {epsilon!r}", AGAIN)
    return epsilon


def _wanted(config: StyleGAN1Config, shapes: Shapes) -> dict[str, Sequence[int]]:
    """The shape of every tensor of the network; of optional ones where the file has them."""
    wanted: dict[str, Sequence[int]] = {"mapping.w_avg": (config.w_dim,)}
    inputs = config.z_dim
    if config.c_dim:
        label = shapes["mapping.label_weight"][1]
        wanted["mapping.label_weight"] = (config.c_dim, label)
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
    return wanted


class StyleGAN1(StyledGenerator):
    """A StyledGenerator that may still be growing."""

    lod = 0.0

    def with_lod(self, lod: float) -> "StyleGAN1":
        """The same weights while growing: 0 = all of it, 1 = one resolution less, 0.5 = between."""
        grown = StyleGAN1(self.network, self.info, self.device)
        grown.lod = fitting_lod(lod, self.network.config.blocks, self.network.outputs)
        return grown

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32; label and truncation are in the codes already."""
        if not self.lod:
            return super().synthesis(codes, label, truncation, noise)
        with gradients(codes):
            images: Tensor = self.network.growing(self._fitting(codes), noise, self.lod)
            return images

    def prefix(self, codes: Tensor, layer: int, noise: Noise = "const") -> SynthesisState:
        """The work that codes (N, L, D) which differ from `layer` on only have in common. Raises
        UsageError for a layer that is not there, and while the network is growing."""
        if self.lod:
            raise UsageError("a network that is still growing gives whole pictures only")
        return super().prefix(codes, layer, noise)

    def steps(
        self,
        codes: Tensor,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> StyledSteps | None:
        """The synthesis of codes (N, L, D), step by step; None while the network is growing."""
        return None if self.lod else super().steps(codes, label, truncation, noise, changes)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W) with the features after some layers changed."""
        if self.lod and not changes:
            return self.synthesis(codes, label, truncation, noise)
        return super().synthesis_with(codes, changes, label, truncation, noise)

    def _fitting(self, codes: Tensor) -> Tensor:
        more = codes.dim() == 3 and codes.shape[1] == ALWAYS > self.info.num_layers
        return super()._fitting(codes[:, : self.info.num_layers] if more else codes)
