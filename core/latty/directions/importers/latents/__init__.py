"""Latents of any program: arrays (N, D) or (N, L, D) alone, or under the names that people use.

InterFaceGAN's z.npy, w.npy and wp.npy, e4e's and pSp's codes (1, 18, 512), rosinality's projector
({picture: {"latent": ...}}), and whatever else is an array of this shape.
"""

import re
from typing import TYPE_CHECKING, Any, Literal

from latty.checkpoints.values import TensorView
from latty.directions.importers.latents import styles
from latty.directions.importing import evidence, sanitise, vectors
from latty.directions.importing.base import CERTAIN, LIKELY, MAYBE, NO, Codes, Exported, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import latent_space, latents
from latty.directions.importing.source import FOLDER, ImportSource

if TYPE_CHECKING:
    from torch import Tensor

EXPORTS = {"as": "npy", "of": "latents", "suffix": ".npy"}
KEYS = (
    *("latent_codes", "latents", "latent", "codes", "wp", "w_plus", "w_pluses", "ws"),
    *("projected_w", "w", "z", "latent_code", "w_opt", "dlatents", "latent_in"),
)
Z_KEYS = ("z", "zs", "latent_z")
NAMED = re.compile(r"(?:^|[_\-.])(zs?|ws?|wp|w_?plus|dlatents?|latent_codes?_?[zw]p?)(?:$|[_\-.])")
FILES = ("wp.npy", "w.npy", "z.npy")  # of a folder that InterFaceGAN wrote, the richest first
LEAST = 2
FORM = "--space names the other, --as the kind of file"


def recognise(source: ImportSource) -> int:
    if styles.what(source):
        return CERTAIN  # to say what it is
    if source.kind == FOLDER:
        return MAYBE if any(name in source.files for name in FILES) else NO
    told = evidence.weigh(source)
    if told is not None and told.what != evidence.LATENTS:
        return NO
    found = _views(source)
    if not found:
        return NO
    shape = told.view.shape if told is not None else found[0][1].shape
    if not LEAST <= shape[-1] <= vectors.WIDEST or len(shape) > 3 or not source.kind:
        return NO
    if len(shape) == 3 and shape[1] > 40:
        return NO
    return LIKELY if vectors.names_codes(source) or found[0][0] else MAYBE


def convert(source: ImportSource) -> Imported:
    if not source.wanted and (told_styles := styles.what(source)):
        sanitise.refuse(source, told_styles, styles.HINT)
    if source.kind == FOLDER:
        names = [name for name in FILES if name in source.files]
        if not names:
            sanitise.refuse(source, "it holds no wp.npy, w.npy or z.npy", "name a file in it")
        return convert(source.open(names[0]))
    found = _views(source)
    if not found:
        sanitise.refuse(source, "it holds no latents (N, D) or codes (N, L, D)")
    key, axes = found[0][0], list[str]()
    views = [_flat(view, source) for _, view in found]
    told = evidence.weigh(source, evidence.LATENTS)
    if told is not None:
        views, axes = [told.view], [told.note]
    elif len(found) > 1 or _is_one_picture(source, views[0]):
        views = [sanitise.reshaped(v, (1, *v.shape)) if len(v.shape) == 2 and v.shape[0] > 1 else v
                 for v in views]  # fmt: skip
    space, why = _space(source, key, views[0])
    named = tuple(name for name, _ in found if name) if len(found) > 1 else ()
    words = sanitise.unique(sanitise.name_of(n, f"code-{i}") for i, n in enumerate(named))
    model = source.stem if family_of(source.stem) else ""
    notes = axes + ([f"taken for latents in {space}: {why} ({FORM})"] if why else [])
    if space == "w":
        notes.append("codes are used as they are: truncation 1 leaves them so")
    return latents(source, views, Codes(space, model, family_of(model), words), notes)


def _is_one_picture(source: ImportSource, view: TensorView) -> bool:
    """Whether (L, D) holds the codes of one picture rather than L pictures: its name says so."""
    layered = len(view.shape) == 2 and view.shape[0] in vectors.KNOWN_LAYERS
    named = NAMED.search(source.stem)
    word = named[1] if named else ""
    return layered and (word.endswith("p") or "plus" in word or word.startswith("dlatent"))


def _views(source: ImportSource) -> list[tuple[str, TensorView]]:
    """The arrays of latents in a file, each with its key; no key for an array alone."""
    alone = source.tree if sanitise.is_floats(source.tree) else None
    if alone is not None:
        return [("", alone)]
    tree: Any = source.tree
    if isinstance(tree, list | tuple):
        tree = {f"code-{i}": value for i, value in enumerate(tree[: sanitise.COUNT_LIMIT])}
        return _same(tree)
    if not isinstance(tree, dict):
        return []
    known: dict[str, Any] = {str(key).lower(): value for key, value in tree.items()}  # "Latent"
    for key in KEYS:
        value = known.get(key)
        if isinstance(value, list) and value:  # of StyleFlow, one by one
            found = _same({str(i): view for i, view in enumerate(value[: sanitise.COUNT_LIMIT])})
            return [("", view) for _, view in found]
        if isinstance(value, TensorView) and sanitise.is_floats(value):
            flat = len(sanitise.squeezed(value).shape) <= 3
            return [(key, _flat(value, source))] if flat else []
    projected = {
        str(key): value["latent"]
        for key, value in list(tree.items())[: sanitise.COUNT_LIMIT]
        if isinstance(value, dict) and "latent" in value
    }
    return _same(projected) if len(projected) == len(tree) else []


def _same(table: dict[str, Any]) -> list[tuple[str, TensorView]]:
    """Latents one by one; none unless every value is one, all of one width."""
    found = [(key, value) for key, value in table.items() if sanitise.is_floats(value)]
    widths = {view.shape[-1:] for _, view in found}
    return found if len(found) == len(table) and len(widths) == 1 else []


def _flat(view: TensorView, source: ImportSource) -> TensorView:
    """ProGAN's (N, D, 1, 1) and other left-over axes taken away."""
    shape = view.shape
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    while len(shape) > 3 and 1 in shape[:-1]:
        at = shape[:-1].index(1)
        shape = shape[:at] + shape[at + 1 :]
    if len(shape) > 3 or not shape:
        sanitise.refuse(source, f"{list(view.shape)} is no shape of latents")
    return sanitise.reshaped(view, shape)


def _space(source: ImportSource, key: str, view: TensorView) -> tuple[Literal["z", "w"], str]:
    """z or w, and why where nobody said it."""
    if source.space:
        return latent_space(source, "w"), ""
    if len(view.shape) == 3:
        return "w", ""
    named = NAMED.search(source.stem)
    word = key if key and len(key) <= 2 else (named[1] if named else "")
    if word in Z_KEYS or word.endswith("z"):
        return "z", ""
    if word:
        return "w", ""
    if source.kind == "npz" and key.startswith("w"):
        return "w", ""
    if vectors.looks_normal(view):
        return "z", "its numbers are as normal samples are"
    return "w", "its numbers are not as normal samples are"


def export(header: Codes, array: "Tensor", layers: int = 0) -> Exported:
    """The array (N, Z), (N, D) or (N, L, D) as it is."""
    names = (f"names: {', '.join(header.names)}",) if header.names else ()
    left = tuple(f"not in the file: {line}" for line in (f"space {header.space}", *names))
    return Exported({"": {"": array}}, left)
