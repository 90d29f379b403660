"""FastGAN generators, and those that Projected GAN made of them: gates from early features.

Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image
Synthesis" (arXiv:2101.04775), section 3.1; Sauer et al. 2021, "Projected GANs Converge Faster"
(arXiv:2111.01007). Each stage doubles the picture by one convolution or two, each with a batch norm
and a gated linear unit; features of 4 to 32 px switch channels of 64 to 512 px on and off (the
skip-layer excitation). Tensors have the authors' names, and weights are divided by their spectral
norms already. Projected GAN normalises its latents, so that truncation does nothing to them.

There is no mapping: the one code of a picture is its latent z. Convolutions may add one picture of
noise to all channels; no file holds it, so "const" is the seed 0.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.errors import BadData
from latty.models import ops
from latty.models.base import Meta, ModelInfo, Shapes
from latty.models.latent_generator import Conditions, Latent, narrowed
from latty.models.layers import BatchNorm, norm
from latty.models.ops_biggan import scale_shift
from latty.models.state_dict import TensorReader, header_config, moved, shapes_of
from latty.scene import Noise

__all__ = ["build", "metadata"]

ORIGIN = "FastGAN that latty imported, .safetensors"
CHECKED = "the layouts that become it"
SIGNATURE = {"init.init.0.weight": (-1, -1, 4, 4), "feat_8.*": ..., "to_big.weight": 4}
NOISE = True

GATES = {64: 4, 128: 8, 256: 16, 512: 32}  # px of the features -> px of those that gate them
LARGEST = 1024  # px
EPS = 1e-5  # of every batch norm
SETTINGS = {"normalised": False, "tanh": False}
AGAIN = "import the model again"


def metadata(normalised: bool, tanh: bool) -> dict[str, str]:
    """The header that goes with the tensors: whether latents are scaled to unit mean square, and
    whether tanh ends the network."""
    said = json.dumps({"normalised": normalised, "tanh": tanh})
    return {"kind": "generator", "family": "fastgan", "config": said}


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one.

    dtype     of its layers, e.g. torch.bfloat16; None = float32. Pictures are float32 either way.
    """
    said = {**SETTINGS, **header_config(meta)}
    if said.keys() != SETTINGS.keys() or not all(isinstance(one, bool) for one in said.values()):
        raise BadData("the header's config is none of a FastGAN", AGAIN)
    shapes = shapes_of(tensors)
    with torch.inference_mode(False):  # the caller's mode must not stick to the weights
        network = moved(_Builder(TensorReader(tensors), shapes).network(**said), device)
    z_dim = network.matrix.shape[1]
    info = ModelInfo.of(
        meta,
        "fastgan",
        resolution=network.stages[-1].size,
        channels=len(network.rgb),
        z_dim=z_dim,
        num_layers=1,
        width=z_dim,
        num_classes=0 if network.classes is None else len(network.classes),
        space="z",
    )
    return Latent(narrowed(network, dtype), info, device)


@dataclass(frozen=True, slots=True)
class ClassNorm:
    """Batch norm whose gain and shift a class vector (N, E) gives: Projected GAN's CCBN."""

    mean: Tensor  # (C,)
    variance: Tensor
    gain: tuple[Tensor, Tensor]  # (C, E), (C,)
    shift: tuple[Tensor, Tensor]

    def __call__(self, x: Tensor, vector: Tensor) -> Tensor:
        gain, shift = 1 + F.linear(vector, *self.gain), F.linear(vector, *self.shift)
        return scale_shift(x, self.mean, self.variance, EPS, gain, shift)


