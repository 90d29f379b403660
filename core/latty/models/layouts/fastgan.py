"""FastGAN's own checkpoints (FastGAN-pytorch), as its training script writes them.

`all_N.pth` holds the network as "g" and its average over training as "g_ema": the bare parameters,
in the network's order. `N.pth` holds the average as "g". The published network ends in tanh at
1024 px only.
"""

from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models.conversion import fastgan as common
from latty.models.families import fastgan
from latty.models.parts import Converted, Part, to_torch
from latty.models.weight_names import RUNNING, SPECTRAL_NORMS

FAMILY = "fastgan"
ORIGIN = "FastGAN of odegeasslbc, .pth"
CHECKED = "the output of an unchanged copy of its code, 256 to 1024 px"
SIGNATURE = {"init.init.0.*": 4, "to_128.*": 4, "to_big.*": 4}

BUFFERS = (*RUNNING, *(name for _, *vectors in SPECTRAL_NORMS for name in vectors))
TANH_FROM = 1024  # px
STATISTICS = "batch norm by the stored statistics: its own eval.py takes those of each batch"
UNBOUND = "no tanh at the end, as published for 256 and 512 px: the file does not say"


def convert(part: Part) -> Converted:
    """Averaged weights where the file has them, divided by their spectral norms. Raises Refusal
    for an average that does not fit the network."""
    found = common.drawn_layers(common.divided(_averaged(part)), None)
    tanh = f"feat_{TANH_FROM}.1.weight" in found
    notes = (*common.noise_notes(found), STATISTICS, *(() if tanh else (UNBOUND,)))
    return Converted(found, fastgan.metadata(normalised=False, tanh=tanh), notes)


def _averaged(part: Part) -> dict[str, Tensor]:
    tensors = part.torch()
    tree = part.checkpoint.tree
    average = tree.get("g_ema") if isinstance(tree, dict) else None
    if not isinstance(average, list):
        return tensors
    names = [name for name in tensors if not name.endswith(BUFFERS)]
    views = list(part.checkpoint.views(average).values())
    if [tuple(tensors[name].shape) for name in names] != [view.shape for view in views]:
        what = f"'g_ema' holds {len(views)} parameters that do not fit the {len(names)} of 'g'"
        raise Refusal("wrong-shape", what, OTHER)
    return {**tensors, **{n: to_torch(v.numpy()) for n, v in zip(names, views, strict=True)}}
