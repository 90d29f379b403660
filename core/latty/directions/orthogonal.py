"""Moves that leave attributes where they are: steps projected off any number of normals.

InterFaceGAN (Shen et al. 2020, section 3.3) projects a boundary's normal off one or two others by
closed forms; here it is one general solve, for vectors of z, of w, and of every layer at once.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty.errors import BadData

SAME = 1e-5  # directions that differ by less are one and the same


def off(step: Tensor, normals: Sequence[Tensor]) -> Tensor:
    """The part of `step` that is orthogonal to every normal; the step's own shape and type.

    A step (..., D) takes normals (D,). In a step (..., L, D) every layer is projected for itself,
    off the whole of a normal (D,) and off its own row of a normal (L, D): an attribute is held
    whichever layers it is read from, and a layer that did not move still does not. Normals may have
    any length and depend on each other; zeros hold nothing. What is only rounding becomes 0.
    """
    if not normals:
        return step
    home = "cpu" if step.device.type == "mps" else step.device  # float64 is not everywhere
    work = step.to(home).double()
    basis = _basis(normals, work)
    if basis.ndim == 2:  # the same for all layers: (R, D)
        left = work - (work @ basis.T) @ basis
    else:  # (L, R, D)
        shares = torch.einsum("...ld,lrd->...lr", work, basis)
        left = work - torch.einsum("...lr,lrd->...ld", shares, basis)
    rest = left.norm(dim=-1, keepdim=True) <= SAME * work.norm(dim=-1, keepdim=True)
    return torch.where(rest, 0.0, left).to(step)


def along(step: Tensor, vectors: Sequence[Tensor]) -> Tensor:
    """The part of `step` (..., D) that lies in the span of the vectors, (D,) or (L, D): what `off`
    leaves out."""
    return step - off(step, vectors)


def orthogonal(vector: Tensor, normals: Sequence[Tensor], what: str = "the direction") -> Tensor:
    """`vector` (D,) or (L, D) projected off the normals, at its own length again; float64.

    A vector (D,) becomes (L, D) where a normal has layers. Raises BadData where nothing is left of
    it: `what` names it.
    """
    vector = vector.double()
    layers = [normal.shape[0] for normal in normals if normal.ndim == 2]
    if layers and vector.ndim == 1:
        vector = vector.expand(layers[0], -1)
    left = off(vector, normals)
    if not float(left.norm()) > SAME * float(vector.norm()):
        raise BadData(
            f"{what} is locked: nothing of it is left when the other attributes are held still",
            "hold fewer of them",
        )
    scaled: Tensor = left * (vector.norm() / left.norm())
    return scaled


def _basis(normals: Sequence[Tensor], step: Tensor) -> Tensor:
    """Orthonormal rows (R, D), or (L, R, D) where a normal has layers, that span the normals;
    rows of zeros where they depend on each other. Raises BadData for shapes that do not fit."""
    for normal in normals:
        shape = tuple(normal.shape)
        if normal.ndim not in (1, 2) or shape != tuple(step.shape[-normal.ndim :]):
            raise BadData(
                f"a normal of shape {shape} holds nothing of a step of shape {tuple(step.shape)}",
                "it was made for another model or another space",
            )
    rows = [normal.detach().to(step.device).double() for normal in normals]
    if any(row.ndim == 2 for row in rows):
        rows = [row.expand(*step.shape[-2:]) for row in rows]
    stack = torch.stack(rows, -2)  # (K, D) or (L, K, D)
    stack = stack / stack.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    _, sizes, basis = torch.linalg.svd(stack, full_matrices=False)
    return torch.where((sizes > SAME)[..., None], basis, 0.0)
