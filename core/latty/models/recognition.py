"""Which layout or family the parts of a checkpoint are in: by names and shapes, without torch.

An entry's SIGNATURE says it all; `latty inspect` and `open_model` read the same one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from latty.checkpoints.checkpoint import Checkpoint
from latty.errors import UsageError, did_you_mean
from latty.models.parts import Part, parts
from latty.models.registries import FAMILIES, LAYOUTS, SPEC, family_of_header
from latty.models.spec import names_in
from latty.plugins import Registry
from latty.text import clean

Shapes = Mapping[str, Sequence[int]]
MOST_BLOCKS = 12  # 8192 px from 4
LOOKS = 10  # passes over the names of a part that nobody knows: the patterns in the signatures


class Recognised(NamedTuple):
    """A part, its family, and the entry that reads it: a layout's name, or the family's own."""

    part: Part
    family: str
    origin: str
    by_layout: bool


def recognise(checkpoint: Checkpoint, spec: str = "") -> Recognised | None:
    """The best part of a file that is a generator; None for an unknown layout, or no generator.

    spec    the architecture file that the user named, as JSON, or ""
    """
    with checkpoint.looking():
        candidates: Iterable[Part] = parts(checkpoint, spec)
        if spec:  # the part that has most of the names in it
            names = names_in(spec)
            candidates = sorted(candidates, key=lambda part: -_known(part, names))
        found = (one for part in candidates if (one := _recognised(part)) is not None)
        return next(found, None)


def check_given(found: Recognised) -> None:
    """Raises UsageError for settings that the user states and the file's family does not have."""
    given = found.part.checkpoint.given
    if given and family_of_header(found.part.checkpoint.meta) and not found.part.spec:
        raise UsageError("--set: its settings are in it already", "it is a model that latty wrote")
    registry: Any = LAYOUTS if found.by_layout else FAMILIES
    known: Sequence[str] = registry.constant(found.origin, "SETTINGS", ())
    for key in given:
        if key not in known:
            near = did_you_mean(key, known) if get_close_matches(key, known) else ""
            those = f"it reads: {', '.join(known)}" if known else "it reads none"
            what = f"--set: a file of the kind {found.origin} has no setting '{clean(key)}'"
            raise UsageError(what, f"{near} {those}".strip())


def _known(part: Part, names: Sequence[str]) -> int:
    part.checkpoint.tally.spend("entries", len(names) * len(part.views))
    return sum(part.begins(part.own(name)) for name in names)


def _recognised(part: Part) -> Recognised | None:
    tally = part.checkpoint.tally
    tally.spend("entries", LOOKS * len(part.views))
    tally.check_time()
    ours = family_of_header(part.checkpoint.meta)
    if not ours and not part.spec and part.views:
        for layout in LAYOUTS.names():
            within = part.under(LAYOUTS.constant(layout, "PREFIX", ""))
            if fits(LAYOUTS.constant(layout, "SIGNATURE"), within.shapes):
                return Recognised(within, LAYOUTS.constant(layout, "FAMILY"), layout, True)
    meta = {**part.checkpoint.meta, **({"spec": part.spec} if part.spec else {})}
    for family in families_of(part.shapes, meta):
        return Recognised(part, family, family, False)
    return None


def families_of(shapes: Shapes, meta: Mapping[str, str]) -> Iterator[str]:
    """Every family in whose own layout the tensors are, by name; a header of ours may name it, and
    an architecture file goes before what the tensors show."""
    ours = family_of_header(meta)
    for family in [ours] if ours else FAMILIES.names():
        signature = FAMILIES.constant(family, "SIGNATURE")
        if signature == SPEC if "spec" in meta else fits(signature, shapes):
            yield family


def picture_size(found: Recognised) -> tuple[int, int] | None:
    """Height and width in px of a network's pictures, as its entry's PICTURE reads them off the
    shapes; None where the entry has none, or the tensors have not what it names."""
    entries: Registry[Any] = LAYOUTS if found.by_layout else FAMILIES
    shapes = found.part.shapes
    first, each = entries.constant(found.origin, "PICTURE") or ("", "")
    start = next((shape[-2:] for name, shape in shapes.items() if re.fullmatch(first, name)), ())
    blocks = sum(re.fullmatch(each, name) is not None for name in shapes)
    if len(start) != 2 or not 0 < blocks <= MOST_BLOCKS or not all(start):
        return None
    return start[0] << blocks - 1, start[1] << blocks - 1


def fits(signature: object, shapes: Shapes) -> bool:
    """Whether tensors fit a SIGNATURE, as registries.py explains it."""
    if isinstance(signature, list | tuple):
        return any(fits(one, shapes) for one in signature)
    return isinstance(signature, dict) and all(
        _has(shapes, name, wanted)
        for name, wanted in sorted(signature.items(), key=lambda pair: "*" in pair[0])
    )


def _has(shapes: Shapes, name: str, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return all(re.fullmatch(wanted, one) for one in shapes)
    if "*" in name:
        lead = name.partition("*")[0]
        near = (one for one in shapes if one.startswith(lead))
        return any(_is(shapes[one], wanted) for one in near if fnmatchcase(one, name))
    return name in shapes and _is(shapes[name], wanted)


def _is(shape: Sequence[int], wanted: Any) -> bool:
    if wanted is ... or isinstance(wanted, int):
        return wanted in (..., len(shape))
    return len(shape) == len(wanted) and all(
        size in (-1, n) for n, size in zip(shape, wanted, strict=True)
    )
