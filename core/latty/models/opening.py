"""Any file to a generator: which part of it, by which layout or family, and why not.

A file goes through `latty.checkpoints`, which runs nothing of it, and is cut into parts; the first
that an entry's SIGNATURE fits is converted to its family's layout and built.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.checkpoints import open_checkpoint, weights
from latty.checkpoints.checkpoint import Checkpoint, digest
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import spec as models_spec
from latty.models.parts import Converted, Part, parts
from latty.models.recognition import Recognised, check_given, recognise
from latty.models.registries import FAMILIES, LAYOUTS, built, family_of_header
from latty.text import clean

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from latty.models.base import Generator

MISFIT = (RuntimeError, IndexError, KeyError, TypeError, ValueError)  # torch, on odd shapes
GUIDE = "see docs/checkpoints.md"
# What a look at a file's pictures told this process, by family and digest: opening then says it.
LOOKED: dict[tuple[str, str], tuple[str, ...]] = {}
# The file that was looked at last, and when it was written: not to be read twice.
_READ: dict[tuple[Path, tuple[int, ...]], Checkpoint] = {}
PLAIN = "a plain network can be described: latty inspect FILE --spec drafts a spec for it"


def opened(
    file: Path | None,
    name: str,
    changed: tuple[int, ...],
    device: "torch.device",
    precision: str = "fp32",
) -> "Generator":
    """A generator; of a file that was looked at when its files had changed at these times, in ns,
    what was read then. file: None for a family that needs none and is called `name`. Raises
    Missing, OutputError, BadData."""
    if file is None:
        return built(name, {}, {"name": name}, device, precision)
    read = _READ.pop((file, changed), None)
    return build(convert(file, kept=False, read=read), file, name, device, precision=precision)


def look(file: Path, changed: tuple[int, ...]) -> None:
    """Read a file as far as that needs no torch, and keep that for `opened`. Raises Missing,
    OutputError, BadData."""
    _READ.clear()
    try:
        checkpoint = open_checkpoint(file)
        _recognised(checkpoint)
    except BadData as error:
        raise _about(error, file, None) from None
    _READ[file, changed] = checkpoint


def build(
    model: Converted,
    file: Path,
    name: str,
    device: "torch.device",
    spec: Path | None = None,
    precision: str = "fp32",
) -> "Generator":
    """The generator of a converted file. Raises BadData, which names the file; PresetError where
    its tensors do not fit the architecture file `spec`."""
    notes = "\n".join(model.notes)
    meta = {**model.meta, "name": name, "digest": digest(file), "notes": notes}
    meta.pop("precision", None)  # how it is opened, the file does not say
    model.stamps.check()  # else the digest is another file's
    try:
        return built(model.family, model.tensors, meta, device, precision)
    except BadData as error:
        raise _about(error, file, spec) from None
    except (KeyError, IndexError):  # a name or axis that the family took for granted
        what = f"its tensors do not fit together as those of {model.family} do"
        raise Refusal("wrong-shape", what, weights.OTHER, file.name) from None


def convert(
    file: Path,
    spec: Path | None = None,
    given: Mapping[str, Any] | None = None,
    kept: bool = True,
    read: Checkpoint | None = None,
) -> Converted:
    """A file in the layout of one of our families. Raises Missing, OutputError, BadData; UsageError
    for a setting that its family does not have.

    spec    an architecture file, for plain stacks whose strides no checkpoint holds
    given   settings that the user states, as if they lay beside the file
    kept    it becomes a file of ours: its family looks at its pictures, which takes seconds
    read    the file, where it is open
    """
    architecture = _read_spec(spec) if spec else ""
    try:
        checkpoint = replace(read or open_checkpoint(file), given=given or {})
        model = convert_checkpoint(checkpoint, architecture, kept)
    except BadData as error:
        raise _about(error, file, spec) from None
    marked = models_spec.still_marked(spec) if spec else ()
    return replace(model, notes=(*model.notes, *marked), stamps=checkpoint.stamps)


def convert_checkpoint(
    checkpoint: Checkpoint, architecture: str = "", kept: bool = True
) -> Converted:
    """A checkpoint that is open, likewise; `architecture` as JSON. Raises BadData for one without
    a generator of a known layout."""
    found = _recognised(checkpoint, architecture)
    check_given(found)
    return _by_layout(found) if found.by_layout else _by_family(found, kept)


def _recognised(checkpoint: Checkpoint, architecture: str = "") -> Recognised:
    """The generator in a file. Raises BadData."""
    if (found := recognise(checkpoint, architecture)) is None:
        raise _unknown(checkpoint, list(parts(checkpoint)))
    return found


def _read_spec(path: Path) -> str:
    """A checked architecture file as JSON; raises PresetError with every fault and its place."""
    return models_spec.read(path).to_json()


def _about(error: BadData, file: Path, spec: Path | None) -> BadData:
    """The same error, naming the file, or the place in the spec that does not fit it."""
    if spec is not None and isinstance(error, models_spec.Misfit):
        return models_spec.placed(error, spec)
    if clean(file.name) in error.message:
        return error
    if isinstance(error, Refusal):
        return error.about(file.name)
    return BadData(f"{clean(file.name)}: {error.message}", error.hint)


def _by_layout(found: Recognised) -> Converted:
    part = found.part
    weights.check_all(part.tensors)
    entry = LAYOUTS.load(found.origin)
    try:
        converted = entry.convert(part)
    except MISFIT:
        what = f"its tensors do not fit together as those of {found.origin} do"
        raise Refusal("wrong-shape", what, weights.OTHER) from None
    header = {"family": found.family, "origin": found.origin}
    notes = (*converted.notes, *_unread(entry, part))
    model = _stored(part, converted.tensors, {**header, **converted.meta}, notes)
    return replace(model, companion=converted.companion)


def _by_family(found: Recognised, kept: bool) -> Converted:
    """The family's own layout: what latty wrote itself, as it is, or a file of others. The header
    then says what lies beside the tensors: "beside" = config.json or args.json, "spec" = the
    architecture, both as JSON."""
    part, meta = found.part, dict(found.part.checkpoint.meta)
    if family_of_header(meta) and not part.spec:
        notes = tuple(line for line in meta.get("notes", "").split("\n") if line)
        return Converted(part.lent(), meta, notes)
    weights.check_all(part.tensors)
    if part.beside:
        meta["beside"] = json.dumps(part.beside)
    if part.spec:
        meta["spec"] = part.spec
    family: Any = FAMILIES.load(found.family)
    header = {"family": found.family, "origin": found.origin}
    model = _stored(part, part.torch(), {**meta, **header}, _unread(family, part))
    model = family.prepare(part, model) if hasattr(family, "prepare") else model
    if not hasattr(family, "look"):
        return model
    key = found.family, digest(part.checkpoint.path)
    if kept:
        LOOKED[key] = family.look(model)
    return replace(model, notes=(*model.notes, *LOOKED.get(key, ())))


def _unread(entry: Any, part: Part) -> tuple[str, ...]:
    """A note that names the settings beside a file that its entry does not look at."""
    from latty.models.state_dict import unused

    words = ("SETTINGS", "ONLY", "KNOWN")
    known = {key for word in words for key in getattr(entry, word, ())}
    return () if getattr(entry, "REMARKS", False) else unused(part.beside, known)


def _stored(
    part: Part, tensors: "dict[str, Tensor]", meta: dict[str, str], notes: tuple[str, ...] = ()
) -> Converted:
    licence = {"license": part.checkpoint.licence} if part.checkpoint.licence else {}
    # In one piece each, as the store keeps them: sums are then rounded the same way.
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    given = ", ".join(f"{key} = {value}" for key, value in part.checkpoint.given.items())
    said = (f"stated by the user: {clean(given)}",) if given else ()
    notes = (*notes, *said, *part.left_out)
    return Converted(whole, {"kind": "generator", **meta, **licence}, notes)


def _unknown(checkpoint: Checkpoint, candidates: Sequence[Part]) -> Refusal:
    """Words for a well-formed file that holds no generator of a known layout."""
    code, file = "unknown-architecture", checkpoint.path.name
    if not any(part.views for part in candidates):
        checkpoint.weights()  # raises Refusal for lists, and where there are no numbers at all
    views = checkpoint.views()
    if not any(view.dtype[1] == "f" for view in views.values()):
        return checkpoint.no_model("it holds no weights, only whole numbers or text")
    if not candidates or _looks_like_critic(views):
        what = "it holds a discriminator, which judges pictures and makes none"
        return Refusal(code, what, "name the file of the generator", file)
    names = ", ".join(f"'{clean(name, 40)}'" for name in list(views)[:3])
    what = f"it holds no generator that latty knows; its tensors begin with {names}"
    return Refusal(code, what, f"{PLAIN}; {GUIDE}", file)


def _looks_like_critic(views: Any) -> bool:
    """Ends in one number per picture, or has what only discriminators have."""
    if any(word in name.lower() for name in views for word in ("discriminator", "mbstd", "netd.")):
        return True
    shapes = [view.shape for view in views.values() if len(view.shape) in (2, 4)]
    first = next((shape for shape in shapes if len(shape) == 4), None)
    return first is not None and first[1] in (1, 3, 4) and shapes[-1][0] == 1
