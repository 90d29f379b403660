"""InterFaceGAN's boundaries: the normal of a separating plane, (1, D), of length 1.

Shen et al. 2020. The file name says everything else:
`{model}_{attribute}[_c_{condition}...][_w]_boundary.npy`; without _w the plane lies in Z. Those
published are float64; train_boundary.py writes `boundary.npy`, float32. The boundaries that came
with e4e and its kin are tensors in W, `age.pt`.
"""

import re
from dataclasses import dataclass

from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import RAW, Named, linear
from latty.directions.importing.source import ImportSource

NAME = re.compile(
    r"(?:(?P<model>(?:pggan|progan|stylegan\d?|stylegan2ada)_[a-z0-9]+)_)?"
    r"(?P<attribute>.+?)(?:_c_(?P<conditions>.+?))?(?P<w>_w)?(?:_boundary|_boundry)"
)
HINT = "a boundary is an .npy of one vector"
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
    view = vectors.alone(source)
    if view is None or not vectors.width_fits(view) or source.kind not in vectors.BARE:
        return NO
    single = view.numel == view.shape[-1] or len(sanitise.squeezed(view).shape) == 1
    if "boundary" in source.stem:
        layered = len(sanitise.squeezed(view).shape) == 2
        return CERTAIN if single else (LIKELY if layered else NO)
    if single and (source.kind != "npy" or view.dtype[1:] == "f8") and vectors.is_unit(view):
        return LIKELY
    return LIKELY if single and vectors.names_direction(source) else NO


def convert(source: ImportSource) -> Imported:
    view = vectors.only(source, "it holds no array of floats", HINT)
    known = said(source.stem)
    torches = source.kind.startswith("torch")
    space = source.space or ("w" if known.in_w or torches else "z")
    attribute = known.attribute or source.stem.replace("_boundary", "")
    family = family_of(known.model.partition("_")[0])
    settings = {"attribute": attribute, "conditions": known.conditions}
    made_for = known.model or "a model of InterFaceGAN"
    header = DirectionSet("interfacegan", space, (), made_for, family)
    notes = [RAW, ABSOLUTE]
    if not source.space and not known.in_w:
        why = "as e4e's are" if torches else "as its name has no _w"
        notes.insert(0, f"taken for {space}, {why} (--space names the other)")
    direction = Named(sanitise.name_of(attribute, "boundary"), sanitise.squeezed(view))
    return linear(source, [direction], "interfacegan", header, settings, notes)