@dataclass(frozen=True, slots=True)
class GatedConv:
    """glu(norm(W x + strength * noise)): half of the outputs switch the other half."""

    weight: Tensor  # (O, I, 3, 3)
    strength: Tensor | None  # (1,)
    norm: BatchNorm | ClassNorm

    def __call__(self, x: Tensor, vector: Tensor | None, noise: Tensor | None) -> Tensor:
        x = F.conv2d(x, self.weight, padding=1)
        if self.strength is not None and noise is not None:
            x = x + self.strength * noise.to(x)
        if isinstance(self.norm, ClassNorm):
            return F.glu(self.norm(x, cast(Tensor, vector)), 1)
        return F.glu(self.norm(x), 1)


@dataclass(frozen=True, slots=True)
class Excitation:
    """Gates (N, O, 1, 1) of features (N, I, H, W): the paper's equation 1."""

    first: Tensor  # (O, I, 4, 4)
    second: Tensor  # (O, O, 1, 1)

    def __call__(self, x: Tensor) -> Tensor:
        x = F.silu(F.conv2d(F.adaptive_avg_pool2d(x, 4), self.first))
        return torch.sigmoid(F.conv2d(x, self.second))


@dataclass(frozen=True, slots=True)
class Stage:
    """From half of `size` px to `size`: up-sampling, convolutions, gates."""

    size: int
    number: int  # of its first convolution, which counts the noise
    convs: tuple[GatedConv, ...]
    gates: Excitation | None


