"""Pictures projected by NVIDIA's projector.py: projected_w.npz with codes w (N, L, D)."""

from typing import TYPE_CHECKING

from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, NO, Codes, Exported, Imported
from latty.directions.importing.sets import latent_space, latents
from latty.directions.importing.source import ImportSource
from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

EXPORTS = {"as": "projected_w", "of": "latents", "suffix": ".npz"}
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


def export(header: Codes, array: "Tensor", layers: int = 0) -> Exported:
    """Codes w (N, L, D), one picture's or several's; codes (N, D) need the number of layers. Raises
    BadData for z."""
    if header.space != "w":
        raise BadData("projected_w.npz holds codes of w, and these are z", "--as npy holds z")
    if array.ndim == 2 and layers < 2:
        what = "projected_w.npz holds codes of each layer, and these are one for all"
        raise BadData(what, "--layers N says how many layers the model has")
    codes = array if array.ndim == 3 else array[:, None].expand(-1, layers, -1)
    left = (f"not in the file: names: {', '.join(header.names)}",) if header.names else ()
    return Exported({"": {"w": codes}}, left)
