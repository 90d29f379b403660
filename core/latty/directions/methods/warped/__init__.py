"""WarpedGANSpace: curved paths along the gradients of radial basis functions.

Tzelepis, Tzimiropoulos, Patras 2021, "WarpedGANSpace: Finding non-linear RBF paths in GAN latent
space" (arXiv 2109.13357). The functions of `rbf` are trained, together with a network that must
tell the paths apart by their pictures. Three things differ from the original: signs of shifts are
drawn without a bias, lengths are in the latents' standard deviation, and a path is followed by a
method of fourth order, so that there and back again ends where it began.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from latty.directions.base import Info, rounded
from latty.directions.file import DirectionSet
from latty.directions.methods.warped import rbf
from latty.directions.methods.warped.paths import RANGES, WarpedPath, reach
from latty.directions.training.method import LearnedMethod
from latty.directions.training.pairs import Pairs, Spread
from latty.directions.training.parameters import QUICK
from latty.directions.training.trainer import Judged
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import Layers

FINDS = "curved ways that a network learns to tell apart"
NEEDS = "training"
ORDER = 80
COST = {"gradient": ("iterations", "batch", 2)}
FORM = ("paths", "iterations", "size")  # of the parameters, what is asked first

ROWS = ("support", "alphas", "loggamma")  # arrays that have a row for each path
WALKED = 64  # latents that sigma, bend and gap are measured on


def direction(header: DirectionSet, index: int, tensors: Mapping[str, Tensor]) -> WarpedPath:
    """Path `index` of a set; arrays support (K, 2D, d), alphas (K, 2D), loggamma (K,).

    Raises BadData for arrays that are no paths.
    """
    support, alphas, loggamma = (tensors.get(name) for name in ROWS)
    if support is None or alphas is None or loggamma is None or support.ndim != 3:
        raise BadData("a set of paths needs support (K, 2D, d), alphas (K, 2D) and loggamma (K,)")
    count = len(header.infos)
    shapes = (tuple(support.shape[:2]), tuple(alphas.shape), loggamma.numel())
    if shapes != ((count, support.shape[1]), (count, support.shape[1]), count):
        raise BadData(f"support {tuple(support.shape)} does not fit {count} paths or alphas")
    info, gamma = header.infos[index], loggamma.reshape(-1)[index].exp()
    space = header.latent_space("paths")
    return WarpedPath(
        info.name, space, info.layers, support[index], alphas[index], gamma, info.sigma
    )


@dataclass(kw_only=True)
class Warped(LearnedMethod["WhitenedWarps"]):
    """Paths that a network can tell apart."""

    paths: int = 24  # how many (K)
    dipoles: int = 32  # pairs of support vectors of each path (D)
    learn_alphas: bool = False  # train the weights of support vectors, too
    learn_gammas: bool = True  # train the widths, too
    gamma: float | None = None  # first 1 / width^2 of all functions; none = 1 / latent width
    support_rate: float = 1e-2  # learning rate of the support vectors
    shape_rate: float = 1e-2  # learning rate of the weights and widths

    form: ClassVar[str] = "warped"

    @property
    def count(self) -> int:
        return self.paths

    @property
    def letter(self) -> str:
        return "p"

    def rates(self, shifter: nn.Module) -> Sequence[tuple[Iterable[nn.Parameter], float]]:
        assert isinstance(shifter, WhitenedWarps)
        warps = shifter.warps
        return [
            ([warps.support], self.support_rate),
            ([warps.alphas, warps.loggamma], self.shape_rate),
        ]

    def shifter(self, spread: Spread) -> "WhitenedWarps":
        """Raises BadData for less than one dipole and a width that is none."""
        if self.dipoles < 1 or (self.gamma is not None and self.gamma <= 0):
            raise BadData(f"{self.dipoles} dipoles of gamma {self.gamma}: both must be above 0")
        warps = rbf.Warps(self.paths, self.dipoles, len(spread.mean), self.gamma)
        warps.alphas.requires_grad_(self.learn_alphas)
        warps.loggamma.requires_grad_(self.learn_gammas)
        return WhitenedWarps(warps, spread)

    def describe(
        self, shifter: "WhitenedWarps", pairs: Pairs, spread: Spread, judged: Judged
    ) -> tuple[Info, ...]:
        self.extra_ = shifter.stored()
        starts = pairs.draw(range(WALKED)).latents.cpu()
        layers = Layers.parse(self.layers)
        space: Literal["z", "w"] = "z" if pairs.space == "z" else "w"
        infos = []
        for k in range(self.paths):
            name, arrays = f"{self.letter}{k}", [self.extra_[n][k] for n in ROWS]
            unit = rbf.direction(starts, arrays[0], arrays[1], arrays[2].exp())
            along = ((unit @ spread.covariance) * unit).sum(1)
            sigma = float(along.mean().clamp_min(1e-12).sqrt())
            path = WarpedPath(name, space, layers, arrays[0], arrays[1], arrays[2].exp(), sigma)
            far, scores = RANGES[0], judged.scores(k)
            if self.complete_:  # an interruption is not kept waiting
                far, scores["bend"], scores["gap"] = reach(path, starts)
            infos.append(Info(name, sigma, (-far, far), layers, rounded(scores)))
        return tuple(infos)


def turned(arrays: dict[str, Tensor], index: int) -> None:
    """Downhill instead of uphill: minus the weights (2D,)."""
    arrays["alphas"][index] *= -1


class WhitenedWarps(nn.Module):
    """Warps over latents brought to mean 0 and deviation 1, where the paper's radii make sense."""

    def __init__(self, warps: rbf.Warps, spread: Spread) -> None:
        super().__init__()
        self.warps = warps
        self.register_buffer("mean", spread.mean)
        self.unit = spread.unit

    def forward(self, latents: Tensor, index: Tensor, magnitude: Tensor) -> Tensor:
        """Shifts (N, d) of latents (N, d), as `Warps` has them."""
        standard = (latents - self.get_buffer("mean")) / self.unit
        shifts: Tensor = self.warps(standard, index, magnitude)
        return shifts

    def stored(self) -> dict[str, Tensor]:
        """The same functions over latents as they are: the file's arrays (K, 2D, d), (K, 2D),
        (K,)."""
        warps, mean = self.warps, self.get_buffer("mean")
        arrays = {
            "support": warps.support * self.unit + mean,
            "alphas": warps.alphas,
            "loggamma": warps.loggamma - 2 * torch.tensor(self.unit).log().item(),
        }
        return {name: tensor.detach().cpu() for name, tensor in arrays.items()}


def quick(generator: Generator) -> dict[str, Any]:
    """Three short steps."""
    return {**QUICK, "paths": 3, "dipoles": 2}


METHOD = Warped
