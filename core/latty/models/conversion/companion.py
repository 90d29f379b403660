"""The half of an encoder's file that is no generator, kept for projecting pictures."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latty.checkpoints.values import Record, TensorView, arrays, plain
from latty.models.parts import Companion, Converted, Part, to_torch
from latty.models.store import ENCODER

if TYPE_CHECKING:
    from torch import Tensor

MEAN = "latent_avg"
PLACES = ("/", "\\")  # paths of the machine it was trained on are nobody's business


def with_encoder(model: Converted, part: Part, prefix: str) -> Converted:
    """The converted generator, with every tensor, (O, I, k, k) or any, that the file holds beside
    those of `prefix` as its companion; "latent_avg" (L, D), which an encoder's codes are added to,
    goes with them."""
    tree: Any = part.checkpoint.tree
    outer = part.name.removesuffix(prefix.rstrip(".")).rstrip(".")
    table = tree if isinstance(tree, dict) else {}
    views = part.checkpoint.views(table.get(outer, tree))
    others = {name.removeprefix("module."): view for name, view in views.items()}
    rest = {name: view for name, view in others.items() if not name.startswith(prefix)}
    if not rest:
        return model
    if isinstance(table.get(MEAN), TensorView):
        rest[MEAN] = table[MEAN]
    meta = {"kind": ENCODER, "config": json.dumps(_settings(table.get("opts")))}
    kept = Companion(ENCODER, meta, lambda: _read(rest))
    return replace(model, companion=kept)


def _read(views: Mapping[str, TensorView]) -> "dict[str, Tensor]":
    return {name: to_torch(array) for name, array in arrays(views).items()}


def _settings(said: Any) -> dict[str, Any]:
    """The plain options that the encoder was trained with, without paths."""
    table = said.attributes if isinstance(said, Record) else plain(said)
    return (
        {key: value for key, value in table.items() if _is_plain(key, value)}
        if isinstance(table, dict)
        else {}
    )


def _is_plain(key: Any, value: Any) -> bool:
    known = value is None or isinstance(value, bool | int | float | str)
    place = isinstance(value, str) and any(mark in value for mark in PLACES)
    return isinstance(key, str) and known and not place
