"""The linear support vector machine, solved in the primal by Newton steps.

Minimises |w|^2 / 2 + C sum_i max(0, 1 - y_i (w x_i + b)), b free, like scikit-learn's
SVC(kernel="linear", C=C), by an augmented Lagrangian: with multipliers m_i in [0, C] of the samples
and a stiffness s, the hinge's subgradient becomes clip(m_i + s (1 - y_i (w x_i + b)), 0, C), which
is smooth enough for Newton (Chapelle 2007, "Training a support vector machine in the primal", for
the semi-smooth step; Rockafellar 1976 for the multipliers). Only samples that are not clipped enter
the Hessian: I + s A_I^T A_I, D x D, or by Woodbury's identity |I| x |I| where that is smaller. A
step costs n D besides; libsvm's grows with n^2 D.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from latty.directions.moments import gram
from latty.errors import BadData

START, GROW = 0.1, 2.0  # stiffness in units of C: at the start no sample is clipped
INNER = 0.1  # a stage ends when its gradient has shrunk to this share
GAP = 0.005  # relative duality gap; normals were then within a cosine of 0.999 of SVC's
STAGES, STEPS = 24, 30
FREE = 1e-6  # the intercept is not regularised; 0 would make the Hessian singular


@dataclass(frozen=True, slots=True)
class Boundary:
    """x is positive where x @ normal + intercept > 0; normal (D,) float32 of unit length.

    margin  distance of the support vectors from the boundary, in units of x
    gap     how far the objective can be above its minimum, as a share of it
    """

    normal: Tensor
    intercept: float
    margin: float
    gap: float


def boundary(x: Tensor, positive: Tensor, cost: float = 1.0) -> Boundary:
    """Separates the rows of x (n, D) where `positive` (n,) from the others.

    Raises BadData where one side is empty, or nothing tells the sides apart.
    """
    count = int(positive.sum())
    if count in (0, len(positive)):
        raise BadData("one side of the boundary has no samples", "take more samples")
    x, y = x.detach().cpu().float(), torch.where(positive.cpu(), 1.0, -1.0)
    mean = x.mean(0)
    rows = torch.cat([x - mean, torch.ones(len(x), 1)], 1) * y[:, None]
    weights, gap = _solve(rows, cost)
    length = float(weights[:-1].norm())
    if not length > 0:
        raise BadData("nothing tells the two sides of the boundary apart", "take more samples")
    normal = weights[:-1] / length
    intercept = float(weights[-1]) / length - float(mean.double() @ normal)
    return Boundary(normal.float(), intercept, 1 / length, gap)


def _solve(rows: Tensor, cost: float) -> tuple[Tensor, float]:
    """Weights (D + 1,) float64 of rows y_i (x_i, 1), and the relative gap; the best stage's."""
    state = _State(rows, cost)
    best, objective, gap = state.weights, float("inf"), float("inf")
    for _ in range(STAGES):
        converged = state.stage()
        primal, dual = state.objectives()
        if primal < objective:
            best, objective, gap = state.weights, primal, (primal - dual) / max(primal, 1e-30)
        if gap <= GAP:
            break
        state.advance(converged)
    return best, gap


class _State:
    """Weights, margins and multipliers while they are improved. rows (n, D + 1) float32."""

    def __init__(self, rows: Tensor, cost: float) -> None:
        self.rows, self.cost, self.stiffness = rows, cost, START * cost
        self.weights = torch.zeros(rows.shape[1]).double()
        self.margins = torch.zeros(len(rows))  # rows @ weights
        self.multipliers = torch.zeros(len(rows))
        self.regular = torch.ones(rows.shape[1]).double()
        self.regular[-1] = FREE

    def stage(self) -> bool:
        """Newton steps at one stiffness; whether the gradient has shrunk enough."""
        first = None
        for _ in range(STEPS):
            pulls = self.multipliers + self.stiffness * (1 - self.margins)
            clipped = pulls.clamp(0, self.cost)
            gradient = self.regular * self.weights - (self.rows.T @ clipped).double()
            size = float(gradient.norm())
            first = size if first is None else first
            if size == 0 or size <= INNER * first < first:
                return True
            inside = (pulls > 0) & (pulls < self.cost)
            self._move(-self._newton(gradient, self.rows[inside]), pulls)
        return False

    def advance(self, converged: bool) -> None:
        """New multipliers, and a stiffer hinge where this stiffness was handled."""
        pulls = self.multipliers + self.stiffness * (1 - self.margins)
        self.multipliers = pulls.clamp(0, self.cost)
        if converged:
            self.stiffness *= GROW

    def objectives(self) -> tuple[float, float]:
        """Primal and dual; the second with the multipliers this stage ends with."""
        weights, slack = self.weights[:-1], 1 - self.margins.double()
        primal = float(weights @ weights) / 2 + self.cost * float(slack.clamp_min(0).sum())
        multipliers = (self.multipliers + self.stiffness * (1 - self.margins)).clamp(0, self.cost)
        dual = (self.rows.T @ multipliers)[:-1].double()
        return primal, float(multipliers.double().sum()) - float(dual @ dual) / 2

    def _newton(self, gradient: Tensor, inside: Tensor) -> Tensor:
        """Hessian^-1 @ gradient; inside (I, D + 1) are the rows that are not clipped."""
        if len(inside) >= inside.shape[1]:
            hessian = gram(inside).double() * self.stiffness + self.regular.diag()
            factor = torch.linalg.cholesky(hessian)
            return torch.cholesky_solve(gradient[:, None], factor)[:, 0]
        precise, plain = inside.double(), gradient / self.regular
        last = precise[:, -1]
        kernel = gram(inside[:, :-1].T).double() + torch.outer(last, last) / FREE
        kernel.diagonal().add_(1 / self.stiffness)
        factor = torch.linalg.cholesky(kernel)
        shares = torch.cholesky_solve((precise @ plain)[:, None], factor)[:, 0]
        return plain - (precise.T @ shares) / self.regular

    def _move(self, step: Tensor, pulls: Tensor) -> None:
        """Along `step`, to where the slope is small: it never falls, so bisection finds it."""
        along = self.rows @ step.float()
        linear = float((self.regular * self.weights) @ step)
        square = float((self.regular * step) @ step)

        def slope(way: float) -> float:
            clipped = (pulls - way * self.stiffness * along).clamp(0, self.cost)
            return linear + way * square - float((along * clipped).double().sum())

        start, low, high, way = abs(slope(0.0)), 0.0, None, 1.0
        for _ in range(14):
            found = slope(way)
            if abs(found) <= 0.3 * start:
                break
            low, high = (low, way) if found > 0 else (way, high)
            way = 2 * way if high is None else (low + high) / 2
        self.weights = self.weights + way * step
        self.margins = self.margins + way * along
