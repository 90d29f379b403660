"""What an estimator may take: rows, widths, memory; and the streaming estimators that fit."""

from dataclasses import dataclass

import torch

from latty.directions.methods.ganspace.pca import Exact
from latty.directions.methods.ganspace.rows_in_memory import Dual
from latty.directions.methods.ganspace.sketch import Sketch
from latty.errors import BadData

EXACT_WIDTH = 3072  # beyond it the eigenvectors alone take longer than a sketch of many rows
FEW = 3072  # rows whose inner products are decomposed in about two seconds
EXACT_BYTES = 28  # per entry of the covariance: sums, block product, decomposition
MEGABYTE = 1_000_000
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class FitPlan:
    """What is to be found in how much: rows, their width D and that of the latents Q, components,
    rows of the sketch and of its blocks (0 = by itself), bytes, and chance's seed."""

    samples: int
    width: int
    latent: int
    components: int
    sketch: int = 0
    block: int = 0
    memory: int = 6000 * MEGABYTE
    sparsity: float = 1.0
    seed: int = 1
    device: torch.device = CPU

    @property
    def row(self) -> int:
        """Bytes of one row."""
        return 4 * (self.width + self.latent)


def fits_exactly(plan: FitPlan) -> bool:
    """Whether a covariance of all dimensions is cheap enough, in time and in memory."""
    return plan.width + plan.latent <= EXACT_WIDTH and _exact_bytes(plan) <= plan.memory


def fits_dual(plan: FitPlan) -> bool:
    """Whether the rows are few enough for their inner products."""
    return plan.samples <= FEW and _dual_bytes(plan) <= plan.memory


def exact(plan: FitPlan) -> Exact:
    """By the covariance of all dimensions. Raises BadData where memory is short."""
    _check("the covariance", _exact_bytes(plan), plan)
    return Exact(plan.samples, plan.width, plan.latent, plan.device)


def dual(plan: FitPlan) -> Dual:
    """By inner products of rows. Raises BadData where memory is short."""
    _check(f"{plan.samples} rows and their products", _dual_bytes(plan), plan)
    return Dual(plan.samples, plan.width, plan.latent)


def _exact_bytes(plan: FitPlan) -> int:
    return EXACT_BYTES * (plan.width + plan.latent) ** 2


def _dual_bytes(plan: FitPlan) -> int:
    return plan.samples * plan.row + 4 * 8 * plan.samples**2


def _check(what: str, needed: int, plan: FitPlan) -> None:
    if needed > plan.memory:
        short = f"{what} of {plan.width} dimensions needs {needed // MEGABYTE + 1} MB"
        allowed = f"{plan.memory // MEGABYTE} MB are allowed"
        raise BadData(f"{short}, {allowed}", "raise memory, or take estimator sketch")


def sketch(plan: FitPlan) -> Sketch:
    """l = 3 K rows are kept and 2 l merged at a time, which costs the least for each row; less of
    both where memory is short. Raises BadData where it does not even hold K rows."""
    keep = min(plan.sketch or 3 * plan.components, plan.width)
    block = plan.block or 2 * keep
    rows = plan.memory // plan.row - 1
    if keep + block > rows and not (plan.sketch and plan.block):
        keep = plan.sketch or max(rows // 3, min(plan.components, plan.width))
        block = plan.block or max(rows - keep, 16)
    _check(f"a sketch of {keep} + {block} rows", (keep + block + 1) * plan.row, plan)
    split = 2 * keep + max(keep, block) <= rows  # two sketches, to be merged
    return Sketch(plan.samples, plan.width, plan.latent, keep, block, plan.device, split)
