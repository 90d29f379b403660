"""The Hessian Penalty's directions of BigGAN: a matrix (K, K) in a torch file, one row each.

Peebles et al. 2020. What is saved is the trained matrix; its own programs first make its rows
orthonormal by Gram and Schmidt, and pad those that were trained on a third of z: our_X_coarse.pt is
for z[0:40], _mid for z[40:80], _fine for z[80:120]. Rows that are orthonormal already, such as
those of its voynov.pt, stay as they are.
"""

import re
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, DirectionSet
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.sets import Named, linear, rows
from latty.directions.importing.source import ImportSource

if TYPE_CHECKING:
    from torch import Tensor

WIDTH, THIRD = 120, 40  # z of BigGAN-128, and of one of its groups of layers
GROUPS = {"coarse": 0, "mid": 1, "fine": 2}
NAME = re.compile(r"our_.+|.*_(?:coarse|mid|fine)")
RANGE = (-5.0, 5.0)  # its path_size
NOTHING = "it holds no square matrix of directions"
DEPENDENT = "its rows depend on each other: they are no basis"


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or not source.kind.startswith("torch") or not _is_square(view.shape):
        return NO
    if NAME.fullmatch(source.stem) and view.shape[0] in (WIDTH, THIRD):
        return CERTAIN
    return LIKELY if source.parent == "directions" and view.shape[0] == WIDTH else NO


def _is_square(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == shape[1] and 2 <= shape[0] <= sanitise.COUNT_LIMIT


def convert(source: ImportSource) -> Imported:
    view = vectors.only(source, NOTHING)
    if not _is_square(view.shape):
        sanitise.refuse(source, NOTHING)
    count, notes = view.shape[0], ["its rows are made orthonormal, as its own programs do"]
    group = next((word for word in GROUPS if source.stem.endswith(f"_{word}")), "")
    first, width = 0, count
    if count == THIRD and group:
        first, width = GROUPS[group] * THIRD, WIDTH
        notes.append(f"{group}: it moves z[{first}:{first + THIRD}] of {WIDTH}")
    elif count == THIRD:
        sanitise.refuse(source, "its name does not say which third of z it moves",
                        "call it NAME_coarse.pt, NAME_mid.pt or NAME_fine.pt")  # fmt: skip
    if not source.space:
        notes.append("taken for z, where it is trained (--space names the other)")
    named = [Named(f"h{i}", row, usable=RANGE) for i, row in enumerate(rows(view))]
    family = "biggan" if width == WIDTH else ""
    header = DirectionSet("hessian_penalty", source.space or "z", (),
                          "a model of the Hessian Penalty", family)  # fmt: skip
    settings = {"search_space": group or "all"}
    found = linear(source, named, "hessian_penalty", header, settings, notes)

    def load() -> "dict[str, Tensor]":
        import torch

        matrix = torch.zeros(count, width)
        matrix[:, first : first + count] = _orthonormal(source, found.load()[ARRAY])
        return {ARRAY: matrix}

    return Imported(found.header, (count, width), load, found.notes)


def _orthonormal(source: ImportSource, matrix: "Tensor") -> "Tensor":
    """Rows (K, K) by Gram and Schmidt, each keeping its sign. Raises BadData where they depend on
    each other."""
    import torch

    basis, upper = torch.linalg.qr(matrix.double().T)
    sizes = upper.diagonal()
    if bool((sizes.abs() <= 1e-6 * matrix.norm(dim=1).max()).any()):
        sanitise.refuse(source, DEPENDENT)
    turned: Tensor = (basis * sizes.sign()).T.float()
    return turned
