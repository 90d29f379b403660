"""Plain networks: convolutions, batch norms and activations in a row, as a spec describes them.

Strides, paddings and activations are not in a file of weights; a few lines of TOML say them
(docs/specs.md). The spec travels as JSON in the header of the converted model, under "spec".
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Meta
from latty.models.latent_generator import Latent
from latty.models.sequential import generator
from latty.models.spec import of_json

__all__ = ["build"]

ORIGIN = "any network in one straight line, by --spec"
CHECKED = "two real files and the pictures of their own code; torch's own layers"
SIGNATURE = "spec"  # tensors alone cannot tell a plain network
NOISE = False


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> Latent:
    """The network of meta["spec"], of tensors such as (O, I, k, k). Raises BadData, naming the
    layer and the tensor that are wrong."""
    if "spec" not in meta:
        raise BadData("a plain network needs its spec", "latty import FILE --spec net.toml")
    return generator(tensors, of_json(meta["spec"]), meta, device, "plain")
