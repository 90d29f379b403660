"""R3GAN generators: residual blocks of grouped convolutions without any norm.

Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern Baseline GAN" (arXiv:2501.05441),
section 3 and appendix A, in the layout of brownvc/R3GAN. A learned basis of 4 x 4 pixels is
weighted by a linear map of the latent and the class; each further stage doubles the picture. There
is no mapping: the one code of a picture is its latent z. Everything is read from the tensors.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models import ops
from latty.models.base import Meta, ModelInfo, Shapes
from latty.models.classes import names_said
from latty.models.latent_generator import Latent, narrowed
from latty.models.state_dict import (
    TensorReader,
    config_of,
    filter_taps,
    moved,
    shape_of,
    shapes_of,
)

__all__ = ["build"]

ORIGIN = "R3GAN of brownvc, .pkl"
CHECKED = "the reference code's own output, 16 and 256 px, with and without classes"
SIGNATURE = (
    {"Model.MainLayers.0.Layers.0.Basis": 3, "Model.AggregationLayer.Layer.weight": 4},
    {"MainLayers.0.Layers.0.Basis": 3, "AggregationLayer.Layer.weight": 4},
)
NOISE = False
KNOWN = ("class_names", "id2label")

OUTER = "Model."  # the training script wraps the network
MOST = 12  # stages: 8192 px
SLOPE = 0.2  # of the leaky ReLU


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one.

    dtype     of its layers, e.g. torch.bfloat16; None = float32. Pictures are float32 either way.
    """
    shapes = shapes_of(tensors)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network = moved(_Builder(TensorReader(tensors), shapes).network(), device)
    classes = 0 if network.embedding is None else len(network.embedding)
    info = ModelInfo.of(
        meta,
        "r3gan",
        resolution=4 << (network.count - 1),
        channels=len(network.rgb),
        z_dim=network.matrix.shape[1],
        num_layers=1,
        width=network.matrix.shape[1],
        num_classes=classes,
        class_names=names_said(config_of(meta), classes),
        space="z",
    )
    return Latent(narrowed(network, dtype), info, device)


@dataclass(frozen=True, slots=True)
class Basis:
    """Learned pictures (C, 4, 4), each times a number that the latent and the class give."""

    pictures: Tensor
    weight: Tensor  # (C, Z + E)

    def __call__(self, x: Tensor) -> Tensor:
        return self.pictures * F.linear(x, self.weight)[:, :, None, None]


@dataclass(frozen=True, slots=True)
class Growth:
    """A 1x1 convolution (O, I, 1, 1) where the width changes, then twice the pixels by a FIR."""

    weight: Tensor | None
    phases: Tensor  # ops.up_phases

    def __call__(self, x: Tensor) -> Tensor:
        return ops.upsample(x if self.weight is None else F.conv2d(x, self.weight), self.phases)


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """x + W3 f(b2 + W2 f(b1 + W1 x)), W2 grouped; the gain of f is in the weights."""

    weights: tuple[Tensor, Tensor, Tensor]  # (E, C, 1, 1), (E, E / groups, k, k), (C, E, 1, 1)
    biases: tuple[Tensor, Tensor]  # (E,)

    def __call__(self, x: Tensor) -> Tensor:
        first, second, third = self.weights
        y = F.leaky_relu(F.conv2d(x, first, self.biases[0]), SLOPE)
        groups, padding = len(second) // second.shape[1], second.shape[-1] // 2
        y = F.conv2d(y, second, self.biases[1], padding=padding, groups=groups)
        return x + F.conv2d(F.leaky_relu(y, SLOPE), third)


