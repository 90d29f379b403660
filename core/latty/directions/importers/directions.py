"""Directions as bare arrays: one (D,), several (K, D), a vector per layer (L, D) or (K, L, D).

What the other importers know better goes first. Alone in a file, or under a name: "directions",
"boundary" and the like, or each direction under its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, exporting, sanitise, vectors
from latty.directions.importing.base import MAYBE, NO, Exported, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

if TYPE_CHECKING:
    from torch import Tensor

EXPORTS = {"as": "npy", "of": "directions", "suffix": ".npy"}
KEYS = ("directions", "direction", "boundaries", "boundary", "vectors", "components", "basis")
WITHOUT_W = ("progan", "biggan", "biggan_deep", "sngan", "dcgan")
NOTHING = "it holds no directions (K, D) or (K, L, D)"


def recognise(source: ImportSource) -> int:
    found = evidence.weigh(_inner(source))
    if found is not None:
        return NO if found.what == evidence.LATENTS else MAYBE
    table = _named(source)
    if not table:
        return NO
    unit = all(evidence.traits(sanitise.reshaped(v, _wide(v))).unit for v in table.values())
    words = all(vectors.DIRECTION_WORDS.search(name.lower()) for name in table)
    return MAYBE if unit or words else NO


def convert(source: ImportSource) -> Imported:
    inner, notes = _inner(source), list[str]()
    if evidence.weigh(inner, evidence.DIRECTIONS) is None and _named(source):
        table = _named(source)
        found = [Named(sanitise.name_of(name, f"d{i}"), sanitise.squeezed(view))
                 for i, (name, view) in enumerate(table.items())]  # fmt: skip
    else:
        told = evidence.decided(inner, evidence.DIRECTIONS, NOTHING)
        views, stem = evidence.directions_of(told.view), source.path.stem
        names = [stem] if len(views) == 1 else [f"{stem}-{i}" for i in range(len(views))]
        found = [Named(sanitise.name_of(n, "direction"), view)
                 for n, view in zip(names, views, strict=True)]  # fmt: skip
        notes.append(told.note)
    family = family_of("/".join(source.path.absolute().parts[-4:]))
    space, why = _space(source, family, found[0].view)
    notes += [f"taken for {space}, {why} (--space names the other)"] if why else []
    header = DirectionSet("vectors", space, (), "a model that its file does not name", family)
    return linear(source, found, "directions", header, {}, [*notes, RAW])


def _inner(source: ImportSource) -> ImportSource:
    """The array under one of KEYS as if it were alone; the source itself without one."""
    for key in KEYS:
        if sanitise.is_floats(source.table.get(key)) and "name" not in source.table:
            return replace(source, tree=source.table[key])
    return source


def _named(source: ImportSource) -> dict[str, TensorView]:
    """A table of vectors of one width, each under its own name; {} for all others."""
    table: dict[Any, Any] = source.table
    found = {str(k): v for k, v in table.items() if sanitise.is_floats(v)}
    if not table or len(found) != len(table) or len(found) > sanitise.COUNT_LIMIT:
        return {}
    shapes = {sanitise.squeezed(view).shape for view in found.values()}
    fits = len(shapes) == 1 and all(vectors.width_fits(view) for view in found.values())
    return found if fits and len(next(iter(shapes))) <= 2 else {}


def _wide(view: TensorView) -> tuple[int, ...]:
    shape = tuple(n for n in view.shape if n > 1) or (1,)
    return shape if len(shape) > 1 else (1, *shape)


def _space(source: ImportSource, family: str, view: TensorView) -> tuple[str, str]:
    """z or w, and why where the user did not say it."""
    if source.space:
        return source.space, ""
    if len(view.shape) == 2:
        return "w", "as it has a vector for each layer"
    if family in WITHOUT_W:
        return "z", f"as its path names a {family}"
    if source.stem.endswith(("_z", "-z")):
        return "z", "as its name ends in z"
    return "w", "as directions of a StyleGAN are"


def export(header: DirectionSet, arrays: "Mapping[str, Tensor]") -> Exported:
    """One array (K, D) or (K, L, D), each vector as long as a step of strength 1."""
    array = exporting.vectors(header, arrays, "an array")
    left = (f"not in the file: space {header.space}", *exporting.left_out(header, names=True))
    return Exported({"": {"": array}}, left)
