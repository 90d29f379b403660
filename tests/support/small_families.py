"""A small random generator of each family, made by the family's own `build`.

A family may bring its own: `example() -> tensors, header` in the entry. What is written for every
family then runs over it, wherever it is installed from. Those of latty are made here.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastgan_networks
import onnx_files
import pytest
import small_networks as small
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from latty.checkpoints import onnxfile
from latty.models import spec
from latty.models.base import AnySize
from latty.models.families import fastgan, progan, stylegan1, stylegan2, stylegan3
from latty.models.families.onnx.drawing import OnnxUsage
from latty.models.families.stylegan3.network import (
    StyleGAN3Config,
    StyleGAN3LayerConfig,
    StyleGAN3Network,
)
from latty.models.registries import FAMILIES as REGISTRY

Tensors = dict[str, Tensor]

CLASSES = 3

PROGAN_CHANNELS = (6, 6, 5, 5, 4, 4)  # 4, 8 and 16 px


def progan_tensors(classes: int = 0, scales: bool = True, outputs: bool = True) -> Tensors:
    """Random weights in which every tensor matters."""
    torch.manual_seed(0)
    tensors, inputs = {}, 7 + classes
    for j, out in enumerate(PROGAN_CHANNELS):
        size = 3 if j else 4
        tensors[f"features.{j}.conv.weight"] = torch.randn(out, inputs, size, size)
        tensors[f"features.{j}.wscale.b"] = 0.3 * torch.randn(out)
        if scales:
            tensors[f"features.{j}.wscale.scale"] = 0.1 + 0.1 * torch.rand(1)
        inputs = out
    for block in range(3):
        name = f"outputs.{block}" if block < 2 else "output"
        if block == 2 or outputs:
            tensors[f"{name}.conv.weight"] = torch.randn(2, PROGAN_CHANNELS[2 * block], 1, 1)
            tensors[f"{name}.wscale.b"] = torch.randn(2)
    return tensors


def stylegan1_tensors(channels: tuple[int, ...] = (6, 5, 4), classes: int = 0) -> Tensors:
    """Random weights in which every tensor matters; channels per resolution."""
    torch.manual_seed(0)
    tensors, inputs = {"mapping.w_avg": torch.randn(8)}, 7
    if classes:
        tensors["mapping.label_weight"], inputs = torch.randn(classes, 7), 14
    for i in range(2):
        tensors[f"mapping.dense{i}.weight"] = 100 * torch.randn(8, inputs)
        tensors[f"mapping.dense{i}.bias"] = torch.randn(8)
        inputs = 8
    tensors["synthesis.const"] = torch.randn(channels[0], 4, 4)
    inputs = channels[0]
    for j in range(2 * len(channels)):
        name, out, size = f"synthesis.layer{j}", channels[j // 2], 4 << j // 2
        if j:
            tensors[f"{name}.weight"] = torch.randn(out, inputs, 3, 3)
        tensors[f"{name}.bias"] = torch.randn(out)
        tensors[f"{name}.noise_weight"] = 0.3 * torch.randn(out)
        tensors[f"{name}.noise"] = torch.randn(size, size)
        tensors[f"{name}.style.weight"] = torch.randn(2 * out, 8)
        tensors[f"{name}.style.bias"] = torch.randn(2 * out)
        inputs = out
    for block, out in enumerate(channels):
        tensors[f"synthesis.output{block}.weight"] = torch.randn(3, out, 1, 1)
        tensors[f"synthesis.output{block}.bias"] = torch.randn(3)
    return tensors


STYLEGAN2 = stylegan2.StyleGAN2Config(
    z_dim=12, w_dim=10, resolution=16, channels=(8, 8, 6), mapping_layers=2
)


def stylegan2_network(
    config: stylegan2.StyleGAN2Config = STYLEGAN2, seed: int = 0
) -> stylegan2.StyleGAN2Network:
    """A random network in which every tensor matters, noise and mean code too."""
    torch.manual_seed(seed)
    network = stylegan2.StyleGAN2Network(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.add_(0.3 * torch.randn(parameter.shape))
        network.mapping.w_avg.normal_()
    return network


STYLEGAN3 = StyleGAN3Config(
    z_dim=7,
    w_dim=8,
    c_dim=3,
    resolution=15,
    img_channels=2,
    input_channels=6,
    input_size=12,
    sampling_rate=8.0,
    bandwidth=2.0,
    layers=(
        StyleGAN3LayerConfig("L0_12_5", 6, 5, 12, 12, 3, 2, 2, (3, 2), 256.0, False),
        StyleGAN3LayerConfig("L1_15_4", 5, 4, 12, 15, 3, 4, 2, (-5, -6), None, False),
        StyleGAN3LayerConfig("L2_15_2", 4, 2, 15, 15, 1, 1, 1, (0, 0), 256.0, True),
    ),
    hidden_dim=9,
    embed_dim=5,
)


def stylegan3_tensors(config: StyleGAN3Config = STYLEGAN3, radial: bool = False) -> Tensors:
    """Random weights in which every tensor matters."""
    torch.manual_seed(0)
    tensors = {
        name: torch.randn(t.shape) for name, t in StyleGAN3Network(config).state_dict().items()
    }
    for i in range(config.mapping_layers):  # as trained: the learning rate is 0.01
        tensors[f"mapping.fc{i}.weight"] *= 100
    tensors["synthesis.input.transform"] = torch.eye(3)
    for name in ("L0_12_5", "L1_15_4", "L2_15_2"):
        tensors[f"synthesis.{name}.magnitude_ema"] = torch.rand(()) + 0.5
    line = torch.tensor([1.0, 4.0, 9.0, 9.0, 5.0, 1.0])
    line /= line.sum()
    down = torch.outer(line, line) + 0.01 * torch.eye(6) if radial else line
    long = torch.hann_window(14, periodic=False)[1:-1]
    tensors["synthesis.L0_12_5.up_filter"] = line
    tensors["synthesis.L1_15_4.up_filter"] = long / long.sum()
    tensors["synthesis.L0_12_5.down_filter"] = tensors["synthesis.L1_15_4.down_filter"] = down
    return {name: tensor.clone() for name, tensor in tensors.items()}


def r3gan_tensors(
    widths: tuple[int, ...] = (8, 8, 4),
    groups: tuple[int, ...] = (4, 4, 2),
    classes: int = CLASSES,
    blocks: int = 1,
) -> Tensors:
    """Random weights in which every tensor matters; widths and groups per stage."""
    torch.manual_seed(0)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    made = {"Model.EmbeddingLayer.weight": torch.randn(5, classes)} if classes else {}
    before = 6 + (5 if classes else 0)
    for s, (width, cardinality) in enumerate(zip(widths, groups, strict=True)):
        stage = f"Model.MainLayers.{s}.Layers"
        if s == 0:
            made[f"{stage}.0.Basis"] = torch.randn(width, 4, 4)
            made[f"{stage}.0.LinearLayer.weight"] = torch.randn(width, before) / before**0.5
        else:
            made[f"{stage}.0.Resampler.Kernel"] = torch.outer(line, line)
        if s and width != before:
            weight = torch.randn(width, before, 1, 1) / before**0.5
            made[f"{stage}.0.LinearLayer.Layer.weight"] = weight
        for k in range(1, blocks + 1):
            name, wide = f"{stage}.{k}", 2 * width
            shapes = (wide, width, 1), (wide, wide // cardinality, 3), (width, wide, 1)
            for i, (out, inputs, side) in enumerate(shapes, 1):
                weight = torch.randn(out, inputs, side, side) / (inputs * side * side) ** 0.5
                made[f"{name}.LinearLayer{i}.Layer.weight"] = weight
            for i in (1, 2):
                made[f"{name}.NonLinearity{i}.Bias"] = torch.randn(wide)
        before = width
    made["Model.AggregationLayer.Layer.weight"] = torch.randn(3, before, 1, 1) / before**0.5
    return made


class Every(nn.Module):
    """One layer of each kind: 6 numbers and a class of 2 to 3 x 8 x 8, in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(4, 2)
        self.net = nn.Sequential(
            nn.Linear(8, 20),
            nn.LeakyReLU(0.1),
            nn.Unflatten(1, (5, 2, 2)),
            nn.ConvTranspose2d(5, 6, 3, 2, 1, output_padding=1),
            nn.BatchNorm2d(6, eps=0.01),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(6, 3, 3, padding=1, bias=False),
            nn.BatchNorm2d(3, affine=False),
            nn.Sigmoid(),
        )

    def forward(self, z: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return self.net(torch.cat([self.embed(label), z], 1))


EVERY = """
layers = [
  { kind = "linear", tensors = "net.0" },
  { kind = "leaky_relu", slope = 0.1 },
  { kind = "reshape", shape = [5, 2, 2] },
  { kind = "conv_transpose", tensors = "net.3", stride = 2, padding = 1, output_padding = 1 },
  { kind = "batch_norm", tensors = "net.4", eps = 0.01 },
  { kind = "relu" },
  { kind = "upsample" },
  { kind = "conv", tensors = "net.7", kernel = 3, padding = 1, bias = false },
  { kind = "batch_norm", tensors = "net.8", affine = false },
  { kind = "sigmoid" },
]
[latent]
size = 6
[image]
channels = 3
size = 8
range = [0, 1]
[classes]
count = 4
names = ["a", "b", "c", "d"]
embedding = "embed.weight"
first = "class"
"""


Made = tuple[Mapping[str, Tensor], Mapping[str, str]]  # tensors and header


def example_biggan() -> Made:
    return small.biggan(), {}


def example_biggan_deep() -> Made:
    return small.biggan_deep(), {}


def example_dcgan() -> Made:
    return small.tensors(small.shaken(small.DCGAN())), {}


def example_onnx() -> Made:
    recipe = onnx_files.Recipe(label="onehot", classes=CLASSES)
    usage = OnnxUsage("z", 8, label="label", classes=CLASSES, height=8, width=8)
    data = torch.frombuffer(bytearray(recipe.data()), dtype=torch.uint8)
    return {onnxfile.NETWORK: data}, {"family": "onnx", "config": usage.to_json()}


def example_fastgan() -> Made:
    network = fastgan_networks.Network(64, 4, (8, 32), CLASSES, projected=True)
    tensors = fastgan_networks.our_tensors(fastgan_networks.trained(network))
    return tensors, fastgan.metadata(normalised=True, tanh=False)


def lightweight_tensors(widths: tuple[int, ...] = (6, 5, 4, 4, 3), fixed: bool = False) -> Tensors:
    """Random weights in which every tensor matters; widths from 4 px up. The first layer gates the
    fourth, that one the seventh, by frequencies where `fixed`, and the second attends."""
    torch.manual_seed(1)
    made: Tensors = {}

    def conv(name: str, out: int, inputs: int, side: int, bias: bool = True) -> None:
        made[f"{name}.weight"] = torch.randn(out, inputs, side, side) / (inputs * side**2) ** 0.5
        if bias:
            made[f"{name}.bias"] = 0.3 * torch.randn(out)

    def norm(name: str, width: int) -> None:
        for part, low in {
            "weight": 0.5,
            "bias": -0.5,
            "running_mean": -0.5,
            "running_var": 0.5,
        }.items():
            made[f"{name}.{part}"] = low + torch.rand(width)

    conv("initial_conv.0", 7, 2 * widths[0], 4)
    made["initial_conv.0.bias"] = 0.3 * torch.randn(2 * widths[0])
    norm("initial_conv.1", 2 * widths[0])
    for place, (inputs, out) in enumerate(pairwise(widths)):
        name = f"layers.{place}.0"
        conv(f"{name}.0.net.0", 4 * inputs, inputs, 1)
        conv(f"{name}.2.1", 2 * out, inputs, 4)
        made[f"{name}.3.weight"] = torch.full((1,), 0.3)
        norm(f"{name}.4", 2 * out)
    for place in range(0, len(widths) - 4, 3):
        width = widths[place + 1]
        conv(f"layers.{place}.1.net.0", 3, width, 1)
        conv(f"layers.{place}.1.net.2", widths[place + 4], 3, 1)
        if fixed:
            made[f"layers.{place}.1.dct_weights"] = (
                torch.randn(1, width, 8 << place, 8 << place) / 8
            )
        else:
            conv(f"layers.{place}.1.to_k", 1, width, 1)
    made["layers.1.2.norm.g"] = 0.5 + torch.rand(1, widths[1], 1, 1)
    made["layers.1.2.norm.b"] = torch.randn(1, widths[1], 1, 1)
    made["layers.2.0.1.f"] = torch.tensor([1.0, 2.0, 1.0])  # blurred
    for part, out in {"lin_q": 64, "q": 64, "kv": 128}.items():
        conv(f"layers.1.2.fn.to_{part}", out, widths[1], 1, bias=False)
    made["layers.1.2.fn.to_lin_kv.net.0.weight"] = torch.randn(widths[1], 1, 3, 3) / 3
    conv("layers.1.2.fn.to_lin_kv.net.1", 128, widths[1], 1, bias=False)
    conv("layers.1.2.fn.to_out", widths[1], 128, 1)
    conv("out_conv", 3, widths[-1], 3)
    return made


def example_lightweight_gan() -> Made:
    return lightweight_tensors(), {"kind": "generator", "family": "lightweight_gan"}


def example_plain() -> Made:
    return small.tensors(small.shaken(Every())), {"spec": spec.parse(EVERY).to_json()}


def example_portraits() -> Made:
    return {}, {}


def example_progan() -> Made:
    return progan_tensors(CLASSES), progan.metadata(7)


def example_r3gan() -> Made:
    return r3gan_tensors(), {}


def example_sngan() -> Made:
    return small.tensors(small.shaken(small.SNGAN())), {}


def example_stylegan1() -> Made:
    return stylegan1_tensors(classes=CLASSES), stylegan1.metadata(1e-5)


def example_stylegan2() -> Made:
    config = replace(STYLEGAN2, c_dim=CLASSES)
    return stylegan2_network(config).state_dict(), stylegan2.metadata(config)


def example_stylegan3() -> Made:
    return stylegan3_tensors(), stylegan3.metadata(STYLEGAN3)


def shaped_stylegan2(start: tuple[int, int] = (4, 4), channels: int = 3) -> Made:
    """A StyleGAN2 whose pictures are of another shape, or have other channels."""
    config = replace(STYLEGAN2, start=start, resolution=4 * max(start), img_channels=channels)
    return stylegan2_network(config).state_dict(), stylegan2.metadata(config)


SUM = """
layers = [
  {{ kind = "linear", tensors = "fc" }},
  {{ kind = "reshape", shape = [5, {0}, {1}] }},
  {{ kind = "residual", layers = [
      {{ kind = "instance_norm", tensors = "norm" }},
      {{ kind = "silu" }},
      {{ kind = "upsample", mode = "bilinear", align_corners = false }},
      {{ kind = "conv", tensors = "conv", padding = 1 }},
    ], shortcut = [{{ kind = "conv_transpose", tensors = "skip", stride = 2 }}] }},
  {{ kind = "leaky_relu", slope = 0.2 }},
  {{ kind = "conv", tensors = "out", padding = 1 }},
  {{ kind = "tanh" }},
]
latent = {{ size = 6 }}
image = {{ channels = {2}, size = [{3}, {4}] }}
"""


def deep_stylegan2() -> Made:
    """A StyleGAN2 of 1024 px with as many blocks as a real one has, of a few channels each."""
    config = replace(STYLEGAN2, resolution=1024, channels=(8, 8, 8, 8, 6, 6, 4, 4, 2))
    return stylegan2_network(config).state_dict(), stylegan2.metadata(config)


def shaped_plain(start: tuple[int, int], channels: int = 3, classes: int = 0) -> Made:
    """A plain network with a sum of branches, twice the size of `start`; its classes multiply."""
    height, width = start
    parts = {
        "fc": nn.Linear(6, 5 * height * width),
        "norm": nn.InstanceNorm2d(5, affine=True),
        "conv": nn.utils.spectral_norm(nn.Conv2d(5, 5, 3)),
        "skip": nn.ConvTranspose2d(5, 5, 2),
        "out": nn.Conv2d(5, channels, 3),
    }
    text = SUM.format(height, width, channels, 2 * height, 2 * width)
    if classes:
        parts["emb"] = nn.Embedding(classes, 6)
        text += f'classes = {{ count = {classes}, embedding = "emb.weight", join = "product" }}'
    tensors = small.tensors(small.shaken(nn.ModuleDict(parts)))
    return tensors, {"spec": spec.parse(text).to_json()}


def write_example(name: str, path: Path) -> Path:
    """A small generator as a file that `latty import` and `open_model` take."""
    return write_made(example(name), path)


def write_made(made: Made, path: Path) -> Path:
    """Tensors and their header as such a file."""
    tensors, meta = made
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, {**meta})
    return path