@dataclass(frozen=True, eq=False)
class R3GANNetwork:
    """A StagedNetwork of one code layer; `embedding` (classes, E) joins the latent."""

    names: tuple[str, ...]
    count: int  # of resolutions
    steps: tuple[Basis | Growth | ResidualBlock, ...]
    rgb: Tensor  # (C, I, 1, 1)
    matrix: Tensor  # (C, Z)
    embedding: Tensor | None

    def conditions(self, codes: Tensor, label: Tensor | None) -> list[Tensor]:
        """The latent with its class: [(N, Z + E)] of codes (N, 1, Z)."""
        if self.embedding is None or label is None:
            return [codes[:, 0]]
        return [torch.cat([codes[:, 0], label @ self.embedding], 1)]

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture."""
        return self.steps[index](x) if index < len(self.steps) else F.conv2d(x, self.rgb)

    def layer_weights(self) -> list[Tensor]:
        """How the latent weights the basis: one matrix (C, Z)."""
        return [self.matrix]


class _Builder:
    """Takes an R3GANNetwork out of the tensors of a file."""

    def __init__(self, reader: TensorReader, shapes: Shapes) -> None:
        self.reader, self.shapes = reader, shapes
        self.outer = OUTER if any(name.startswith(OUTER) for name in shapes) else ""

    def network(self) -> R3GANNetwork:
        embedding, extra = self.embedding()
        names: list[str] = []
        steps: list[Basis | Growth | ResidualBlock] = []
        width, places = 0, self.places()
        for stage, layer in places:
            name = f"MainLayers.{stage}.Layers.{layer}"
            names.append(name)
            step, width = self.step(f"{self.outer}{name}", stage, layer, width)
            steps.append(step)
        rgb = self.reader.take(f"{self.outer}AggregationLayer.Layer.weight", -1, width, 1, 1)
        self.reader.finish()
        assert isinstance(steps[0], Basis)
        latent = steps[0].weight.shape[1] - extra
        if latent < 1:
            what = f"the first layer reads {latent + extra} numbers, the class gives {extra}"
            raise Refusal("wrong-shape", what, OTHER)
        matrix = steps[0].weight[:, :latent].clone()
        count = places[-1][0] + 1
        return R3GANNetwork((*names, "image"), count, tuple(steps), rgb, matrix, embedding)

    def places(self) -> list[tuple[int, int]]:
        """Stage and layer of everything that must have tensors, in order. Raises Refusal."""
        name = rf"{re.escape(self.outer)}MainLayers\.(\d{{1,3}})\.Layers\.(\d{{1,3}})\."
        found = [(int(m[1]), int(m[2])) for one in self.shapes if (m := re.match(name, one))]
        stages = max(found)[0] + 1
        if stages > MOST:
            raise Refusal("unknown-architecture", f"{stages} stages, at most {MOST}", OTHER)
        last = [max((k for t, k in found if t == s), default=0) for s in range(stages)]
        return [(s, k) for s in range(stages) for k in range(last[s] + 1)]

    def embedding(self) -> tuple[Tensor | None, int]:
        """The vectors of the classes (classes, E), and E."""
        name = f"{self.outer}EmbeddingLayer.weight"
        if name not in self.reader:
            return None, 0
        vectors = self.reader.take(name, -1, -1).t().contiguous()
        return vectors, vectors.shape[1]

    def step(
        self, prefix: str, stage: int, layer: int, width: int
    ) -> tuple[Basis | Growth | ResidualBlock, int]:
        """One layer that reads `width` channels, and the channels of what it gives."""
        if layer:
            return self.block(prefix, width), width
        if stage == 0:
            pictures = self.reader.take(f"{prefix}.Basis", -1, 4, 4)
            weight = self.reader.take(f"{prefix}.LinearLayer.weight", len(pictures), -1)
            return Basis(pictures, weight), len(pictures)
        conv = self.reader.maybe(f"{prefix}.LinearLayer.Layer.weight", -1, width, 1, 1)
        name = f"{prefix}.Resampler.Kernel"
        taps = filter_taps(name, self.reader.take(name, -1, -1).double())
        return Growth(conv, ops.up_phases(taps)), width if conv is None else len(conv)

    def block(self, prefix: str, width: int) -> ResidualBlock:
        first = self.reader.take(f"{prefix}.LinearLayer1.Layer.weight", -1, width, 1, 1)
        wide = len(first)
        name = f"{prefix}.LinearLayer2.Layer.weight"
        per_group, side = shape_of(self.shapes, name, 4)[1:3]
        second = self.reader.take(name, wide, per_group, side, side)
        if wide % per_group or not side % 2:
            what = f"tensor '{name}' has the shape {list(second.shape)}: no groups of odd kernels"
            raise Refusal("wrong-shape", what, OTHER)
        third = self.reader.take(f"{prefix}.LinearLayer3.Layer.weight", width, wide, 1, 1)
        biases = [self.reader.take(f"{prefix}.NonLinearity{i}.Bias", wide) for i in (1, 2)]
        return ResidualBlock((first, second, third), (biases[0], biases[1]))
