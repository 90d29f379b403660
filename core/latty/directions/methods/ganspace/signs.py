"""Which way round components go: the same way for other samples of the same model.

A component is an axis; which end is +1 is for us to say, and a preset must not turn around when its
set is found again with another seed or more samples. A rule by the largest entry does: between two
entries that are nearly as large chance decides. Two rules are steadier:

    w        as the components R_j of 1024 latents that are always the same: sum_j (v . R_j)^3 > 0.
             The power leaves the one or two that v is most alike to decide
    layers   v . r > 0 for a normal vector r that is always the same. Of all rules that know nothing
             but v, a half-space is turned around by the least noise (Borell, 1985)
"""

import numpy as np
import torch
from torch import Tensor

from latty.directions.methods.ganspace.samples import GanspaceRows
from latty.scene import SEED_LIMIT

SEEDS = range(SEED_LIMIT - 1024, SEED_LIMIT)  # of the latents that are always the same
COMPONENTS = 64  # of these


def senses(vectors: Tensor, source: GanspaceRows) -> Tensor:
    """1 or -1 for each component (K, D) of a source's layer: (K, 1)."""
    v = vectors.double().cpu()
    fixed = torch.from_numpy(np.random.RandomState(0).randn(v.shape[1]))
    products = v @ fixed
    if source.layer == "w":
        known = _components(source)
        known = known * torch.where(known @ fixed < 0, -1.0, 1.0)[:, None]
        products = (v @ known.T).pow(3).sum(1)
    return torch.where(products < 0, -1.0, 1.0)[:, None].to(vectors)


def _components(source: GanspaceRows) -> Tensor:
    """The components (j, D) of latents that are always the same."""
    same = GanspaceRows(source.generator, source.layer, "", SEEDS.start, source.label)
    rows = torch.empty(len(SEEDS), same.width)
    for _ in same.fill(rows, 0, len(SEEDS)):
        pass
    axes: Tensor = torch.linalg.svd((rows - rows.mean(0)).double(), full_matrices=False)[2]
    return axes[:COMPONENTS]
