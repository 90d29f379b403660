"""WarpedGANSpace's support sets: paths along gradients of radial basis functions.

Tzelepis et al. 2021. SUPPORT_SETS (K, 2D * d), ALPHAS (K, 2D), LOGGAMMA (K, 1), in an experiment's
models/support_sets.pt, support_sets-<iteration>.pt or checkpoint.pt; args.json says the rest.
ContraCLIP (Tzelepis et al. 2022) keeps the same under models/latent_support_sets.pt.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from latty.checkpoints.values import TensorView
from latty.directions.base import Info
from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.source import FOLDER, ImportSource
from latty.text import clean

if TYPE_CHECKING:
    from torch import Tensor

NAMES = {"SUPPORT_SETS": "support", "ALPHAS": "alphas", "LOGGAMMA": "loggamma"}
FILES = r"(?:models/)?(?:(?:latent_)?support_sets(?:-\d{1,12})?|checkpoint)\.pt"
FINAL = "support_sets.pt"
RANGE = 3.0  # latent units each way: its evaluations walk 6 to 6.4 in all
LOG_LIMIT = 30.0  # of gamma: far beyond what any latent width asks for
UNITS = "strength counts latent units along the path (sigma 1), as its own lengths do"


def recognise(source: ImportSource) -> int:
    if source.kind == FOLDER:
        return LIKELY if any("support_sets" in name for name in source.matching(FILES)) else NO
    return CERTAIN if _tables(source) else NO


def convert(source: ImportSource) -> Imported:
    opened = _newest(source) if source.kind == FOLDER else source
    tables = _tables(opened)
    if not tables:
        sanitise.refuse(opened, "it holds no SUPPORT_SETS, ALPHAS and LOGGAMMA")
    views = {name: tables[key] for key, name in NAMES.items()}
    count, shape = _shape(opened, views)
    settings = opened.beside("args.json", 1) or source.beside("args.json", 1)
    space, notes = _space(source, settings)
    stated = settings.get("gan_type") or settings.get("gan")
    model = sanitise.text(stated) or _folder_model(opened)
    infos = tuple(Info(f"p{k}", 1.0, (-RANGE, RANGE)) for k in range(count))
    told = sanitise.params(settings, importer="warped", source=opened.path.name)
    header = DirectionSet("warped", space, infos, model or "a model of WarpedGANSpace",
                          family_of(model), params=told, form="warped")  # fmt: skip
    return Imported(header, shape, partial(_load, opened, views, shape), (*notes, UNITS))


def _newest(source: ImportSource) -> ImportSource:
    """support_sets.pt, or the latest intermediate one, or the checkpoint."""
    found = source.matching(FILES)
    if not found:
        sanitise.refuse(source, "it holds no support_sets.pt", "name the folder of an experiment")
    final = [name for name in found if name.endswith(FINAL)]
    later = [name for name in found if re.search(r"-\d+\.pt$", name)]  # in natural order
    return source.open((final or later[-1:] or found)[0])


def _tables(source: ImportSource) -> dict[str, TensorView]:
    """The three arrays by name, of a state dict or of a checkpoint that holds one."""
    tree = source.state_dict("support_sets")
    found = {str(key).rpartition(".")[2]: value for key, value in tree.items()}
    return {key: found[key] for key in NAMES} if all(
        key in found and sanitise.is_floats(found[key]) for key in NAMES
    ) else {}  # fmt: skip


def _shape(source: ImportSource, views: Mapping[str, TensorView]) -> tuple[int, tuple[int, ...]]:
    """K, and (K, 2D, d)."""
    support, alphas = views["support"].shape, views["alphas"].shape
    fits = len(alphas) == 2 and len(support) in (2, 3) and support[0] == alphas[0]
    numbers = views["support"].numel
    if not fits or numbers % (alphas[0] * alphas[1]) or alphas[1] % 2:
        what = f"SUPPORT_SETS {list(support)} and ALPHAS {list(alphas)}"
        sanitise.refuse(source, f"{what} do not fit each other")
    shape = (*alphas, numbers // (alphas[0] * alphas[1]))
    if views["loggamma"].shape == alphas and alphas[1] > 1:
        what = "each of its support vectors has a gamma of its own, as in ContraCLIP"
        sanitise.refuse(source, what, "paths with one gamma each can be imported")
    if views["loggamma"].numel != alphas[0] or alphas[0] > sanitise.COUNT_LIMIT:
        what = f"LOGGAMMA {list(views['loggamma'].shape)} does not fit {alphas[0]} paths"
        sanitise.refuse(source, what)
    sanitise.check_directions(source, shape)
    return alphas[0], shape


def _space(source: ImportSource, settings: Mapping[str, Any]) -> tuple[str, list[str]]:
    if source.space:
        return source.space, []
    given = settings.get("shift_in_w_space")
    if isinstance(given, bool):
        return ("w" if given else "z"), []
    named = sanitise.text(settings.get("stylegan_space")).lower()  # ContraCLIP
    if named in ("z", "w"):
        return named, []
    if named:
        sanitise.refuse(source, f"its paths lie in {named.upper()}: paths in z or w can be moved",
                        "take an experiment with --stylegan-space Z or W")  # fmt: skip
    in_w = bool(re.search(r"-w(-|_|$)", f"{source.stem} {source.parent}"))
    space = "w" if in_w else "z"
    return space, [f"no args.json names the space: taken for {space} (--space names the other)"]


def _folder_model(source: ImportSource) -> str:
    """The generator that the experiment's folder is named after."""
    parents = [folder.name for folder in source.path.absolute().parents[:2]]
    named = next((name for name in parents if family_of(name)), "")
    return clean(named.partition("-")[0], 60)


def _load(
    source: ImportSource, views: Mapping[str, TensorView], shape: tuple[int, ...]
) -> "dict[str, Tensor]":
    found = {name: sanitise.tensor(source, view, name) for name, view in views.items()}
    support = found["support"].reshape(shape)
    loggamma = found["loggamma"].reshape(-1)
    if not bool((loggamma.abs() < LOG_LIMIT).all()):
        sanitise.refuse(source, "'loggamma' has values that no latent width asks for")
    for k, alphas in enumerate(found["alphas"]):
        if not bool(alphas.any()):
            sanitise.refuse(source, f"path p{k} has no weights: it leads nowhere")
    return {"support": support, "alphas": found["alphas"], "loggamma": loggamma}
