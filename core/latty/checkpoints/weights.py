"""Checks that every family needs before it trusts numbers; each refusal names the tensor."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from latty.checkpoints.refusals import Refusal
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

VARIANCES = ("running_var", "running_vars", "stored_var")  # of batch norms, in every layout
OTHER = "this file cannot make true pictures; fetch it again, or ask its author"


def check_numbers(name: str, finite: bool, lowest: float) -> None:
    """Raises Refusal unless a tensor's numbers are finite, and a variance's not below zero."""
    if not finite:
        what = f"tensor '{clean(name)}' holds NaN or infinite numbers"
        raise Refusal("nonfinite", what, OTHER)
    if is_variance(name) and lowest < 0:
        what = f"tensor '{clean(name)}' is a variance and holds negative numbers"
        raise Refusal("negative-variance", what, OTHER)


def is_variance(name: str) -> bool:
    """Whether a tensor of this name holds variances."""
    return name.rpartition(".")[2] in VARIANCES


def check_all(tensors: "Mapping[str, NDArray[Any]]") -> None:
    """Every number of tensors of any shape (...,). Raises Refusal for the first bad tensor."""
    import numpy as np

    for name, array in tensors.items():
        if not array.size or array.dtype.kind not in "fciu":
            continue
        if array.dtype.kind == "c":
            check_numbers(name, bool(np.isfinite(array).all()), 0)
        else:  # the smallest and largest tell: NaN spreads through both, and neither needs a copy
            lowest = array.min()
            check_numbers(name, bool(np.isfinite(lowest) and np.isfinite(array.max())), lowest)
