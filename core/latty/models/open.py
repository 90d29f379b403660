"""Any file to a generator: which part, which origin or family, and the words where there is none.

A file that latty wrote goes straight to its family. A stranger's goes through `latty.checkpoints`,
which runs nothing of it, is cut into parts, and is converted by the first that knows its layout.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.checkpoints import open_checkpoint, weights
from latty.checkpoints.checkpoint import Checkpoint, digest
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.safetensors import read_header, read_tensors
from latty.errors import BadData
from latty.models.parts import Converted, Part, parts
from latty.models.registries import FAMILIES, LAYOUTS
from latty.text import clean

if TYPE_CHECKING:
    import torch

    from latty.models.base import Generator, Meta, Shapes

MISFIT = (RuntimeError, IndexError, KeyError, TypeError, ValueError)  # torch, on odd shapes
PLAIN_FAMILY = "plain"  # what an architecture file describes
GUIDE = "see docs/checkpoints.md"
PLAIN = "a plain stack of layers can be described: latty import FILE --spec architecture.toml"


Opened = tuple["Generator", tuple[str, ...]]


@lru_cache(maxsize=2)
def opened(file: Path, name: str, mtime_ns: int, device: "torch.device") -> Opened:
    """A generator and the notes of its conversion, once per content: `mtime_ns` is a key only."""
    model = convert(file)
    return build(model, file, name, device), model.notes


def build(model: Converted, file: Path, name: str, device: "torch.device") -> "Generator":
    """The generator of a converted file; every error names the file."""
    meta = {**model.meta, "name": name, "digest": digest(file)}
    try:
        entry = FAMILIES.load(model.family)
        generator: Generator = entry.build(model.tensors, meta, device)
    except BadData as error:
        raise _about(error, file) from None
    except (KeyError, IndexError):  # a name or axis that the family took for granted
        what = f"its tensors do not fit together as those of {model.family} do"
        raise Refusal("wrong-shape", what, weights.OTHER, file.name) from None
    return generator


def convert(file: Path, spec: Path | None = None) -> Converted:
    """A file in the layout of one of our families; raises Missing, OutputError, BadData.

    spec    an architecture file, for plain stacks whose strides no checkpoint holds
    """
    ours = None if spec else _ours(file)
    if ours is not None:
        return ours
    told = _read_spec(spec) if spec else ""
    try:
        return _foreign(open_checkpoint(file), told)
    except BadData as error:
        raise _about(error, file) from None


def _read_spec(path: Path) -> str:
    """A checked architecture file as JSON; raises PresetError with every fault and its place."""
    from latty.models import spec as models_spec

    return models_spec.read(path).to_json()


def _about(error: BadData, file: Path) -> BadData:
    """The same error, naming the file."""
    if clean(file.name) in error.message:
        return error
    if isinstance(error, Refusal):
        return error.about(file.name)
    return BadData(f"{clean(file.name)}: {error.message}", error.hint)


def _ours(file: Path) -> Converted | None:
    """What latty wrote itself: the header names the family, and the family agrees."""
    try:
        header = read_header(file)
    except BadData:
        return None  # no safetensors file, or a damaged one: the strict reader will tell
    family = header.meta.get("family", "")
    if header.meta.get("kind") != "generator" or family not in FAMILIES:
        return None
    entry = FAMILIES.load(family)
    if not hasattr(entry, "recognise") or not entry.recognise(header.shapes, header.meta):
        return None
    notes = tuple(line for line in header.meta.get("notes", "").split("\n") if line)
    return Converted(family, read_tensors(file), dict(header.meta), notes)


def _foreign(checkpoint: Checkpoint, spec: str) -> Converted:
    candidates = list(parts(checkpoint, spec))
    if not any(part.views for part in candidates):
        checkpoint.weights()  # raises Refusal for lists, and where there are no numbers at all
    for part in candidates:
        converted = _by_family(part) if spec else _by_origin(part) or _by_family(part)
        if converted is not None:
            licence = {"license": checkpoint.licence} if checkpoint.licence else {}
            # In one piece each, as the store keeps them: sums are then rounded the same way.
            tensors = {name: tensor.contiguous() for name, tensor in converted.tensors.items()}
            return replace(converted, tensors=tensors, meta={**converted.meta, **licence})
    raise _unknown(checkpoint, candidates)


def _by_origin(part: Part) -> Converted | None:
    for name, origin in LAYOUTS.loaded():
        if origin.recognise(part):
            weights.check_all(part.tensors)
            try:
                converted: Converted = origin.convert(part)
            except MISFIT:
                what = f"its tensors do not fit together as those of {name} do"
                raise Refusal("wrong-shape", what, weights.OTHER) from None
            return _with_origin(converted, name)
    return None


def _with_origin(converted: Converted, origin: str) -> Converted:
    meta = {"kind": "generator", "family": converted.family, "origin": origin, **converted.meta}
    return replace(converted, meta=meta)


def _by_family(part: Part) -> Converted | None:
    """A family whose own layout the part has; `meta` tells it what lies beside the tensors.

    "beside" = config.json or args.json beside the file, "spec" = the architecture; both JSON.
    """
    meta = dict(part.checkpoint.meta)
    if part.beside:
        meta["beside"] = json.dumps(part.beside)
    if part.spec:
        meta["spec"] = part.spec
    for family in [PLAIN_FAMILY] if part.spec else _families(part.shapes, meta):
        weights.check_all(part.tensors)
        own = {"kind": "generator", "family": family, "origin": family}
        return Converted(family, part.torch(), {**meta, **own})
    return None


def _families(shapes: "Shapes", meta: "Meta") -> list[str]:
    """Every family that recognises the tensors, in the order of their names."""
    found = []
    for family, entry in FAMILIES.loaded():
        if hasattr(entry, "recognise") and entry.recognise(shapes, meta):
            found.append(family)
    return found


def _unknown(checkpoint: Checkpoint, candidates: Sequence[Part]) -> Refusal:
    """Words for a well-formed file that holds no generator of a known layout."""
    code, file = "unknown-architecture", checkpoint.path.name
    views = checkpoint.views()
    if not views:
        return checkpoint.no_model("it holds no numbers")
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
