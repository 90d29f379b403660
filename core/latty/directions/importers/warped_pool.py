"""WarpedGANSpace's latents: pools `<hash>/latent_code.pt` (1, D), and paths_latent_codes.pt.

Tzelepis et al. 2021. A pool is a folder of such folders, or of pools of one model; a single
latent_code.pt is a pool of one. paths_latent_codes.pt (K, T, D) holds K paths of T steps.
"""

import re

from latty.checkpoints.values import TensorView
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, NO, Codes, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import latent_space, latents, rows
from latty.directions.importing.source import FOLDER, ImportSource
from latty.text import clean

FILE, PATHS = "latent_code", "paths_latent_codes"
CODE = rf"(?:[^/]+/){{0,2}}{FILE}\.pt"  # of one pool, or of pools side by side
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
    return CERTAIN if source.stem in (FILE, PATHS) else NO


def convert(source: ImportSource) -> Imported:
    if source.kind != FOLDER:
        return _paths(source) if _is_paths(source) else _pool(source, [source])
    names = source.matching(CODE)
    if not names:
        sanitise.refuse(source, f"it holds no {FILE}.pt", "name the folder of a pool")
    return _pool(source, [source.open(name) for name in names])


def _is_paths(source: ImportSource) -> bool:
    view = vectors.alone(source)
    return source.stem == PATHS or (view is not None and len(view.shape) == 3 and view.shape[0] > 1)


def _pool(source: ImportSource, files: list[ImportSource]) -> Imported:
    views: list[TensorView] = []
    names: list[str] = []
    for file in files:
        view = sanitise.squeezed(vectors.only(file, NO_LATENT))
        if len(view.shape) != 1:
            sanitise.refuse(file, NO_LATENT)
        views.append(view)
        names.append(sanitise.name_of(file.path.absolute().parent.name, f"code-{len(names)}"))
    model, label = _model(source)
    space = latent_space(source, "z")
    header = Codes(space, model, family_of(model), sanitise.unique(names))
    notes = [] if source.space else [Z]
    if label is not None:
        notes.append(f"drawn for class {label}: label = {label} in a scene")
    return latents(source, views, header, notes)


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
