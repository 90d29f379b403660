"""InterFaceGAN's boundaries: the normal of a separating plane, (1, D), of length 1.

Shen et al. 2020. The file name says everything else:
`{model}_{attribute}[_c_{condition}...][_w|_wp]_boundary.npy`; without _w the plane lies in Z, with
_wp in W+, its layers one behind the other in one row. Those published are float64;
train_boundary.py writes `boundary.npy`, float32. The boundaries that came with e4e, ReStyle and
their kin are tensors in W, `age.pt`, of which `pose.pt` (1, L, D) repeats one vector in each layer;
those of stylegan3-editing are named as the others, and lie in W.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latty.directions.file import DirectionSet
from latty.directions.importing import evidence, exporting, sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Exported, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile(
    r"(?:(?P<model>(?:pggan|progan|stylegan\d?|stylegan2ada)_[a-z0-9]+)_)?"
    r"(?P<attribute>.+?)(?:_c_(?P<conditions>.+?))?(?P<w>_wp?)?(?:_boundary|_boundry)"
)
EXPORTS = {"as": "interfacegan", "of": "directions", "suffix": ".npy"}
WITHOUT_W = ("progan", "biggan", "sngan", "dcgan")
ABSOLUTE = 'its own strengths are places, not steps: mode = "absolute" in an edit gives them'


@dataclass(frozen=True, slots=True)
class Said:
    """What the name of a boundary says."""

    model: str = ""
    attribute: str = ""
    conditions: tuple[str, ...] = ()
    in_w: bool = False


def said(stem: str) -> Said:
    found = NAME.fullmatch(stem.lower())
    if found is None:
        return Said()
    conditions = tuple(part for part in (found["conditions"] or "").split("_") if part)
    return Said(found["model"] or "", found["attribute"], conditions, bool(found["w"]))


def recognise(source: ImportSource) -> int:
    found = evidence.weigh(source) if source.kind in vectors.BARE else None
    if found is None or found.what != evidence.DIRECTIONS or found.view.shape[0] != 1:
        return NO
    seen = evidence.traits(found.view)
    if "boundary" in source.stem or "boundry" in source.stem:
        return CERTAIN if not found.layered or vectors.names_layers(source) else LIKELY
    if found.layered and not seen.alike:
        return NO
    if seen.unit and (source.kind != "npy" or found.view.dtype[1:] == "f8"):
        return LIKELY
    return LIKELY if vectors.names_direction(source) else NO


def convert(source: ImportSource) -> Imported:
    told = evidence.decided(source, evidence.DIRECTIONS, "it holds no array of floats")
    known, views = said(source.stem), evidence.directions_of(told.view)
    attribute = known.attribute or source.stem.replace("_boundary", "")
    made_for = known.model or "a model of InterFaceGAN"
    family = family_of(known.model.partition("_")[0])
    space, why = _space(source, known, family, len(views[0].shape) == 2)
    settings = {"attribute": attribute, "conditions": known.conditions}
    notes = [f"taken for {space}, {why} (--space names the other)"] if why else []
    if told.layered or len(views) > 1:
        notes.append(told.note)
    if told.layered and len(views[0].shape) == 1:
        notes.append(f"its {told.view.shape[1]} layers are alike: one vector for all")
    header = DirectionSet("interfacegan", space, (), made_for, family)
    named = [Named(sanitise.name_of(attribute, "boundary"), view) for view in views]
    return linear(source, named, "interfacegan", header, settings, [*notes, RAW, ABSOLUTE])


def _space(source: ImportSource, known: Said, family: str, layered: bool) -> tuple[str, str]:
    """z or w, and why where neither the user nor the name said it."""
    if source.space or known.in_w:
        return source.space or "w", ""
    if layered:
        return "w", "as it has a vector for each layer"
    if source.kind.startswith("torch"):
        return "w", "as e4e's are"
    around = "/".join(source.path.absolute().parts[-5:]).lower()
    if family_of(around) == "stylegan3":
        return "w", "as those of stylegan3-editing are"
    if known.attribute or "boundary" in source.stem:
        return "z", "as its name has no _w"
    if family_of(around) in WITHOUT_W:
        return "z", "as its folder names a generator without w"
    return "w", "as directions of a StyleGAN are"


def export(header: DirectionSet, arrays: "Mapping[str, Tensor]") -> Exported:
    """A boundary of each direction, of length 1: vectors (K, D), or (K, L, D) as rows of W+."""
    array = exporting.vectors(header, arrays, "an InterFaceGAN boundary")
    suffix = {"z": "", "w": "_wp" if array.ndim == 3 else "_w"}[header.space]
    steps, files = [], {}
    for info, vector in zip(header.infos, array, strict=True):
        size = float(vector.norm())
        name = sanitise.name_of(info.name, "direction").replace(" ", "_")
        files[f"{name}{suffix}_boundary.npy"] = {"": (vector / size).reshape(1, -1)}
        steps.append(f"{info.name}: strength 1 here is {size:.4g} there")
    if array.ndim == 3:
        steps.append(f"layers lie one behind the other: {array.shape[1]} of {array.shape[2]}")
    return Exported(files, (*steps, *exporting.left_out(header)))
