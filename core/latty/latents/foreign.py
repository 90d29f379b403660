"""Latents in files of others: .npy, .npz, tensors saved by PyTorch; found by content, never run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from latty.checkpoints import open_checkpoint
from latty.errors import BadData
from latty.latents.found import Found

if TYPE_CHECKING:
    from latty.checkpoints.values import TensorView

# What InterFaceGAN, NVIDIA's projector, Puzer's encoder, e4e, SeFa and WarpedGANSpace call them.
KEYS = {
    **dict.fromkeys(("wp", "w_plus", "w", "projected_w", "dlatents"), "w"),
    "z": "z",
    **dict.fromkeys(("latents", "latent_codes", "latent_code", "codes"), ""),
}


def look(path: Path, space: str) -> Found:
    """A file of others, `space` as far as it was told. Raises BadData."""
    views = open_checkpoint(path).views()
    key = _key(path, views, space)
    view = views[key]
    shape = view.shape if len(view.shape) > 1 else (1, *view.shape)
    space = space or KEYS.get(key.rpartition(".")[2]) or ("w" if len(shape) == 3 else "")
    if view.dtype[-2:] not in ("f2", "f4", "f8") or not 2 <= len(shape) <= 3 or 0 in shape:
        raise BadData(
            f"{path.name} holds {view!r}, which are no latents",
            "latents are floats (N, Z), (N, D) or (N, layers, D)",
        )
    return Found(path, key, space, shape)


def _key(path: Path, views: "Mapping[str, TensorView]", space: str) -> str:
    """Which of a file's arrays holds the latents: the only one, or the best known name."""
    if len(views) == 1:
        return next(iter(views))
    for word, means in KEYS.items():
        named = [key for key in views if key.rpartition(".")[2] == word]
        if len(named) == 1 and means in ("", space or means):
            return named[0]
    there = ", ".join([*views][:6]) or "no numbers"
    wanted = ", ".join(word for word, means in KEYS.items() if means in ("", space or means))
    raise BadData(f"{path.name} holds {there:.200}; which are the latents?", f"name them {wanted}")