@dataclass(frozen=True, eq=False)
class FastGANNetwork:
    """A StagedNetwork of one code layer: init, feat_8, feat_16, ..., to_big."""

    names: tuple[str, ...]
    init: Tensor  # (Z, C, 4, 4)
    first: BatchNorm
    stages: tuple[Stage, ...]
    rgb: Tensor  # (C, I, 3, 3)
    bias: Tensor | None
    classes: Tensor | None  # (classes, E)
    normalised: bool
    tanh: bool
    noise: Noise = "const"

    @property
    def matrix(self) -> Tensor:
        """What the first layer does with the latent: (outputs, Z)."""
        return self.init.flatten(1).t()

    def with_noise(self, noise: Noise) -> "FastGANNetwork":
        """The same weights with the noise of a scene."""
        return replace(self, noise=noise)

    def conditions(self, codes: Tensor, label: Tensor | None) -> Conditions:
        """The latent (N, Z), and the vectors of the classes (N, E) where there are any."""
        z = ops.pixel_norm(codes[:, 0]) if self.normalised else codes[:, 0]
        if self.classes is None or label is None:
            return Conditions([z])
        return Conditions([z, label @ self.classes])

    def stage(
        self, index: int, x: Tensor, conditions: Sequence[Tensor], truncation: float
    ) -> Tensor:
        """Features (N, C, H, W) after one stage; the last one gives the picture."""
        if index == 0:
            return F.glu(self.first(F.conv_transpose2d(x[:, :, None, None], self.init)), 1)
        if index > len(self.stages):
            x = F.conv2d(x, self.rgb, self.bias, padding=1)
            return torch.tanh(x) if self.tanh else x
        stage, run = self.stages[index - 1], cast(Conditions, conditions)
        if stage.size // 2 in GATES.values():
            run.kept[stage.size // 2] = x
        vector = run[1] if len(run) > 1 else None
        x = ops.enlarge(x)
        for i, conv in enumerate(stage.convs):
            x = conv(x, vector, self._picture(stage.number + i, stage.size, x.device))
        if stage.gates is not None:
            x = x * stage.gates(run.kept.pop(GATES[stage.size]))
        return x

    def _picture(self, number: int, size: int, device: torch.device) -> Tensor | None:
        if self.noise == "none":
            return None
        seed = 0 if self.noise == "const" else self.noise
        return ops.seeded_noise(seed, number, (size, size), device)

    def layer_weights(self) -> list[Tensor]:
        """What the first layer does with the latent: one matrix (outputs, Z)."""
        return [self.matrix]


class _Builder:
    """Takes a FastGANNetwork out of the tensors of a file."""

    def __init__(self, reader: TensorReader, shapes: Shapes) -> None:
        self.reader, self.shapes = reader, shapes

    def network(self, normalised: bool, tanh: bool) -> FastGANNetwork:
        init = self.reader.take("init.init.0.weight", -1, -1, 4, 4)
        first, width = norm(self.reader, "init.init.1", init.shape[1], EPS), init.shape[1] // 2
        classes = self.reader.maybe("embed.weight", -1, -1)
        features, widths, stages, number = (
            0 if classes is None else classes.shape[1],
            {4: width},
            [],
            1,
        )
        for size in self.sizes():
            convs = self.convs(f"feat_{size}", width, features)
            width = convs[-1].weight.shape[0] // 2
            stages.append(Stage(size, number, convs, self.gates(size, widths, width)))
            widths[size], number = width, number + len(convs)
        rgb = self.reader.take("to_big.weight", -1, width, 3, 3)
        bias = self.reader.maybe("to_big.bias", len(rgb))
        self.reader.finish()
        names = ("init", *(f"feat_{stage.size}" for stage in stages), "to_big")
        return FastGANNetwork(
            names, init, first, tuple(stages), rgb, bias, classes, normalised, tanh
        )

    def sizes(self) -> list[int]:
        """8, 16, ... px of the picture: up to the last features."""
        found = {int(m[1]) for name in self.shapes if (m := re.match(r"feat_(\d{1,4})\.", name))}
        count = max(found).bit_length() - 1 if found else 3
        return [1 << i for i in range(3, min(count, LARGEST.bit_length() - 1) + 1)]

    def convs(self, prefix: str, width: int, features: int) -> tuple[GatedConv, ...]:
        """The one or two convolutions of a stage of a list of layers; noise goes with two."""
        if features:
            return self.class_convs(prefix, width, features)
        two = f"{prefix}.5.weight" in self.reader
        convs = []
        for conv, noise, batch in ((1, 2, 3), (5, 6, 7)) if two else ((1, None, 2),):
            strength = None if noise is None else self.reader.take(f"{prefix}.{noise}.weight", 1)
            weight = self.reader.take(f"{prefix}.{conv}.weight", -1, width, 3, 3)
            batch_norm = norm(self.reader, f"{prefix}.{batch}", len(weight), EPS)
            convs.append(GatedConv(weight, strength, batch_norm))
            width = len(weight) // 2
        return tuple(convs)

    def class_convs(self, prefix: str, width: int, features: int) -> tuple[GatedConv, ...]:
        """The same where a class vector (N, E = `features`) enters every norm."""
        two = f"{prefix}.conv1.weight" in self.reader
        strength = self.reader.take(f"{prefix}.noise.weight", 1) if two else None
        convs = []
        for i in ("1", "2") if two else ("",):
            weight = self.reader.take(f"{prefix}.conv{i}.weight", -1, width, 3, 3)
            class_norm = self.class_norm(f"{prefix}.bn{i}", len(weight), features)
            convs.append(GatedConv(weight, strength, class_norm))
            width = len(weight) // 2
        return tuple(convs)

    def class_norm(self, prefix: str, width: int, features: int) -> ClassNorm:
        def linear(name: str) -> tuple[Tensor, Tensor]:
            weight = self.reader.take(f"{prefix}.{name}.weight", width, features)
            return weight, self.reader.take(f"{prefix}.{name}.bias", width)

        mean = self.reader.take(f"{prefix}.stored_mean", width)
        variance = self.reader.take(f"{prefix}.stored_var", width)
        return ClassNorm(mean, variance, linear("gain"), linear("bias"))

    def gates(self, size: int, widths: Mapping[int, int], width: int) -> Excitation | None:
        if size not in GATES:
            return None
        shape = width, widths[GATES[size]], 4, 4
        first = self.reader.take(f"se_{size}.main.1.weight", *shape)
        return Excitation(first, self.reader.take(f"se_{size}.main.3.weight", width, width, 1, 1))
