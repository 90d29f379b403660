"""Voynov and Babenko's directions: a matrix whose columns a network can tell apart.

Voynov and Babenko 2020, "Unsupervised Discovery of Interpretable Directions in the GAN Latent
Space" (arXiv 2002.03754). A deformator (`deformators`) turns "direction k, this far" into a shift
of the latent; it is trained together with a network that sees both pictures and names k and the
amount. All kinds but "fc" give vectors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn

from latty.directions import imported_deformators as imported
from latty.directions import sign as directions_sign
from latty.directions.base import Info
from latty.directions.file import LINEAR, DirectionSet
from latty.directions.methods.voynov.deformators import CurveNetwork, Kind, Matrix, deformator
from latty.directions.training.method import LearnedMethod, rounded
from latty.directions.training.pairs import Pairs, Spread
from latty.directions.training.parameters import QUICK, Distribution
from latty.directions.training.trainer import Judged
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import Layers

if TYPE_CHECKING:
    from latty.models.base import ModelInfo


ROWS = (directions_sign.INPUTS, directions_sign.SIGNS)
turned = directions_sign.turned


@dataclass(frozen=True, slots=True, eq=False)
class CurvedDirection:
    """One direction of the kind "fc": the shift depends on how far, not on where the latent is."""

    name: str
    space: Literal["z", "w"]
    layers: Layers
    curves: CurveNetwork
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
) -> CurvedDirection | imported.Deformed:
    """Curve `index` of a set of the kind "fc"; arrays are the weights of its network.

    Raises BadData for arrays that are no such network, (n, K) and on.
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
    curves = CurveNetwork(count, width, hidden)
    try:
        curves.load_state_dict(directions_sign.without(tensors))
    except RuntimeError as error:
        raise BadData(f"the curves' network: {str(error).splitlines()[-1].strip()}") from None
    info, space = header.infos[index], cast(Literal["z", "w"], header.space)
    which, sign = (
        directions_sign.network_input(tensors, index, count),
        directions_sign.sign(tensors, index),
    )
    return CurvedDirection(info.name, space, info.layers, curves.eval(), which, info.sigma, sign)


def explicit(
    header: DirectionSet, arrays: dict[str, Tensor]
) -> tuple[DirectionSet, dict[str, Tensor]]:
    """A set of curves with its signs (K,), and the inputs (K,) of the network that it holds."""
    count = len(header.infos)
    added = {directions_sign.SIGNS: torch.ones(count)}
    added[directions_sign.INPUTS] = torch.arange(count).float()
    return header, {**added, **arrays}


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
            Info(f"d{k}", sigma, layers=layers, scores=rounded(judged.scores(k)))
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
