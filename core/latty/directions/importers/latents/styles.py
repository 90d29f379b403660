"""Styles of StyleSpace and StyleCLIP (S), told apart by shape: latty has no style space.

Wu et al. 2021, Patashnik et al. 2021. A pickle `S` holds [names, [(N, C) of each layer]],
`S_mean_std` [[mean], [std]], that of stylegan3-editing {layer: (N, C)}; the mapper's latents are a
list of tensors (N, 1, C, 1, 1), `S_Flat.npy` all channels in a row. Styles are what the affine
layers of a code give, and the code lies beside them: W.npy.
"""

from typing import Any

from latty.checkpoints.values import TensorView
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.source import ImportSource

FLAT = (9088, 6048)  # channels of a StyleGAN2 of 1024 px: all, and without those of to-RGB
LEAST_LAYERS = 8
HINT = "take the codes that they came from: W.npy, latents.pt (latty import FILE --space w)"


def what(source: ImportSource) -> str:
    """What it holds, in words; "" for anything but styles."""
    view = vectors.alone(source)
    if view is not None:
        flat = len(view.shape) == 2 and (view.shape[1] in FLAT or source.stem == "s_flat")
        words = f"styles (S) of {view.shape[0]} pictures, {view.shape[-1]} channels in a row"
        return f"it holds {words}: latty starts at z or w" if flat else ""
    tree: Any = source.tree
    if isinstance(tree, list | tuple) and len(tree) == 2 and _is_list(tree[1]):
        first = _layers(tree[0])
        if first and len(first) == len(_layers(tree[1])):
            return f"it holds the mean and spread of styles (S) of {len(first)} layers: no latents"
        tree = tree[1] if all(isinstance(name, str) for name in tree[0]) else []
    found = _layers(list(tree.values()) if isinstance(tree, dict) else tree)
    if not found or {len(one.shape) for one in found} == {1}:
        return ""
    count = found[0].shape[0]
    return f"it holds styles (S) of {len(found)} layers of {count} pictures: latty starts at z or w"


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _layers(value: Any) -> list[TensorView]:
    """Arrays (N, C) or (C,) of many layers that are not all equally wide; [] for all else."""
    views = list(value) if _is_list(value) else []
    if len(views) < LEAST_LAYERS or not all(sanitise.is_floats(view) for view in views):
        return []
    shapes = [sanitise.squeezed(view).shape for view in views]
    counts = {view.shape[0] for view in views if len(view.shape) > 1}
    widths = {shape[-1] for shape in shapes}
    good = len(widths) > 1 and len(counts) <= 1 and all(len(shape) <= 2 for shape in shapes)
    return views if good else []
