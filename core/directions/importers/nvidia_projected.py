"""Pictures projected by NVIDIA's projector.py: projected_w.npz with codes w (N, L, D)."""

from core.directions.importers import _clean
from core.directions.importers._base import CERTAIN, NO, Codes, Imported
from core.directions.importers._sets import latent_space, latents
from core.directions.importers._source import Source

HOW = "projected codes are not truncated: leave truncation at 1"


def recognise(source: Source) -> int:
    tree = source.tree
    if source.kind != "npz" or not isinstance(tree, dict) or set(tree) != {"w"}:
        return NO
    return CERTAIN if _clean.is_floats(tree["w"]) and len(tree["w"].shape) in (2, 3) else NO


def convert(source: Source) -> Imported:
    tree = source.tree if isinstance(source.tree, dict) else {}
    view = _clean.floats(source, tree, "w")
    if len(view.shape) == 2 and view.shape[0] > 1:
        view = _clean.reshaped(view, (1, *view.shape))  # one picture's codes, squeezed
    return latents(source, [view], Codes(latent_space(source, "w")), [HOW])
