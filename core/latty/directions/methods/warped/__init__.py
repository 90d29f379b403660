"""WarpedGANSpace: curved paths along the gradients of radial basis functions.

Tzelepis, Tzimiropoulos, Patras 2021, "WarpedGANSpace: Finding non-linear RBF paths in GAN latent
space" (arXiv 2109.13357). The functions of `_rbf` are trained, together with a network that must
tell the paths apart by their pictures. Three things differ from the original: signs of shifts are
drawn without a bias, lengths are in the latents' standard deviation, and a path is followed by a
method of fourth order, so that there and back again ends where it began.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self, cast

import torch
from torch import Tensor, nn

from latty.directions.base import Info
from latty.directions.file import DirectionSet
from latty.directions.methods.warped import rbf
from latty.directions.methods.warped.paths import RANGES, WarpedPath, reach
from latty.directions.training.pairs import Pairs, Source, Spread, check_seeds
from latty.directions.training.trainer import Judged, Plan, Trainer, seeded, tag_of, train
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import Layers

WALKED = 64  # latents that sigma, bend and gap are measured on


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> WarpedPath:
    """Path `index` of a set; arrays support (K, 2D, d), alphas (K, 2D), loggamma (K,).

    Raises BadData for arrays that are no paths.
    """
    support, alphas, loggamma = (tensors.get(n) for n in ("support", "alphas", "loggamma"))
    if support is None or alphas is None or loggamma is None or support.ndim != 3:
        raise BadData("a set of paths needs support (K, 2D, d), alphas (K, 2D) and loggamma (K,)")
    count = len(header.infos)
    shapes = (tuple(support.shape[:2]), tuple(alphas.shape), loggamma.numel())
    if shapes != ((count, support.shape[1]), (count, support.shape[1]), count):
        raise BadData(f"support {tuple(support.shape)} does not fit {count} paths or alphas")
    if header.space not in ("z", "w"):
        raise BadData(f"paths run in z or w, not in {header.space}")
    info, gamma = header.infos[index], loggamma.reshape(-1)[index].exp()
    space = cast(Literal["z", "w"], header.space)
    return WarpedPath(
        info.name, space, info.layers, support[index], alphas[index], gamma, info.sigma
    )


class Warped:
    """Paths that a network can tell apart.

    paths            how many (K)
    dipoles          pairs of support vectors of each path (D)
    learn_alphas     train the weights of support vectors, too
    learn_gammas     train the widths, too
    gamma            first 1 / width^2 of all functions; none = 1 / latent width
    min_shift        shortest step in training, in the latents' standard deviation
    max_shift        longest step
    reconstructor    the network that tells paths apart
    support_rate     learning rate of the support vectors
    shape_rate       learning rate of the weights and widths
    reconstructor_rate  learning rate of the network
    iterations       training steps
    batch            pairs of pictures in a training step
    lambda_cls       weight of telling which path
    lambda_reg       weight of telling how far
    size             height in px of the pictures that the network sees
    space            "z", "w" or "auto": where the model's directions act best
    layers           layers that are moved, in w: "all" or "4-8"
    truncation       latents stay within it in training; none = as sampled
    label            the class to draw, where there are classes; none = any
    classes          draw these classes only
    probes           held-out samples that judge each path
    seed             first of the sampled seeds
    """

    form = "warped"

    def __init__(
        self,
        paths: int = 24,
        dipoles: int = 32,
        learn_alphas: bool = False,
        learn_gammas: bool = True,
        gamma: float | None = None,
        min_shift: float = 0.5,
        max_shift: float = 2.0,
        reconstructor: Literal["lenet", "resnet"] = "resnet",
        support_rate: float = 1e-2,
        shape_rate: float = 1e-2,
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
        self.paths, self.dipoles, self.gamma = paths, dipoles, gamma
        self.learn_alphas, self.learn_gammas = learn_alphas, learn_gammas
        self.min_shift, self.max_shift, self.reconstructor = min_shift, max_shift, reconstructor
        self.support_rate, self.shape_rate = support_rate, shape_rate
        self.reconstructor_rate = reconstructor_rate
        self.iterations, self.batch, self.size = iterations, batch, size
        self.lambda_cls, self.lambda_reg = lambda_cls, lambda_reg
        self.space, self.layers, self.truncation = space, layers, truncation
        self.label, self.classes, self.probes, self.seed = label, classes, probes, seed

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
        shifter = seeded(self.seed, lambda: self._shifter(spread))
        tag = tag_of("warped", plan.state, source, self._shape(), generator.info.digest)
        shapes = [shifter.warps.alphas, shifter.warps.loggamma]
        trainer = Trainer(pairs, shifter, spread.unit, plan, tag, shapes)
        judged, self.complete_ = train(trainer, report, work)
        self.space_, self.seeds_ = pairs.space, f"{self.seed}-{self.seed + plan.used - 1}"
        self.extra_ = shifter.stored()
        with torch.no_grad():
            self._describe(pairs, spread, judged)
        return self

    def _plan(self) -> Plan:
        return Plan(
            count=self.paths,
            low=self.min_shift,
            high=self.max_shift,
            iterations=self.iterations,
            batch=self.batch,
            reconstructor=self.reconstructor,
            shift_rate=self.support_rate,
            reconstructor_rate=self.reconstructor_rate,
            cls=self.lambda_cls,
            reg=self.lambda_reg,
            seed=self.seed,
            probes=self.probes,
            shape_rate=self.shape_rate,
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

    def _shape(self) -> tuple[object, ...]:
        return self.dipoles, self.learn_alphas, self.learn_gammas, self.gamma

    def _shifter(self, spread: Spread) -> "_Standard":
        if self.dipoles < 1 or (self.gamma is not None and self.gamma <= 0):
            raise BadData(f"{self.dipoles} dipoles of gamma {self.gamma}: both must be above 0")
        warps = rbf.Warps(self.paths, self.dipoles, len(spread.mean), self.gamma)
        warps.alphas.requires_grad_(self.learn_alphas)
        warps.loggamma.requires_grad_(self.learn_gammas)
        return _Standard(warps, spread)

    def _describe(self, pairs: Pairs, spread: Spread, judged: Judged) -> None:
        starts = pairs.draw(range(WALKED)).latents.cpu()
        layers = Layers.parse(self.layers)
        infos = []
        for k in range(self.paths):
            name, arrays = f"p{k}", [self.extra_[n][k] for n in ("support", "alphas", "loggamma")]
            unit = rbf.direction(starts, arrays[0], arrays[1], arrays[2].exp())
            along = ((unit @ spread.covariance) * unit).sum(1)
            sigma = float(along.mean().clamp_min(1e-12).sqrt())
            space: Literal["z", "w"] = "z" if pairs.space == "z" else "w"
            path = WarpedPath(name, space, layers, arrays[0], arrays[1], arrays[2].exp(), sigma)
            far, scores = RANGES[0], judged.scores(k)
            if self.complete_:  # an interruption is not kept waiting
                far, scores["bend"], scores["gap"] = reach(path, starts)
            rounded = tuple((key, round(value, 4)) for key, value in scores.items())
            infos.append(Info(name, sigma, (-far, far), layers, rounded))
        self.infos_: tuple[Info, ...] = tuple(infos)


class _Standard(nn.Module):
    """Warps over latents brought to mean 0 and deviation 1, where the paper's radii make sense."""

    def __init__(self, warps: rbf.Warps, spread: Spread) -> None:
        super().__init__()
        self.warps = warps
        self.register_buffer("mean", spread.mean)
        self.unit = spread.unit

    def forward(self, latents: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        standard = (latents - self.get_buffer("mean")) / self.unit
        shifts: Tensor = self.warps(standard, index, magnitude)
        return shifts

    def stored(self) -> dict[str, Tensor]:
        """The same functions over latents as they are: the arrays of the file."""
        warps, mean = self.warps, self.get_buffer("mean")
        arrays = {
            "support": warps.support * self.unit + mean,
            "alphas": warps.alphas,
            "loggamma": warps.loggamma - 2 * torch.tensor(self.unit).log().item(),
        }
        return {name: tensor.detach().cpu() for name, tensor in arrays.items()}


METHOD = Warped
