"""Checks that every family needs before it trusts numbers; each refusal names the tensor."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from latty.checkpoints.refusals import Refusal
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

VARIANCES = ("running_var", "running_vars", "stored_var")  # of batch norms, in every layout
OTHER = "this file cannot make true pictures; fetch it again, or ask its author"


def check_finite(tensors: "Mapping[str, NDArray[Any]]") -> None:
    """Raises Refusal("nonfinite") for the first tensor, of whatever shape, (O, I, H, W) or (N,),
    with a NaN or an infinity."""
    import numpy as np

    for name, array in tensors.items():
        # The smallest and largest tell: NaN spreads through both, and neither needs a copy.
        if array.dtype.kind in "fc" and array.size:
            if array.dtype.kind == "c":
                good = bool(np.isfinite(array).all())
            else:
                good = bool(np.isfinite(array.min()) and np.isfinite(array.max()))
            if not good:
                what = f"tensor '{clean(name)}' holds NaN or infinite numbers"
                raise Refusal("nonfinite", what, OTHER)


def check_variances(tensors: "Mapping[str, NDArray[Any]]") -> None:
    """Raises Refusal("negative-variance") where a batch norm's variance, (C,), is below zero."""
    for name, array in tensors.items():
        last = name.rpartition(".")[2]
        if last in VARIANCES and array.size and array.min() < 0:
            what = f"tensor '{clean(name)}' is a variance and holds negative numbers"
            raise Refusal("negative-variance", what, OTHER)


def check_shape(shapes: Mapping[str, Sequence[int]], name: str, wanted: Sequence[int]) -> None:
    """Raises Refusal "missing-key" or "wrong-shape"; a size of -1 in `wanted` fits any."""
    if name not in shapes:
        raise Refusal("missing-key", f"tensor '{clean(name)}' is missing", OTHER)
    shape = shapes[name]
    fits = len(shape) == len(wanted) and all(
        w in (-1, s) for s, w in zip(shape, wanted, strict=True)
    )
    if not fits:
        spelt = "x".join("*" if n == -1 else str(n) for n in wanted) or "one number"
        what = f"tensor '{clean(name)}' has the shape {list(shape)}, not {spelt}"
        raise Refusal("wrong-shape", what, OTHER)


def check_all(
    tensors: "Mapping[str, NDArray[Any]]", wanted: Mapping[str, Sequence[int]] | None = None
) -> None:
    """Every check: names and shapes where `wanted` has them, as (512, 512, 3, 3), finite numbers,
    variances. Raises Refusal."""
    shapes = {name: array.shape for name, array in tensors.items()}
    for name, shape in (wanted or {}).items():
        check_shape(shapes, name, shape)
    check_finite(tensors)
    check_variances(tensors)
