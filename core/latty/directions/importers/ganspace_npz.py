"""GANSpace's basis files: every component of one decomposition, with the spread along each.

Härkönen et al. 2020. Arrays act_comp (C, 1, ...), act_mean, act_stdev (C,), lat_comp (C, 1, D),
lat_mean, lat_stdev (C,), var_ratio (C,), random_stdevs (C,). The file name says the rest:
`MODEL-CLASS_LAYER_ipca_c80_n1000000_w_seed1.npz`. e4e and its kin carry such a basis of w as a
torch file, {"comp", "mean", "std"}: ffhq_pca.pt.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet, Value
from latty.directions.importers.ganspace_pkl import WIDEST, activation
from latty.directions.importing import exporting, sanitise
from latty.directions.importing.base import CERTAIN, NO, Exported, Imported
from latty.directions.importing.model_names import PRIMARY, ganspace_family, ganspace_layer
from latty.directions.importing.sets import Named, linear, rows
from latty.directions.importing.source import ImportSource
from latty.errors import BadData
from latty.text import clean

if TYPE_CHECKING:
    from torch import Tensor

EXPORTS = {"as": "ganspace_npz", "of": "directions", "suffix": ".npz"}
NEEDS = ("lat_comp", "lat_stdev")
E4E = {"lat_comp": "comp", "lat_stdev": "std", "lat_mean": "mean"}
CLASS = re.compile(r"biggan-\d+-(.+)", re.IGNORECASE)
FILE = re.compile(
    r"(?P<model>.+?)_(?P<layer>[^_]*(?:_[^_]*)?)_(?P<estimator>ipca|pca-full|pca|fbpca|ica|spca)_"
    r"c(?P<components>\d{1,6})(?:_.*?)?_n(?P<samples>\d{1,12})(?P<w>_w)?(?:_seed(?P<seed>\d{1,12}))?"
)


def recognise(source: ImportSource) -> int:
    tree = _arrays(source)
    if not all(sanitise.is_floats(tree.get(key)) for key in NEEDS):
        return NO
    return CERTAIN if len(tree["lat_stdev"].shape) == 1 else NO


def _arrays(source: ImportSource) -> dict[Any, Any]:
    """The arrays under GANSpace's own names."""
    tree = source.table
    if "lat_comp" not in tree and all(key in tree for key in E4E.values()):
        return {ours: tree[theirs] for ours, theirs in E4E.items()}
    return tree


def convert(source: ImportSource) -> Imported:
    source = replace(source, tree=_arrays(source))
    said = _name(source)
    family = ganspace_family(str(said.get("model", "")))
    layer = str(said.get("layer", ""))
    space, key, notes = _space(source, layer, family)
    views = _components(source, key, space, layer)
    spread = _column(source, f"{key[:3]}_stdev", len(views), 1.0)
    ratios = _column(source, "var_ratio", len(views), -1.0)
    found = [
        Named(f"c{i}", view, sigma if sigma > 0 else 1.0, (-WIDEST, WIDEST),
              scores=(("var_ratio", ratio),) if ratio >= 0 else ())
        for i, (view, sigma, ratio) in enumerate(zip(views, spread, ratios, strict=True))
    ]  # fmt: skip
    made_for = str(said.get("model", "")) or "a model of GANSpace"
    header = DirectionSet("ganspace", space, (), made_for, family)
    if not said:
        notes.append("the name of the file does not say for which model and layer it was made")
    named = CLASS.fullmatch(made_for) if family.startswith("biggan") else None
    known = {**said, "class": named[1]} if named else said
    return linear(source, found, "ganspace_npz", header, known, notes)


def _name(source: ImportSource) -> dict[str, Value]:
    matched = FILE.fullmatch(source.path.stem)
    if matched is None:
        return {}
    numbers = ("components", "samples", "seed")
    given = {key: text for key, text in matched.groupdict().items() if text is not None}
    return {key: int(text) if key in numbers else clean(text) for key, text in given.items()}


def _space(source: ImportSource, layer: str, family: str) -> tuple[str, str, list[str]]:
    """Space, which components, notes. Latent spreads are all 1 where GANSpace decomposed in Z."""
    if source.space.startswith("activation:"):
        return source.space, "act_comp", []
    if source.space:
        return source.space, "lat_comp", []
    ones = all(sigma == 1.0 for sigma in _column(source, "lat_stdev", -1, 0.0))
    space = "z" if ones else "w"
    notes = [f"taken for {space}: its latent spreads are {'all 1' if ones else 'measured'}"]
    if layer not in PRIMARY:
        here = ganspace_layer(layer, family)
        notes.append(f"--space activation:{here} imports its moves of the activation instead")
    return space, "lat_comp", notes


def _components(source: ImportSource, key: str, space: str, layer: str) -> list[TensorView]:
    view = sanitise.floats(source, source.tree, key)
    if len(view.shape) < 2 or view.shape[0] > sanitise.COUNT_LIMIT:
        sanitise.refuse(source, f"'{key}' has the shape {list(view.shape)}, not (C, 1, D)")
    if space.startswith("activation:"):
        return [activation(row, layer or space) for row in rows(view)]
    return [sanitise.squeezed(row) for row in rows(view)]


def _column(source: ImportSource, key: str, count: int, otherwise: float) -> list[float]:
    """One number per component; `otherwise` for each where the array is missing (count >= 0)."""
    if key not in source.tree and count >= 0:
        return [otherwise] * count
    values = sanitise.squeezed(sanitise.floats(source, source.tree, key)).tolist()
    if count >= 0 and len(values) != count:
        sanitise.refuse(source, f"'{key}' holds {len(values)} numbers for {count} components")
    return [sanitise.number(value, otherwise) for value in values]


def export(header: DirectionSet, arrays: "Mapping[str, Tensor]") -> Exported:
    """A basis: components (K, 1, D) of length 1 and the spread of each. Raises BadData for
    directions with a vector (L, D) per layer."""
    import torch

    array = exporting.vectors(header, arrays, "a basis of GANSpace")
    if array.ndim != 2:
        what = "a basis of GANSpace holds one vector for all layers, and these have one for each"
        raise BadData(what, "--as npy or interfacegan holds them")
    spread = array.norm(dim=1)
    unit, zeros = array / spread[:, None], torch.zeros(len(array))
    ratios = [dict(info.scores).get("var_ratio") for info in header.infos]
    said = torch.tensor([ratio or 0.0 for ratio in ratios])
    notes = ["not in the set, zeros in the file: the mean, random_stdevs"]
    notes += [] if all(ratios) else ["not in the set, zeros in the file: var_ratio"]
    if header.space == "z" and not bool((spread == 1).all()):
        notes.append("a basis of z has spreads of 1, these are measured: --space z on import")
    mean = torch.zeros(1, array.shape[1])
    parts = {"comp": unit[:, None], "mean": mean, "stdev": spread}
    named = {f"{kind}_{word}": part for kind in ("act", "lat") for word, part in parts.items()}
    basis = {**named, "var_ratio": said, "random_stdevs": zeros}
    return Exported({"": basis}, (*notes, *exporting.left_out(header, names=True)))
