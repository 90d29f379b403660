"""Plain networks: convolutions, norms and activations in a row, as a spec describes them.

Strides, paddings and activations are not in a file of weights; a few lines of TOML say them
(docs/specs.md). The spec travels as JSON in the header of the converted model, under "spec".
"""

import json
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Meta
from latty.models.latent_generator import Latent
from latty.models.measuring import SAMPLES, measured, strays
from latty.models.parts import Converted, Part
from latty.models.sequential import generator
from latty.models.spec import Spec, of_json, renamed
from latty.text import clean

__all__ = ["build", "look", "prepare"]

ORIGIN = "plain networks of anybody's own code, by --spec"
CHECKED = "torch's own layers; two real files and the pictures of their own code"
SIGNATURE = "spec"  # tensors alone cannot tell a plain network
NOISE = False


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The network of meta["spec"], of tensors such as (O, I, k, k). Raises BadData, naming the
    layer and the tensor that are wrong.

    dtype     of its layers, e.g. torch.bfloat16; None = float32. Pictures are float32 either way.
    """
    if "spec" not in meta:
        raise BadData("a plain network needs its spec", "latty import FILE --spec net.toml")
    return generator(tensors, of_json(meta["spec"]), meta, device, "plain", dtype)


def prepare(part: Part, model: Converted) -> Converted:
    """The model as it is stored: names as its tensors have them, statistics measured where the spec
    asks for that, and notes of what was assumed. Raises Misfit, Refusal."""
    table = renamed(json.loads(model.meta["spec"]), part.own)
    spec, tensors = of_json(json.dumps(table)), model.tensors
    notes = _square(tensors, spec)
    if spec.measured:
        tensors = measured(tensors, spec)
        notes = (
            f"the statistics of its batch norms were measured over {SAMPLES} samples, seeds 0 to "
            f"{SAMPLES - 1}; those of the file are not used",
            *notes,
        )
    meta = {**model.meta, "spec": spec.to_json()}
    return replace(model, tensors=tensors, meta=meta, notes=(*model.notes, *notes))


def look(model: Converted) -> tuple[str, ...]:
    """A note where stored statistics are not those of its pictures. Raises Misfit, Refusal."""
    spec = of_json(model.meta["spec"])
    return () if spec.measured else strays(model.tensors, spec)


def _square(tensors: Mapping[str, Tensor], spec: Spec) -> tuple[str, ...]:
    """A note where a class embedding may as well be a Linear."""
    name = spec.embedding
    if spec.embedding_kind or name not in tensors or f"{name[:-7]}.bias" in tensors:
        return ()
    if tuple(tensors[name].shape) != (spec.classes, spec.classes):
        return ()
    return (
        f"'{clean(name)}' is square: taken as an embedding, a row for each class; "
        'kind = "linear" under [classes] takes its columns',
    )
