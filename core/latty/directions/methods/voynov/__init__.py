"""Voynov and Babenko's directions: a matrix whose columns a network can tell apart.

Voynov and Babenko 2020, "Unsupervised Discovery of Interpretable Directions in the GAN Latent
Space" (arXiv 2002.03754). A deformator (`_deformators`) turns "direction k, this far" into a shift
of the latent; it is trained together with a network that sees both pictures and names k and the
amount. All kinds but "fc" give vectors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, cast

import torch
from torch import Tensor

from latty.directions import imported_deformators as imported
from latty.directions import sign as directions_sign
from latty.directions.base import Info
from latty.directions.file import LINEAR, DirectionSet
from latty.directions.methods.voynov.deformators import Curves, Matrix, deformator
from latty.directions.training.pairs import Pairs, Source, Spread, check_seeds
from latty.directions.training.trainer import Judged, Plan, Trainer, seeded, tag_of, train
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import Layers

if TYPE_CHECKING:
    from latty.models.base import ModelInfo


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One direction of the kind "fc": the shift depends on how far, not on where the latent is."""

    name: str
    space: Literal["z", "w"]
    layers: Layers
    curves: Curves
    index: int
    sigma: float
    sign: float = 1.0

    def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
        """Latents (N, Z) or codes (N, L, D) shifted by strength (N,) sigma along the curve."""
        self._check(latents, generator.info)
        with torch.no_grad():
            amount = self.sign * strength.float().cpu()
            shift: Tensor = self.curves(amount, torch.full((len(amount),), self.index), amount)
        shift = self.sigma * shift.to(latents)
        return latents + (shift if latents.ndim == 2 else shift[:, None])

    def _check(self, latents: Tensor, info: "ModelInfo") -> None:
        if latents.shape[-1] != self.curves.width:
            raise BadData(
                f"direction {self.name} moves {self.curves.width} numbers in {self.space}; "
                f"{info.name} has {latents.shape[-1]}",
                "it was made for another model",
            )


def direction(
    header: DirectionSet, index: int, tensors: Mapping[str, Tensor]
) -> Curve | imported.Deformed:
    """Curve `index` of a set of the kind "fc"; arrays are the weights of its network.

    Raises BadData for arrays that are no such network.
    """
    if imported.is_theirs(tensors):
        return imported.direction(header, index, tensors)
    last, first = tensors.get("last.weight"), tensors.get("layers.0.weight")
    if last is None or first is None or last.ndim != 2 or first.ndim != 2:
        raise BadData("a set of curves needs the weights of its network")
    count, width, hidden = len(header.infos), len(last), len(first)
    if directions_sign.INPUTS in tensors:  # some of the network's curves
        count = max(count, first.shape[1])
    if first.shape[1] != max(count, width):
        raise BadData(f"{first.shape[1]} inputs do not fit {count} curves in {width} numbers")
    if header.space not in ("z", "w"):
        raise BadData(f"curves run in z or w, not in {header.space}")
    curves = Curves(count, width, hidden)
    try:
        curves.load_state_dict(directions_sign.without(tensors))
    except RuntimeError as error:
        raise BadData(f"the curves' network: {str(error).splitlines()[-1].strip()}") from None
    info, space = header.infos[index], cast(Literal["z", "w"], header.space)
    which, sign = (
        directions_sign.network_input(tensors, index, count),
        directions_sign.sign(tensors, index),
    )
    return Curve(info.name, space, info.layers, curves.eval(), which, info.sigma, sign)


