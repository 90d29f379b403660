"""A layer's weight as it acts, from whatever a file holds of it (weight_names.py).

Weight norm is g v / |v| (Salimans and Kingma 2016, arXiv:1602.07868, equation 2), spectral norm is
W / (u . W v) with the stored vectors, as torch has it in eval mode (Miyato et al. 2018,
arXiv:1802.05957, equation 8).
"""

from collections.abc import Collection, Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models.ops_biggan import spectral_norm_stored
from latty.models.state_dict import USELESS, TensorReader
from latty.models.weight_names import SPECTRAL_NORMS, WEIGHT_NORMS
from latty.text import clean

HEADS = {  # the tensor by which a form is known -> all of it, the one of the weight's shape first
    **{g: (v, g) for g, v in WEIGHT_NORMS},
    **{raw: (raw, *vectors) for raw, *vectors in SPECTRAL_NORMS},
}


def take_weight(reader: TensorReader, prefix: str, *shape: int, outputs: int = 0) -> Tensor:
    """The weight of layer `prefix`, of a shape such as (O, -1, 3, 3).

    outputs     the axis of the layer's outputs, which a spectral norm keeps where the lengths of
                its vectors fit several: 1 for transposed convolutions

    Raises Refusal for tensors that are missing, have another shape or bad numbers.
    """
    name = f"{prefix}.weight"
    if name in reader:
        for _, *vectors in SPECTRAL_NORMS:  # torch before 1.1 kept the quotient beside its parts
            reader.skip(*(f"{prefix}.{part}" for part in ("weight_orig", *vectors)))
        return reader.take(name, *shape)
    for gain, direction in WEIGHT_NORMS:
        if f"{prefix}.{gain}" in reader:
            v = reader.take(f"{prefix}.{direction}", *shape)
            return _weight_norm(reader, f"{prefix}.{gain}", v)
    for raw, u, v_name in SPECTRAL_NORMS:
        if f"{prefix}.{raw}" in reader:
            weight = reader.take(f"{prefix}.{raw}", *shape)
            return _spectral_norm(reader, weight, [f"{prefix}.{u}", f"{prefix}.{v_name}"], outputs)
    return reader.take(name, *shape)


def plain_weights(
    tensors: Mapping[str, Tensor], transposed: Collection[str] = ()
) -> dict[str, Tensor]:
    """The tensors of a network with the weight of each layer, such as (O, I, k, k), as it acts and
    as "PREFIX.weight"; counts of training steps are left out.

    transposed  the layers whose outputs are the second axis of their weight

    Raises Refusal as `take_weight` does.
    """
    reader, made = TensorReader(tensors), {}
    used: set[str] = set()
    for name in tensors:
        head = next((one for one in HEADS if name.endswith(f".{one}")), "")
        if head:
            prefix = name.removesuffix(f".{head}")
            shape = reader.shape(f"{prefix}.{HEADS[head][0]}")
            axis = int(prefix in transposed)
            made[f"{prefix}.weight"] = take_weight(reader, prefix, *shape, outputs=axis)
            used.update(f"{prefix}.{part}" for part in HEADS[head])
    rest = {n: t for n, t in tensors.items() if n not in used and not USELESS.fullmatch(n)}
    return {**rest, **made}


def _weight_norm(reader: TensorReader, name: str, v: Tensor) -> Tensor:
    """g v / |v|, the length over every axis along which g does not vary."""
    found = reader.shape(name)
    fits = len(found) == v.dim() and all(n in (1, m) for n, m in zip(found, v.shape, strict=True))
    g = reader.take(name, *(found if fits or not found else (v.shape[0],))).double()
    if not fits and found:  # one number for each output
        g = g.reshape(-1, *[1] * (v.dim() - 1))
    axes = [d for d in range(v.dim()) if g.dim() == 0 or g.shape[d] == 1]
    length = v.double().square().sum(axes, keepdim=True).sqrt()
    return _finite(g * v / length, name)


def _spectral_norm(
    reader: TensorReader, weight: Tensor, names: Sequence[str], outputs: int
) -> Tensor:
    """W / (u . W v), W as a matrix whose rows lie along the axis that u has the length of."""
    if weight.dim() < 2:
        what = f"a weight with the norm of '{clean(names[0])}' has the shape {list(weight.shape)}"
        raise Refusal("wrong-shape", what, OTHER)
    rows = prod(reader.shape(names[0]))
    axis = next((d for d in (outputs, 0, 1) if weight.shape[d] == rows), outputs)
    u = reader.take(names[0], weight.shape[axis])
    v = reader.maybe(names[1], weight.numel() // weight.shape[axis])
    flat = weight.double().movedim(axis, 0)
    return _finite(spectral_norm_stored(flat, u, v).movedim(0, axis), names[0])


def _finite(weight: Tensor, name: str) -> Tensor:
    if not bool(torch.isfinite(weight).all()):
        raise Refusal("nonfinite", f"the norm that '{clean(name)}' belongs to is zero", OTHER)
    return weight.float().contiguous()
