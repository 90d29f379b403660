"""Pictures projected by NVIDIA's projector.py: projected_w.npz with codes w (N, L, D)."""

from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, NO, Codes, Imported
from latty.directions.importing.sets import latent_space, latents
from latty.directions.importing.source import ImportSource

HOW = "projected codes are not truncated: leave truncation at 1"


def recognise(source: ImportSource) -> int:
    tree = source.table
    if source.kind != "npz" or set(tree) != {"w"}:
        return NO
    return CERTAIN if sanitise.is_floats(tree["w"]) and len(tree["w"].shape) in (2, 3) else NO


def convert(source: ImportSource) -> Imported:
    view = sanitise.floats(source, source.table, "w")
    if len(view.shape) == 2 and view.shape[0] > 1:
        view = sanitise.reshaped(view, (1, *view.shape))  # one picture's codes, squeezed
    return latents(source, [view], Codes(latent_space(source, "w")), [HOW])
