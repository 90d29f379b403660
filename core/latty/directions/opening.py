"""Stored directions, opened: `find` gives the one that a reference names."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty.directions import climbed, linear
from latty.directions.file import LINEAR, DirectionSet, read, read_header
from latty.directions.registries import METHODS, DirectionForm
from latty.directions.store import SETS, resolve, split
from latty.errors import BadData
from latty.files import stamp

if TYPE_CHECKING:  # torch takes seconds to import: names and headers must not wait for it
    from torch import Tensor

    from latty.directions.base import Direction
    from latty.models.base import Generator, ModelInfo


def find(ref: str, generator: "Generator", foreign: bool = False) -> "Direction":
    """The direction `ref` names ("SET/NAME", "SET/INDEX", "path#NAME", "path#INDEX").

    Raises Missing where there is none, BadData where the file is damaged or was made for another
    model; with `foreign` only the shapes must fit.
    """
    source, name = split(ref)
    path = SETS.find(source)
    found = _open(path, stamp(path), ref, name)
    if not foreign and (mismatch := _mismatch(found[0], generator.info, ref)):
        raise BadData(mismatch, "--foreign applies it all the same where the shapes fit")
    if isinstance(found[1], linear.LinearDirection):
        linear.check_shape(found[1], generator, ref)
    return found[1]


@lru_cache(maxsize=256)
def _open(path: Path, state: object, ref: str, name: str) -> "tuple[DirectionSet, Direction]":
    """Read once per content: `state` is part of the key only."""
    _, header, index = resolve(ref)
    header = _with_scorers(header, path)
    import torch

    with torch.inference_mode(False):  # kept for callers who need gradients, whoever asks first
        return header, form_of(header, "direction").direction(header, index, _arrays(path, state))


@lru_cache(maxsize=2)
def _arrays(path: Path, state: object) -> "Mapping[str, Tensor]":
    """The arrays of a set, (K, D) and so on, which its directions share: read once per content."""
    return read(path)[1]


def _with_scorers(header: DirectionSet, path: Path) -> DirectionSet:
    """The header of a set whose scorers are those that lie with it, where some do."""
    if not climbed.folder(path).is_dir():
        return header
    params = dict(header.params)
    if isinstance(scorer := params.get("scorer"), str):
        params["scorer"] = climbed.opener(path, scorer)
    if isinstance(kept := params.get("keep"), tuple):
        params["keep"] = tuple(_scored_by(str(one), path) for one in kept)
    return replace(header, params=tuple(params.items()))


def _scored_by(attribute: str, path: Path) -> str:
    scorer, mark, name = attribute.rpartition("/")
    return f"{climbed.opener(path, scorer)}/{name}" if mark else attribute


def made_for_another(ref: str, info: "ModelInfo") -> str:
    """Words where the set of a reference was made for another model than this; "" where not.
    Raises Missing, BadData."""
    source = split(ref)[0]
    return _mismatch(read_header(SETS.find(source)), info, source)


def _mismatch(header: DirectionSet, info: "ModelInfo", ref: str) -> str:
    if header.model_digest and info.digest:
        same = header.model_digest == info.digest
    else:  # imported from a format that names a family at most
        same = not header.family or header.family == info.family
    if same:
        return ""
    made_for = _label(header.model, header.family, header.model_digest)
    return f"{ref} was made for {made_for}, this is {_label(info.name, info.family, info.digest)}"


def _label(model: str, family: str, digest: str) -> str:
    return f"{model} ({', '.join(word for word in (family, digest[:12]) if word)})"


def form_of(header: DirectionSet, *needed: str) -> DirectionForm:
    """What opens and changes a set. Raises Missing where its method is not installed, BadData where
    the method lacks what is needed of `DirectionForm`."""
    if header.form == LINEAR:
        return linear
    form = METHODS.load(header.form)
    lacks = [word for word in needed if not hasattr(form, word)]
    if lacks:
        raise BadData(f"the method '{header.form}' has no {', '.join(lacks)} for its sets")
    return form
