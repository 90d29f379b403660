"""Curves that never fall: piecewise linear, fitted to differences, and turned around.

g(a) = sum over pieces of slope * (how much of the piece lies below a), slopes >= 0, as the lattice
layer of Plumerault et al. (arXiv:2001.10238, section 2.3). The fit is a non-negative least-squares
problem with a unique solution, found by an active-set method (Lawson & Hanson 1974): no optimiser,
no random start. Everything in float64.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

ROUNDS = 6  # of reweighting
OUTLIER = 3.0  # median residuals at which a row counts half
FLAT = 0.02  # of the whole rise: the last bit of a curve that levels off leads far for nothing


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Values (M,) at rising knots (M,), straight between them and constant beyond."""

    knots: Tensor
    values: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """g at x (any shape)."""
        return self.values[0].to(x.device) + _ramps(x, self.knots.to(x)) @ self.slopes.to(x)

    @property
    def slopes(self) -> Tensor:
        """Of each piece, (M,)."""
        return self.values.diff() / self.knots.diff()

    def moved(self, x: Tensor, amount: Tensor) -> Tensor:
        """Where g is by `amount` more than at x (both (N,)): the nearest such place on the way, or
        the nearest end of the rising part where g does not go that far."""
        knots, values = self.knots.to(x.device).double(), self.values.to(x.device).double()
        goal = self(x.double()) + amount.double()
        up = torch.maximum(x.double(), _first_at(knots, values, goal))
        down = torch.minimum(x.double(), -_first_at(-knots.flip(0), -values.flip(0), -goal))
        moved = torch.where(amount > 0, up, torch.where(amount < 0, down, x.double()))
        return moved.to(x.dtype)


def _first_at(knots: Tensor, values: Tensor, goal: Tensor) -> Tensor:
    """The lowest place where the rising curve reaches `goal`, or its highest value."""
    rise = values[-1] - values[0]
    top = values[-1] - FLAT * rise  # (see FLAT)
    goal = goal.clamp(max=top).clamp(min=values[0])
    right = torch.searchsorted(values.contiguous(), goal.contiguous()).clamp(1, len(knots) - 1)
    low, high = values[right - 1], values[right]
    share = (goal - low) / (high - low).clamp_min(1e-30)
    return knots[right - 1] + share.clamp(0, 1) * (knots[right] - knots[right - 1])


def _ramps(x: Tensor, knots: Tensor) -> Tensor:
    """How much of each piece lies below x: (..., M - 1)."""
    return (x[..., None] - knots[:-1]).clamp_min(0).minimum(knots.diff())


def fitted(
    start: Tensor, stop: Tensor, amounts: Tensor, knots: Tensor, smooth: float = 1.0
) -> Curve:
    """The curve with g(stop) - g(start) = amounts (all (P,)) in the least-squares sense, rows far
    off counting less, and slopes of neighbouring pieces alike (`smooth`); g is 0 in the middle."""
    start, stop, amounts, knots = (v.cpu().double() for v in (start, stop, amounts, knots))
    features = _ramps(stop, knots) - _ramps(start, knots)  # (P, M - 1)
    count = features.shape[1]
    bend = torch.eye(count).double().diff(dim=0)  # differences of neighbours
    weight = torch.ones_like(amounts)
    slopes = torch.zeros(count).double()
    for _ in range(ROUNDS):
        gram = (features * weight[:, None]).T @ features / len(amounts)
        size = gram.diagonal().mean()
        gram = gram + smooth * size * bend.T @ bend + 1e-6 * size * torch.eye(count).double()
        slopes = nonnegative(gram, features.T @ (weight * amounts) / len(amounts))
        residual = (features @ slopes - amounts).abs()
        scale = OUTLIER * residual.median().clamp_min(1e-12)
        weight = 1 / (1 + (residual / scale).square())
    values = torch.cat([torch.zeros(1).double(), (slopes * knots.diff()).cumsum(0)])
    curve = Curve(knots, values)
    return Curve(knots, values - curve((knots[0] + knots[-1]) / 2))


def nonnegative(gram: Tensor, right: Tensor) -> Tensor:
    """The s >= 0 (M,) with the least s gram s / 2 - right s; gram (M, M) positive definite."""
    from scipy.optimize import nnls  # comes with scikit-learn

    lower = torch.linalg.cholesky(gram)  # s gram s / 2 - right s = |lower^T s - goal|^2 / 2 + const
    goal = torch.linalg.solve_triangular(lower, right[:, None], upper=False)[:, 0]
    most = 100 * len(goal)  # exchanges: it ends by itself, and 3 a number, the default, may be few
    return torch.from_numpy(nnls(lower.T.numpy(), goal.numpy(), maxiter=most)[0])


def joint(
    before: Tensor, after: Tensor, amounts: Tensor, ridge: float, rounds: int, pieces: int
) -> tuple[Tensor, Curve]:
    """The unit direction u (R,) and the curve g with g(<u, after>) - g(<u, before>) = amounts (P,),
    of coordinates (P, R) with a spread of 1.

    In turns: g given u, and u given the secant slope of g over each row. `ridge`, in mean squared
    way, draws u to the mean way of the rows: the rows are few, and what else changed on one
    trajectory must not be fitted.
    """
    before, after, amounts = (v.cpu().double() for v in (before, after, amounts))
    way = after - before
    eye = torch.eye(way.shape[1]).double()
    secant = torch.ones_like(amounts)
    direction, curve = eye[0], None
    for _ in range(rounds):
        features = way * secant[:, None]
        gram = features.T @ features / len(way)
        damped = gram + ridge * gram.diagonal().mean().clamp_min(1e-30) * eye
        direction = torch.linalg.solve(damped, features.T @ amounts)
        direction = direction / direction.norm().clamp_min(1e-30)
        start, stop = before @ direction, after @ direction
        low, high = torch.cat([start, stop]).aminmax()
        knots = torch.linspace(float(low), max(float(high), float(low) + 1e-3), pieces + 1)
        curve = fitted(start, stop, amounts, knots)
        apart = (stop - start).abs() > 1e-3
        ratio = (curve(stop) - curve(start)) / torch.where(apart, stop - start, 1.0)
        secant = torch.where(apart, ratio, 0.0)
        secant = secant / secant.abs().mean().clamp_min(1e-30)
    assert curve is not None
    return direction, curve
