"""Voynov and Babenko's directions: a matrix whose columns a network can tell apart.

Voynov and Babenko 2020, "Unsupervised Discovery of Interpretable Directions in the GAN Latent
Space" (arXiv 2002.03754). A deformator (`deformators`) turns "direction k, this far" into a shift
of the latent; it is trained together with a network that sees both pictures and names k and the
amount. All kinds but "fc" give vectors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latty.directions.base import Info, rounded
from latty.directions.file import LINEAR
from latty.directions.methods.voynov.curves import ROWS, direction, explicit, turned
from latty.directions.methods.voynov.deformators import CurveNetwork, Kind, Matrix, deformator
from latty.directions.training.method import LearnedMethod
from latty.directions.training.pairs import Pairs, Spread
from latty.directions.training.parameters import QUICK, Distribution
from latty.directions.training.trainer import Judged
from latty.models.base import Generator
from latty.scene import Layers

FINDS = "many that a network learns to tell apart"
NEEDS = "training"
ORDER = 70
COST = {"gradient": ("iterations", "batch", 2)}
FORM = ("directions", "iterations", "size")  # of the parameters, what is asked first

__all__ = ["METHOD", "ROWS", "Voynov", "direction", "explicit", "quick", "turned"]


@dataclass(kw_only=True)
class Voynov(LearnedMethod[Matrix | CurveNetwork]):
    """Directions that a network can tell apart."""

    directions: int = 24  # how many (K); may differ from the latent width
    kind: Kind = "ortho"  # of the deformator; random is a baseline
    random_init: bool = True  # start at random; false = direction k starts as axis k
    deformator_rate: float = 1e-2  # learning rate of the deformator
    distribution: Distribution = "uniform"  # of the lengths of shifts
    max_shift: float = 3.0  # longest shift (uniform), or the deviation of shifts (normal)

    @property
    def form(self) -> str:
        """Vectors are what every program can read; only curves need this file to move."""
        return "voynov" if self.kind == "fc" else LINEAR

    @property
    def count(self) -> int:
        return self.directions

    def rates(self, shifter: nn.Module) -> Sequence[tuple[Iterable[nn.Parameter], float]]:
        return [(shifter.parameters(), self.deformator_rate)]

    def shifter(self, spread: Spread) -> Matrix | CurveNetwork:
        return deformator(self.kind, self.directions, len(spread.mean), self.random_init)

    def describe(
        self, shifter: Matrix | CurveNetwork, pairs: Pairs, spread: Spread, judged: Judged
    ) -> tuple[Info, ...]:
        shifter, sigmas = shifter.cpu(), [spread.unit] * self.directions
        if isinstance(shifter, CurveNetwork):
            self.extra_ = {k: v.detach().clone() for k, v in shifter.state_dict().items()}
        else:
            self.directions_, sigmas = _vectors(shifter, spread)
        layers = Layers.parse(self.layers)
        return tuple(
            Info(f"{self.letter}{k}", sigma, layers=layers, scores=rounded(judged.scores(k)))
            for k, sigma in enumerate(sigmas)
        )


def _vectors(matrix: Matrix, spread: Spread) -> tuple[Tensor, list[float]]:
    """Unit vectors (K, d), largest entry positive, and the spread of latents along each."""
    rows = matrix.columns().T.detach().clone()
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    peak = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    rows = rows * torch.where(peak < 0, -1.0, 1.0)
    along = ((rows @ spread.covariance) * rows).sum(1)
    return rows.contiguous(), along.clamp_min(1e-12).sqrt().tolist()


def quick(generator: Generator) -> dict[str, Any]:
    """Three short steps."""
    return {**QUICK, "directions": 4}


METHOD = Voynov
