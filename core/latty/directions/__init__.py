"""Directions: one file per method that finds them. `find` is the only door to a stored one."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.directions.file import ARRAY, LINEAR, DirectionSet, Value, read, write
from latty.directions.registries import form_of
from latty.directions.store import SETS, resolve, split
from latty.errors import BadData
from latty.files import stamp
from latty.version import __version__

if TYPE_CHECKING:  # torch takes seconds to import: names and headers must not wait for it
    from latty.directions.base import Direction, Method
    from latty.models.base import Generator, ModelInfo


def find(ref: str, generator: "Generator", force: bool = False) -> "Direction":
    """The direction `ref` names ("SET/NAME", "SET/INDEX", "path#NAME", "path#INDEX").

    Raises Missing where there is none, BadData where the file is damaged or was made for another
    model; with `force` only the shapes must fit.
    """
    source, name = split(ref)
    path = SETS.find(source)
    found = _open(path, stamp(path), ref, name)
    _check_model(found[0], generator.info, ref, force)
    from latty.directions.linear import LinearDirection, check_shape

    if isinstance(found[1], LinearDirection):
        check_shape(found[1], generator, ref)
    return found[1]


@lru_cache(maxsize=256)
def _open(path: Path, state: object, ref: str, name: str) -> "tuple[DirectionSet, Direction]":
    """Read once per content: `state` is part of the key only."""
    _, header, index = resolve(ref)
    import torch

    with torch.inference_mode(False):  # kept for callers who need gradients, whoever asks first
        return header, form_of(header).direction(header, index, read(path)[1])


def _check_model(header: DirectionSet, info: "ModelInfo", ref: str, force: bool) -> None:
    if header.model_digest and info.digest:
        same = header.model_digest == info.digest
    else:  # imported from a format that names a family at most
        same = not header.family or header.family == info.family
    if same or force:
        return
    made_for = _label(header.model, header.family, header.model_digest)
    raise BadData(
        f"{ref} was made for {made_for}, this is {_label(info.name, info.family, info.digest)}",
        "--force applies it all the same where the shapes fit",
    )


def _label(model: str, family: str, digest: str) -> str:
    return f"{model} ({', '.join(word for word in (family, digest[:12]) if word)})"


def params_of(method: "Method") -> tuple[tuple[str, Value], ...]:
    """Every parameter of a method by name: its attributes without "_" at the end."""
    public: dict[str, Any] = vars(method)
    return tuple(
        (key, value if value is None or isinstance(value, int | float | tuple) else str(value))
        for key, value in public.items()
        if not key.startswith("_") and not key.endswith("_")
    )


def save(path: Path, name: str, method: "Method", generator: "Generator") -> DirectionSet:
    """Write what the fitted method `name` found in `generator`. Raises BadData, OutputError."""
    info = generator.info
    header = DirectionSet(
        method=name,
        space=method.space_,
        infos=tuple(method.infos_),
        model=info.name,
        family=info.family,
        model_digest=info.digest,
        params=params_of(method),
        seeds=method.seeds_,
        form=getattr(method, "form", LINEAR),
        complete=method.complete_,
        latty=__version__,
    )
    vectors = getattr(method, "directions_", None)  # paths and climbs have none
    arrays = {} if vectors is None else {ARRAY: vectors}
    write(path, header, {**arrays, **getattr(method, "extra_", {})})
    return header
