"""Which estimator finds the components: what fits in the memory allowed, or what was asked for."""

from dataclasses import replace
from functools import partial

from latty.directions.methods.ganspace.pca import Estimator
from latty.directions.methods.ganspace.plan import (
    MEGABYTE,
    FitPlan,
    dual,
    exact,
    fits_dual,
    fits_exactly,
    sketch,
)
from latty.directions.methods.ganspace.scikit import HeldRows, Randomised, ica, sparse
from latty.errors import BadData


def choose(name: str, plan: FitPlan) -> Estimator:
    """An estimator by name; "auto" takes the exact covariance where it is cheap, inner products of
    rows where they are few, and a sketch for the rest. Raises BadData where it does not fit in the
    memory allowed."""
    if name == "auto":
        name = "exact" if fits_exactly(plan) else "dual" if fits_dual(plan) else "sketch"
    if name == "exact":
        return exact(plan)
    if name == "dual":
        return dual(plan)
    if name == "sketch":
        return sketch(plan)
    if name == "sparse":
        base = choose("auto", replace(plan, components=3 * plan.components))
        base.eager, base.finisher = False, partial(sparse, base, plan)
        return base
    if name not in ("randomised", "ica"):
        raise BadData(f"there is no estimator '{name}'", "see: latty discover ganspace --help")
    held = replace(plan, samples=_held_rows(plan))
    if name == "randomised":
        return Randomised(held)
    rows = HeldRows(held)
    rows.finisher = partial(ica, rows)
    return rows


def _held_rows(plan: FitPlan) -> int:
    """As many rows as half the memory holds; the other half is for the work on them."""
    rows = min(plan.samples, plan.memory // 2 // (plan.row + 32 * plan.components))
    if rows < min(plan.samples, 2 * plan.components):
        needed = 2 * 2 * plan.components * plan.row // MEGABYTE + 1
        raise BadData(
            f"only {rows} rows of {plan.width} dimensions fit in {plan.memory // MEGABYTE} MB",
            f"allow {needed} MB of memory, or take estimator sketch",
        )
    return rows
