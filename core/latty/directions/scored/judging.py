"""Choosing and judging directions of attributes by walks from seeds that were not fitted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latty.directions.base import Info, rounded
from latty.directions.figures import Figures, mean_figures
from latty.directions.linear import LinearDirection
from latty.directions.traverse import figures, scored, traverse
from latty.models.base import Generator
from latty.models.memory import at_once
from latty.scene import Label, Layers

TRUNCATIONS = (0.8, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Walks directions and looks at every attribute on the way; a picture that has no score of an
    attribute counts as the middle of its range.

    middle, spread  middle of the range and standard deviation of each attribute (A,) among samples
    seed            the first that was not fitted
    probes          seeds for choices; the final figures take twice as many, of their own
    span            strengths -span..span are measured
    """

    generator: Generator
    scorer: str
    batch: int
    label: Label
    middle: Tensor
    spread: Tensor
    seed: int
    probes: int
    span: float

    def measured(
        self, walks: Sequence[LinearDirection], index: int, narrow: bool
    ) -> tuple[LinearDirection, Figures]:
        """The best of `walks` for attribute `index`, in its best layers if `narrow`, and figures of
        seeds it never saw."""
        z = self.generator.sample(range(self.seed, self.seed + self.probes))
        best = self._best(walks, index, z)
        if narrow:
            best = self._best([*self._narrowed(best, index, z), best], index, z)
        after = self.seed + self.probes
        z = self.generator.sample(range(after, after + 2 * self.probes))
        each = [self._figures(best, index, z, 7, psi) for psi in TRUNCATIONS]
        return best, mean_figures(each)

    def _score(self) -> Callable[[Tensor], Tensor]:
        drawn = scored(self.generator, self.scorer, self.label)
        together = at_once(self.generator, self.batch)

        def score(codes: Tensor) -> Tensor:
            found = torch.cat([drawn(part) for part in torch.split(codes, together)])
            return torch.where(found.isfinite(), found, self.middle.to(found))

        return score

    def _figures(
        self, direction: LinearDirection, index: int, z: Tensor, steps: int, truncation: float
    ) -> Figures:
        strengths = torch.linspace(-self.span, self.span, steps).tolist()
        scores = traverse(
            direction, z, strengths, self.generator, self._score(), truncation, self.label
        )
        return figures(strengths, scores, index, self.middle, self.spread)

    def _best(self, walks: Sequence[LinearDirection], index: int, z: Tensor) -> LinearDirection:
        """Highest quality, the first of equals, among those that move the attribute at least 0.7
        of the most."""
        if len(walks) == 1:
            return walks[0]
        found = [self._figures(walk, index, z, 5, 1.0) for walk in walks]
        most = max(f.moved for f in found)
        strong = [i for i, f in enumerate(found) if f.moved >= most - 0.3 * abs(most)]
        return walks[max(strong, key=lambda i: round(found[i].quality, 2))]

    def _narrowed(self, direction: LinearDirection, index: int, z: Tensor) -> list[LinearDirection]:
        """The same direction in the layer range that should move the attribute most purely.

        What each layer does alone is measured; ranges are judged by the sum of their layers, and
        the winner is measured again by the caller. Of equals the narrowest is taken: it leaves more
        of the picture alone.
        """
        generator, score = self.generator, self._score()
        count, ends, effects = generator.info.num_layers, (-2.0, 2.0), []
        for layer in range(count):
            single = Layers(layer, layer + 1)
            scores = traverse(direction, z, ends, generator, score, 1.0, self.label, single)
            change = (scores[:, 1] - scores[:, 0]).cpu().double().mean(0)
            effects.append(change / self.spread.clamp_min(1e-9))
        ranges = [(a, b) for a in range(count) for b in range(a + 1, count + 1)]
        sums = {r: torch.stack(effects[slice(*r)]).sum(0) for r in ranges}
        most = max(float(total[index]) for total in sums.values())
        strong = [r for r in ranges if float(sums[r][index]) >= 0.8 * most > 0]
        if not strong:
            return []

        def purity(r: tuple[int, int]) -> float:
            return float(sums[r][index] / sums[r].norm().clamp_min(1e-9))

        start, stop = max(strong, key=lambda r: (round(purity(r), 2), r[0] - r[1]))
        return [
            replace(direction, layers=Layers(start, None if stop == count > start + 1 else stop))
        ]


def info_of(direction: LinearDirection, found: Figures | None, more: Mapping[str, float]) -> Info:
    """Of a direction and its figures, if it was measured, with `more` scores behind them."""
    scores: dict[str, float] = {}
    usable = (-3.0, 3.0)
    if found is not None:
        scores = found.scores() | {"crossed": found.crossed}
        usable = (round(found.low, 1), round(found.high, 1))
    return Info(
        direction.name, direction.sigma, usable, direction.layers, rounded(scores | {**more})
    )