FAMILIES = REGISTRY.names()
SHAPES = {  # what a family draws besides three channels in a square
    "stylegan2 tall": lambda: shaped_stylegan2((4, 2)),
    "stylegan2 wide": lambda: shaped_stylegan2((3, 7)),
    "stylegan2 grey": lambda: shaped_stylegan2(channels=1),
    "stylegan2 wide and clear": lambda: shaped_stylegan2((2, 5), 4),
    "plain tall": lambda: shaped_plain((5, 3), 1),
    "plain wide and clear": lambda: shaped_plain((2, 7), 4),
    "plain with classes": lambda: shaped_plain((4, 6), classes=CLASSES),
}


def example(family: str) -> Made:
    """What a small random generator of a family is made of: the entry's own `example`, or ours; or
    one of SHAPES."""
    if family in SHAPES:
        return SHAPES[family]()
    entry: Any = REGISTRY.load(family)
    make = getattr(entry, "example", None) or globals().get(f"example_{family}")
    if make is None:
        pytest.fail(f"family '{family}' is not tested: give it `example() -> tensors, header`")
    made_of: Made = make()
    return made_of


def made(family: str, device: str = "cpu", **options: Any) -> Any:
    """A small generator of a family, or one of SHAPES, by its own `build`."""
    entry: Any = REGISTRY.load(family.partition(" ")[0])
    generator = entry.build(*example(family), torch.device(device), **options)
    return generator.at_size(32) if isinstance(generator, AnySize) else generator


def labels_for(generator: Any, count: int) -> Tensor | None:
    """A class for each picture where there are classes."""
    classes = generator.info.num_classes
    return torch.arange(count) % classes if classes else None
