"""SeFa: the directions that the first step of each layer amplifies most, in closed form.

Shen & Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs" (arXiv:2007.06600). A
layer reads its code x as A x + b. The unit vectors n with the largest |A n| (equation 4) are the
leading eigenvectors of A^T A; of several layers at once, A holds the outputs of all of them.
Nothing is sampled but the spread of latents along the directions, which gives strengths a unit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from latty.directions.base import Info
from latty.directions.sampling import deviations
from latty.errors import BadData
from latty.models.base import Generator, HasLayerWeights
from latty.report import Report, silent
from latty.scene import ALL, Label, Layers

FINDS = "what its layers react to most, from the weights alone"
NEEDS = ""
ORDER = 20
COST = {"mapping": ("samples",)}
FORM = ("components", "samples", "layers")  # of the parameters, what is asked first

NOTHING = 1e-9  # a smaller share of the largest eigenvalue is rounding: no layer reads that


@dataclass
class SeFa:
    """Eigenvectors of the weights with which layers read their codes."""

    components: int = 10  # directions of each set of layers, at most
    layers: tuple[str, ...] = ("all",)  # the sets that are analysed, each on its own: "all", or for
    # example "0-1,2-5,6-13"
    normalise: Literal["outputs", "none"] = "outputs"  # outputs = every output's weights at length
    # 1, as the original; none = as they are
    samples: int = 4000  # latents that measure sigma
    label: Label = None  # the class or mixture they are drawn for, where there are classes
    seed: int = 100_000  # first of the sampled seeds

    def missing(self, generator: Generator) -> str:
        """The weights, where a family does not offer them."""
        if isinstance(generator, HasLayerWeights):
            return ""
        return f"{generator.info.name} ({generator.info.family}) offers no layer weights"

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Decompose, then measure sigma. Raises BadData for layers that are not there.

        It takes seconds: there is nothing to keep in `work`, and an interruption only leaves sigma
        to fewer samples.
        """
        if not isinstance(generator, HasLayerWeights):
            raise BadData(self.missing(generator), "ganspace needs none")
        if self.components < 1 or self.samples < 2:
            raise BadData("components and samples must be above 0", "for example 10 and 4000")
        self.space_: str = generator.info.space
        weights = [self._normed(weight) for weight in generator.layer_weights()]
        sets = [_layers(text, len(weights)) for text in self.layers]
        names, parts = [], []
        for text, chosen in zip(self.layers, sets, strict=True):
            found = [*_decomposed(generator, weights, chosen)]
            found = sorted(found, key=lambda part: -float(part[1]))[: self.components]
            prefix = f"l{text.strip()}-" if len(sets) > 1 else ""
            names += [f"{prefix}s{i}" for i in range(len(found))]
            parts += found
        self.directions_ = torch.stack([vector for _, _, vector in parts]).float()
        seeds = range(self.seed, self.seed + self.samples)
        sigmas, self.complete_ = deviations(
            generator, self.directions_, self.space_, seeds, self.label, report
        )
        self.seeds_ = f"{seeds.start}-{seeds.stop - 1}"
        self.infos_ = tuple(
            Info(name, sigma, (-3.0, 3.0), layers, (("eigenvalue", round(float(value), 4)),))
            for name, sigma, (layers, value, _) in zip(names, sigmas, parts, strict=True)
        )
        return self

    def _normed(self, weight: Tensor) -> Tensor:
        """Weights (outputs, D) of a layer, float64 on the CPU."""
        weight = weight.detach().cpu().double()
        if self.normalise == "none":
            return weight
        lengths: Tensor = weight.norm(dim=1, keepdim=True)
        return weight / lengths.clamp_min(1e-30)


def _layers(text: str, count: int) -> Layers:
    """A set of layers as it was asked for; a set of all is "all". Raises BadData."""
    try:
        layers = Layers.parse(text)
    except ValueError as error:
        raise BadData(str(error), "for example all, or 0-1,2-5,6-13") from None
    if layers.start >= count or (layers.stop or 0) > count:
        raise BadData(f"layers {text}: there are only 0-{count - 1}", "see: latty inspect MODEL")
    return ALL if len(layers.indices(count)) == count else layers


def _decomposed(
    generator: Generator, weights: Sequence[Tensor], chosen: Layers
) -> Iterator[tuple[Layers, Tensor, Tensor]]:
    """Layers, eigenvalue and unit vector (D,) of every direction that the chosen layers read.

    Where each layer reads a part of z of its own (hierarchical BigGAN), A has a block for every
    layer, and so have its eigenvectors: each moves one part of z (Z,), and one layer.
    """
    info = generator.info
    picked = chosen.indices(len(weights))
    if info.space == "w" or info.width == info.z_dim:
        stacked = torch.cat([weights[layer] for layer in picked])
        for value, vector in _leading(stacked):
            yield chosen, value, vector
        return
    for layer in picked:
        for value, vector in _leading(weights[layer]):
            whole = torch.zeros(info.z_dim).double()
            whole[layer * info.width : (layer + 1) * info.width] = vector
            yield Layers(layer, layer + 1), value, whole


def _leading(weight: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Eigenvalues and unit eigenvectors (D,) of weight^T weight, the largest first, each with its
    largest entry positive; those that are only rounding are left out."""
    values, vectors = torch.linalg.eigh(weight.T @ weight)
    for i in reversed(range(len(values))):
        vector = vectors[:, i]
        if values[i] > NOTHING * values[-1]:
            yield values[i], vector * vector[vector.abs().argmax()].sign()


def quick(generator: Generator) -> dict[str, Any]:
    """Few directions and samples."""
    return {"components": 3, "samples": 200}


METHOD = SeFa
