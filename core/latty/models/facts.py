"""What is known of a model before it is opened: its layers, its classes, whether it adds noise.

From a header alone, without torch: what latty stored says all of it, a file of others nothing.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from latty.checkpoints.safetensors import Header, read_header
from latty.models.classes import IMAGENET, imagenet, names_said
from latty.models.registries import FAMILIES, family_of_header
from latty.models.store import model_file
from latty.scene import AUTO, FP32
from latty.tables.words import shown


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a header says of a model; None for what it leaves open.

    num_layers   L of its codes (N, L, D)
    num_classes  0: it knows none
    class_names  in the order of the labels, () where only the model itself may know
    noise        whether the noise of a scene changes its pictures
    fp32_only    whether its layers compute in float32 alone, as its family says
    """

    num_layers: int | None = None
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    noise: bool = True
    fp32_only: bool = False


NOTHING = ModelFacts()


def model_facts(ref: str) -> ModelFacts:
    """What can be known of the model that `ref` names, or of the file. Raises Missing, BadData,
    OutputError."""
    file = model_file(ref)
    if file is None:
        return _facts(ref, FAMILIES.constant(ref, "HEADER", {}), None)
    if file.suffix != ".safetensors":
        return NOTHING
    header = read_header(file)
    family = family_of_header(header.meta)
    return _facts(family, header.meta, header)


def wished(ref: str, precision: str) -> str:
    """A precision that settings ask for, for the model that `ref` names: fp32 where its family has
    no other. Raises what `model_facts` does."""
    plain = precision not in (AUTO, FP32) and model_facts(ref).fp32_only
    return FP32 if plain else precision


def in_fp32(ref: str, precision: str) -> str:
    """Words for a model that draws in fp32 in the place of what settings ask for."""
    return f"{shown(ref)} draws in fp32 only, not in {precision} as the settings say"


def _facts(family: str, meta: Mapping[str, str], header: Header | None) -> ModelFacts:
    config = _config(meta)
    layers = _count(meta.get("num_layers"))
    if layers is None and header is not None and family:
        layers = _layers(family, header)
    classes = _count(meta.get("num_classes", config.get("c_dim")))
    noise = not family or bool(FAMILIES.constant(family, "NOISE", True))
    names = names_said(config, classes or 0) or (imagenet() if classes == IMAGENET else ())
    fp32_only = bool(family) and bool(FAMILIES.constant(family, "FP32_ONLY", False))
    return ModelFacts(layers, classes, names, noise, fp32_only)


def _layers(family: str, header: Header) -> int | None:
    """By the names of the tensors, as a family may say (see CODES in models/registries.py)."""
    pattern, more = FAMILIES.constant(family, "CODES", ("", 0))
    found = sum(re.fullmatch(pattern, name) is not None for name in header.shapes)
    return found + more if found else None


def _config(meta: Mapping[str, str]) -> dict[str, Any]:
    """The model's settings, and those that stood beside its file."""
    said = dict[str, Any]()
    for key in ("beside", "config"):
        with suppress(KeyError, ValueError, RecursionError):
            found = json.loads(meta[key])
            said |= found if isinstance(found, dict) else {}
    return said


def _count(said: object) -> int | None:
    """A number that a header says as text, or its settings as a number."""
    text = str(said)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
