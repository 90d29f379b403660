"""WarpedGANSpace's and ContraCLIP's latents: pools `<hash>/latent_code.pt` (1, D), and
paths_latent_codes.pt.

Tzelepis et al. 2021, 2022. A pool is a folder of such folders, or of pools of one model; a single
latent_code.pt is a pool of one. ContraCLIP keeps latent_code_z.pt (1, D) and, of StyleGANs,
latent_code_w.pt (1, D) and latent_code_w+.pt (L, D), the same code in each layer, truncated as
args.json says. paths_latent_codes.pt (K, T, D) holds K paths of T steps.
"""

import re
from collections.abc import Mapping
from typing import Any

from latty.checkpoints.values import TensorView
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, NO, Codes, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import latent_space, latents, rows
from latty.directions.importing.source import FOLDER, ImportSource, read_json
from latty.text import clean

PATHS = "paths_latent_codes"
FILE = re.compile(r"latent_code(?:_(z|w\+?))?")
CODE = r"(?:[^/]+/){0,2}latent_code(?:_(?:z|w\+?))?\.pt"  # of one pool, or of pools side by side
SETTINGS = r"(?:[^/]+/)?args\.json"
TARGET = re.compile(r"biggan-(\d{1,3})(?:[_-]|$)")
NAMES_LIMIT = 50_000  # a header holds no more
NO_LATENT = "it holds no latent (1, D)"
Z = "taken for z: pools hold what is drawn before the mapping"


def recognise(source: ImportSource) -> int:
    if source.kind == FOLDER:
        inside = bool(source.matching(CODE)) and not source.matching(r"(?:models/)?support_sets.*")
        return CERTAIN if inside else NO
    view = vectors.alone(source)
    if view is None or not source.kind.startswith("torch"):
        return NO
    return CERTAIN if source.stem == PATHS or FILE.fullmatch(source.stem) else NO


def convert(source: ImportSource) -> Imported:
    if source.kind != FOLDER:
        one = _kind(source.path.name)
        return _paths(source) if _is_paths(source) else _pool(source, [source], one)
    names = source.matching(CODE)
    if not names:
        sanitise.refuse(source, "it holds no latent_code.pt", "name the folder of a pool")
    kinds = {_kind(name) for name in names}
    wanted = {"z": ("", "z"), "w": ("w", "w+", "")}.get(source.space, ("", "w", "w+", "z"))
    kind = next((one for one in wanted if one in kinds), None)
    if kind is None:
        there = ", ".join(sorted(kinds))
        sanitise.refuse(source, f"it holds latents in {there}, none in {source.space}")
    chosen = [name for name in names if _kind(name) == kind]
    return _pool(source, [source.open(name) for name in chosen], kind)


def _kind(name: str) -> str:
    """ "z", "w" or "w+" where the name says it."""
    found = FILE.search(name.rpartition("/")[2])
    return (found[1] or "") if found else ""


def _is_paths(source: ImportSource) -> bool:
    view = vectors.alone(source)
    return source.stem == PATHS or (view is not None and len(view.shape) == 3 and view.shape[0] > 1)


def _pool(source: ImportSource, files: list[ImportSource], kind: str) -> Imported:
    views: list[TensorView] = []
    names: list[str] = []
    for file in files:
        view = sanitise.squeezed(vectors.only(file, NO_LATENT))
        if len(view.shape) != 1 + (kind == "w+"):
            sanitise.refuse(file, NO_LATENT)
        views.append(sanitise.reshaped(view, (1, *view.shape)) if kind == "w+" else view)
        names.append(sanitise.name_of(file.path.absolute().parent.name, f"code-{len(names)}"))
    settings = _settings(source)
    model, label = _model(source)
    model = sanitise.text(settings.get("gan")) or model
    space = latent_space(source, "w" if kind.startswith("w") else "z")
    params, notes = _known(settings, label, space)
    header = Codes(space, model, family_of(model), sanitise.unique(names), params=params)
    notes = notes if source.space or kind else [Z, *notes]
    return latents(source, views, header, notes)


def _settings(source: ImportSource) -> Mapping[str, Any]:
    """args.json of the pool, or beside the latent's folder."""
    if source.kind != FOLDER:
        return source.beside("args.json", 1)
    return next((read_json(source.files[name]) for name in source.matching(SETTINGS)), {})


def _known(
    settings: Mapping[str, Any], label: int | None, space: str
) -> tuple[tuple[tuple[str, str | int | float], ...], list[str]]:
    """What the pool knows of how its latents are drawn, and how that is said."""
    known: dict[str, str | int | float] = {}
    notes = []
    psi = sanitise.number(settings.get("truncation"), 1.0)
    if psi != 1.0 and space == "w":
        known = {"truncated": psi, "truncation": 1.0}
        notes.append(f"its codes are truncated at {psi:g} already: leave truncation at 1")
    elif psi != 1.0:
        known["truncation"] = psi
        notes.append(f"drawn with truncation {psi:g}: truncation = {psi:g} in a scene")
    if label is not None:
        known["class"] = label
        notes.append(f"drawn for class {label}, which a scene without a label takes: "
                     f"label = {label}")  # fmt: skip
    return tuple(known.items()), notes


def _model(source: ImportSource) -> tuple[str, int | None]:
    """The generator, and its class, that the folders' names give away: BigGAN-239/BigGAN-239_4."""
    inside = [part for name in list(source.files)[:1] for part in name.split("/")[:-2]]
    outside = reversed(source.path.absolute().parts[-4:])
    for part in [*reversed(inside), *outside]:
        if family_of(part):
            target = TARGET.match(part.lower())
            return clean(part, 60), int(target[1]) if target else None
    return "", None


def _paths(source: ImportSource) -> Imported:
    """Every step of every path as one latent: "p3-07" is step 7 of path 3."""
    view = vectors.only(source, "it holds no paths (K, T, D)")
    if len(view.shape) != 3:
        sanitise.refuse(source, "it holds no paths (K, T, D)")
    count, steps, width = view.shape
    settings = source.beside("args.json", 6)
    space = latent_space(source, "w" if settings.get("shift_in_w_space") is True else "z")
    digits = len(str(steps - 1))
    few = count * steps <= NAMES_LIMIT
    names = tuple(f"p{k}-{t:0{digits}}" for k in range(count) for t in range(steps) if few)
    model = sanitise.text(settings.get("gan_type"))
    each: list[TensorView] = [sanitise.reshaped(row, (steps, width)) for row in rows(view)]
    notes = [f"{count} paths of {steps} steps, one behind the other: step {steps // 2} of each is "
             "where it starts"]  # fmt: skip
    if not source.space:
        notes.append(f"taken for {space} (--space names the other)")
    return latents(source, each, Codes(space, model, family_of(model), names), notes)