class Voynov:
    """Directions that a network can tell apart.

    directions       how many (K); may differ from the latent width
    kind             of the deformator: ortho, proj, linear, fc, id, or random (a baseline)
    random_init      start at random; false = direction k starts as axis k
    min_shift        shortest shift in training, in the latents' standard deviation
    max_shift        longest shift (uniform), or the deviation of shifts (normal)
    distribution     of the amounts: uniform or normal
    reconstructor    the network that tells directions apart
    deformator_rate  learning rate of the deformator
    reconstructor_rate  learning rate of the network
    iterations       training steps
    batch            pairs of pictures in a training step
    lambda_cls       weight of telling which direction
    lambda_reg       weight of telling how far
    size             height in px of the pictures that the network sees
    space            "z", "w" or "auto": where the model's directions act best
    layers           layers that are moved, in w: "all" or "4-8"
    truncation       latents stay within it in training; none = as sampled
    label            the class to draw, where there are classes; none = any
    classes          draw these classes only
    probes           held-out samples that judge each direction
    seed             first of the sampled seeds
    """

    def __init__(
        self,
        directions: int = 24,
        kind: Literal["ortho", "proj", "linear", "fc", "id", "random"] = "ortho",
        random_init: bool = True,
        min_shift: float = 0.5,
        max_shift: float = 3.0,
        distribution: Literal["uniform", "normal"] = "uniform",
        reconstructor: Literal["lenet", "resnet"] = "resnet",
        deformator_rate: float = 1e-2,
        reconstructor_rate: float = 1e-3,
        iterations: int = 3000,
        batch: int = 16,
        lambda_cls: float = 1.0,
        lambda_reg: float = 0.25,
        size: int = 32,
        space: Literal["auto", "z", "w"] = "auto",
        layers: str = "all",
        truncation: float | None = None,
        label: int | None = None,
        classes: tuple[int, ...] = (),
        probes: int = 16,
        seed: int = 0,
    ) -> None:
        self.directions, self.kind, self.random_init = directions, kind, random_init
        self.min_shift, self.max_shift, self.distribution = min_shift, max_shift, distribution
        self.reconstructor, self.deformator_rate = reconstructor, deformator_rate
        self.reconstructor_rate = reconstructor_rate
        self.iterations, self.batch, self.size = iterations, batch, size
        self.lambda_cls, self.lambda_reg = lambda_cls, lambda_reg
        self.space, self.layers, self.truncation = space, layers, truncation
        self.label, self.classes, self.probes, self.seed = label, classes, probes, seed

    @property
    def form(self) -> str:
        """Vectors are what every program can read; only curves need this file to move."""
        return "voynov" if self.kind == "fc" else LINEAR

    def missing(self, generator: Generator) -> str:
        """Nothing is asked of the generator but gradients, which all have."""
        return ""

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Train. Raises BadData for parameters that do not fit the model or each other."""
        with torch.inference_mode(False), torch.enable_grad():
            return self._fit(generator, report, work)

    def _fit(self, generator: Generator, report: Report, work: Path | None) -> Self:
        plan, source = self._plan(), self._source()
        plan.check()
        check_seeds(source, plan.used)
        pairs = Pairs(generator, source)
        spread = pairs.spread()
        width = len(spread.mean)
        shifter = seeded(
            self.seed, lambda: deformator(self.kind, self.directions, width, self.random_init)
        )
        digest = generator.info.digest
        tag = tag_of("voynov", plan.state, source, self.kind, self.random_init, digest)
        trainer = Trainer(pairs, shifter, spread.unit, plan, tag)
        judged, self.complete_ = train(trainer, report, work)
        self.space_, self.seeds_ = pairs.space, f"{self.seed}-{self.seed + plan.used - 1}"
        with torch.no_grad():
            self._describe(shifter.cpu(), spread, judged)
        return self

    def _plan(self) -> Plan:
        return Plan(
            count=self.directions,
            low=self.min_shift,
            high=self.max_shift,
            iterations=self.iterations,
            batch=self.batch,
            reconstructor=self.reconstructor,
            shift_rate=self.deformator_rate,
            reconstructor_rate=self.reconstructor_rate,
            cls=self.lambda_cls,
            reg=self.lambda_reg,
            seed=self.seed,
            distribution=self.distribution,
            probes=self.probes,
        )

    def _source(self) -> Source:
        return Source(
            space=self.space,
            layers=self.layers,
            label=self.label,
            classes=self.classes,
            truncation=self.truncation,
            size=self.size,
            seed=self.seed,
        )

    def _describe(self, shifter: Matrix | Curves, spread: Spread, judged: Judged) -> None:
        sigmas = [spread.unit] * self.directions
        if isinstance(shifter, Curves):
            self.extra_ = {k: v.detach().clone() for k, v in shifter.state_dict().items()}
        else:
            self.directions_, sigmas = _vectors(shifter, spread)
        layers = Layers.parse(self.layers)
        self.infos_ = tuple(
            Info(f"d{k}", sigma, layers=layers, scores=_rounded(judged.scores(k)))
            for k, sigma in enumerate(sigmas)
        )


def _rounded(scores: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple((name, round(figure, 4)) for name, figure in scores.items())


def _vectors(matrix: Matrix, spread: Spread) -> tuple[Tensor, list[float]]:
    """Unit vectors (K, d), largest entry positive, and the spread of latents along each."""
    rows = matrix.columns().T.detach().clone()
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    peak = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    rows = rows * torch.where(peak < 0, -1.0, 1.0)
    along = ((rows @ spread.covariance) * rows).sum(1)
    return rows.contiguous(), along.clamp_min(1e-12).sqrt().tolist()


METHOD = Voynov
