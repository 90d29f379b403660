"""TL-GAN: least squares of many attribute scores on latents gives one direction per attribute.

Guan 2018, "Transparent Latent-space GAN". Scores y of pictures of random latents x are regressed as
link(y) ~ B^T x + c; the columns of B are the directions. Three things are added to the original:
each attribute takes the link that explains it best, a direction may be the one that moves its
attribute alone (a column of the pseudo-inverse of B^T, in the place of Gram-Schmidt, whose result
depends on the order), and it acts in the layers where it moves its attribute and little else.
Whatever has alternatives is decided by measuring a walk from seeds that were not fitted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor

from core.attributes import attribute_names, scores_of
from core.directions._base import Info
from core.directions._linear import LinearDirection
from core.directions._normal import NormalEquations
from core.directions._traverse import Figures, class_labels, figures, mean_figures, traverse
from core.errors import BadData
from core.models._base import Generator
from core.report import Report, silent
from core.scene import ALL, Layers

PILOT = 512  # samples that show the range of each attribute before the links are applied
CLIP = 0.995  # TL-GAN's own: arctanh(+-0.995) = +-3
TRUNCATIONS = (0.8, 1.0)
KNOWN = 0.1  # an attribute with a lower R2 tells nothing about what to hold still

LINKS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda u: u,
    "tanh": lambda u: u.clamp(-CLIP, CLIP).atanh(),
    "probit": lambda u: u.clamp(-CLIP, CLIP).erfinv(),
}


@dataclass(frozen=True, slots=True)
class _Model:
    """The regression: slopes (D, A), r2 (A,), link of each attribute, covariance of x (D, D), and
    the middle of the range and the standard deviation of each attribute (A,)."""

    slopes: Tensor
    r2: Tensor
    links: tuple[str, ...]
    covariance: Tensor
    middle: Tensor
    spread: Tensor


class TLGAN:
    """Least-squares directions of attributes.

    samples  latents that are scored
    batch    pictures drawn at once
    ridge    share of the mean variance added to each, against attributes no latent explains
    scorer   judges pictures of generators that do not know their own factors
    names    attributes to keep, empty = all
    label    the class to draw, where there are classes
    seed     first of the sampled seeds
    vector   "best", or one of regression, covariance, alone, alone_covariance
    layers   "best" or "all"
    minimum  directions that follow their attribute with a lower mean correlation are dropped
    probes   held-out seeds for choices; the final figures take twice as many
    span     strengths -span..span are measured
    """

    def __init__(
        self,
        samples: int = 20_000,
        batch: int = 100,
        ridge: float = 1e-4,
        scorer: str = "factors",
        names: tuple[str, ...] = (),
        vector: str = "best",
        layers: Literal["best", "all"] = "best",
        minimum: float = 0.0,
        probes: int = 8,
        span: float = 3.0,
        label: int | None = None,
        seed: int = 100_000,
    ) -> None:
        self.samples, self.batch, self.ridge, self.scorer = samples, batch, ridge, scorer
        self.names, self.vector, self.layers, self.minimum = names, vector, layers, minimum
        self.probes, self.span, self.label, self.seed = probes, span, label, seed

    def missing(self, generator: Generator) -> str:
        """Nothing is asked of the generator itself."""
        return ""

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Sample, regress, choose, measure. Raises BadData for too few samples or names unknown."""
        if self.samples < 2 * PILOT:
            raise BadData(f"{self.samples} samples are too few", f"take at least {2 * PILOT}")
        known = attribute_names(generator, self.scorer)
        for name in self.names:
            if name not in known:
                raise BadData(f"no attribute '{name}'", f"there is: {', '.join(known)}")
        self.space_: str = generator.info.space
        self.complete_ = True
        self.seeds_ = f"{self.seed}-{self.seed + self.samples - 1}"
        self.model_ = self._regress(generator, report)
        wanted = [i for i, name in enumerate(known) if not self.names or name in self.names]
        found = []
        for done, index in enumerate(wanted):
            found.append(self._measured(known[index], index, generator))
            report(done + 1, len(wanted), "directions")
        kept = [entry for entry in found if entry[1].corr >= self.minimum]
        self.dropped_ = tuple((w.name, f.corr) for w, f, _ in found if f.corr < self.minimum)
        self.infos_ = tuple(self._info(*entry) for entry in kept)
        vectors = [direction.vector for direction, _, _ in kept]
        self.directions_ = torch.stack(vectors) if kept else torch.zeros(0, 0)
        return self

    # --- regression ---------------------------------------------------------------------------

    def _latents(self, z: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Codes (N, L, D) of z, and what the attributes are regressed on (N, D or Z)."""
        codes = generator.mapping(z, class_labels(self.label, z))
        return codes, z if self.space_ == "z" else codes[:, 0]

    def _score(self, generator: Generator) -> Callable[[Tensor], Tensor]:
        def score(codes: Tensor) -> Tensor:
            scores = [
                scores_of(generator, part, class_labels(self.label, part), self.scorer)[1]
                for part in torch.split(codes, self.batch)
            ]
            return torch.cat(scores)

        return score

    def _regress(self, generator: Generator, report: Report) -> _Model:
        score, sums, plain, scale = self._score(generator), None, None, None
        starts = [*range(0, self.samples, PILOT), self.samples]
        for start, stop in pairwise(starts):
            z = generator.sample(range(self.seed + start, self.seed + stop))
            codes, x = self._latents(z, generator)
            y = score(codes).cpu().double()
            if scale is None or sums is None or plain is None:
                low, high = y.quantile(0.01, 0), y.quantile(0.99, 0)
                scale = (low + high) / 2, ((high - low) / 2).clamp_min(1e-9)
                sums = NormalEquations(x.shape[1], y.shape[1] * len(LINKS))
                plain = NormalEquations(x.shape[1], y.shape[1])
            unit = (y - scale[0]) / scale[1]
            sums.add(x, torch.cat([link(unit) for link in LINKS.values()], 1))
            plain.add(x, y)
            report(stop, self.samples, "samples")
        assert sums is not None and plain is not None and scale is not None
        fit = sums.solve(self.ridge)
        count = len(plain.y)
        r2, best = fit.r2.view(len(LINKS), count).max(0)
        columns = best * count + torch.arange(count)
        links = tuple(list(LINKS)[int(i)] for i in best)
        return _Model(fit.slopes[:, columns], r2, links, sums.covariance, scale[0], plain.spread)

    # --- candidates ---------------------------------------------------------------------------

    def _candidates(self, index: int) -> dict[str, Tensor]:
        """Vectors (D,) that raise attribute `index`, by name of their form."""
        model = self.model_
        slopes = model.slopes / model.slopes.norm(dim=0).clamp_min(1e-12)
        cov = model.covariance
        known = model.r2 > KNOWN
        known[index] = True
        place = int(known[: index + 1].sum()) - 1
        forms = {"regression": slopes[:, index], "covariance": cov @ slopes[:, index]}
        forms["alone"] = _alone(slopes[:, known], slopes[:, known], place)
        forms["alone_covariance"] = _alone(slopes[:, known], cov @ slopes[:, known], place)
        if self.vector == "best":
            return forms
        if self.vector not in forms:
            raise BadData(f"no form '{self.vector}'", f"there is: best, {', '.join(forms)}")
        return {self.vector: forms[self.vector]}

    def _direction(self, name: str, vector: Tensor, layers: Layers) -> LinearDirection:
        """Of unit length; sigma = standard deviation of the samples along it."""
        unit = vector / vector.norm().clamp_min(1e-12)
        sigma = math.sqrt(max(float(unit @ self.model_.covariance @ unit), 1e-12))
        space: Literal["z", "w"] = "z" if self.space_ == "z" else "w"
        return LinearDirection(name, space, layers, unit.float(), sigma)

    def _measured(
        self, name: str, index: int, generator: Generator
    ) -> tuple[LinearDirection, Figures, int]:
        """The best direction for one attribute, and its figures from seeds it never saw."""
        after = self.seed + self.samples
        z = generator.sample(range(after, after + self.probes))
        walks = [self._direction(name, v, ALL) for v in self._candidates(index).values()]
        best = self._best(walks, index, z, generator)
        if self.layers == "best" and self.space_ == "w":
            best = self._best(
                [*self._narrowed(best, index, z, generator), best], index, z, generator
            )
        after += self.probes
        z = generator.sample(range(after, after + 2 * self.probes))
        each = [self._figures(best, index, z, 7, psi, generator) for psi in TRUNCATIONS]
        return best, mean_figures(each), index

    def _best(
        self, walks: Sequence[LinearDirection], index: int, z: Tensor, generator: Generator
    ) -> LinearDirection:
        """Highest quality, the first of equals, among those that move the attribute at least 0.7
        of the most."""
        if len(walks) == 1:
            return walks[0]
        found = [self._figures(walk, index, z, 5, 1.0, generator) for walk in walks]
        most = max(f.moved for f in found)
        strong = [i for i, f in enumerate(found) if f.moved >= 0.7 * most]
        return walks[max(strong, key=lambda i: round(found[i].quality, 2))]

    def _figures(
        self,
        direction: LinearDirection,
        index: int,
        z: Tensor,
        steps: int,
        truncation: float,
        generator: Generator,
    ) -> Figures:
        strengths = torch.linspace(-self.span, self.span, steps).tolist()
        scores = traverse(
            direction, z, strengths, generator, self._score(generator), truncation, self.label
        )
        return figures(strengths, scores, index, self.model_.middle, self.model_.spread)

    def _narrowed(
        self, direction: LinearDirection, index: int, z: Tensor, generator: Generator
    ) -> list[LinearDirection]:
        """The same direction in the layer range that should move the attribute most purely.

        What each layer does alone is measured; ranges are judged by the sum of their layers, and
        the winner is measured again by the caller. Of equals the narrowest is taken: it leaves more
        of the picture alone.
        """
        count, ends, score = generator.info.num_layers, (-2.0, 2.0), self._score(generator)
        effects = []
        for layer in range(count):
            single = Layers(layer, layer + 1)
            scores = (
                traverse(direction, z, ends, generator, score, 1.0, self.label, single)
                .cpu()
                .double()
            )
            effects.append(
                (scores[:, 1] - scores[:, 0]).mean(0) / self.model_.spread.clamp_min(1e-9)
            )
        ranges = [(a, b) for a in range(count) for b in range(a + 1, count + 1)]
        sums = {r: torch.stack(effects[slice(*r)]).sum(0) for r in ranges}
        most = max(float(total[index]) for total in sums.values())
        strong = [r for r in ranges if float(sums[r][index]) >= 0.8 * most > 0]
        if not strong:
            return []

        def purity(r: tuple[int, int]) -> float:
            return float(sums[r][index] / sums[r].norm().clamp_min(1e-9))

        start, stop = max(strong, key=lambda r: (round(purity(r), 2), r[0] - r[1]))
        layers = Layers(start, None if stop == count > start + 1 else stop)
        return [
            LinearDirection(
                direction.name, direction.space, layers, direction.vector, direction.sigma
            )
        ]

    def _info(self, direction: LinearDirection, found: Figures, index: int) -> Info:
        scores = {
            "corr": found.corr,
            "monotone": found.monotone,
            "leakage": found.leakage,
            "drift": found.drift,
            "effect": found.effect,
            "effect_sd": found.moved,
            "crossed": found.crossed,
            "r2": float(self.model_.r2[index]),
        }
        rounded = tuple((key, round(value, 4)) for key, value in scores.items())
        usable = (round(found.low, 1), round(found.high, 1))
        return Info(direction.name, direction.sigma, usable, direction.layers, rounded)


def _alone(slopes: Tensor, spanning: Tensor, place: int) -> Tensor:
    """The vector v in the span of `spanning` (D, A) with slopes^T v = the unit vector at `place`:
    for spanning = slopes a column of the pseudo-inverse, the shortest vector that moves one
    attribute and no other. A small ridge keeps attributes that cannot be told apart finite."""
    gram = slopes.T @ spanning
    damping = 1e-2 * gram.diagonal().mean() * torch.eye(len(gram)).double()
    weights: Tensor = torch.linalg.solve(gram + damping, torch.eye(len(gram)).double()[place])
    return spanning @ weights


METHOD = TLGAN
