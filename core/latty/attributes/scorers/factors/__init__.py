"""The 23 factors of the embedded portraits (pose, light, hair, smile, ...), read off the picture.

The small network that ships with latty, trained on pictures whose factors are known. Units are the
factors' own, -1..1; glasses is a logit.
"""

from functools import cached_property, lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from latty import home
from latty.attributes.pixels import middle, seen
from latty.attributes.scorers.factors.network import SIZE, Regressor, load_regressor
from latty.checkpoints.checkpoint import digest
from latty.errors import Missing

EXACT = True  # a model that knows its own factors gives them in place of this network
WEIGHTS = "factors.safetensors"  # of its network, which ships
# fmt: off
ATTRIBUTES = (
    "yaw", "pitch", "roll", "pos_x", "pos_y", "scale", "brightness", "light", "skin", "hair_color",
    "hair_length", "fringe", "smile", "mouth_open", "eye_size", "gaze", "brow", "age",
    "face_width", "bg_hue", "shirt_hue", "beard", "glasses",
)
UNITS = (
    "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1",
    "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1", "-1..1",
    "-1..1", "-1..1", "-1..1", "-1..1", "logit",
)
# fmt: on


class FactorScorer:
    """Scores portraits on the renderer's factors; pictures are averaged down to 64 px."""

    names: tuple[str, ...] = ATTRIBUTES
    units = UNITS
    differentiable = True

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home.shipped_dir() / "scorers" / WEIGHTS

    @cached_property
    def digest(self) -> str:
        """Of the network's file. Raises Missing."""
        return digest(_there(self.path))

    def score(self, images: Tensor) -> Tensor:
        """Factors (N, 23) of images (N, 3 or 1, H, W); raises Missing, BadData."""
        images = middle(seen(images), (SIZE, SIZE))
        if images.shape[-2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="area")
        scores: Tensor = _network(self.path, images.device)(images.float().expand(-1, 3, -1, -1))
        return scores


@lru_cache(maxsize=2)
def _network(path: Path, device: torch.device) -> Regressor:
    _there(path)
    with torch.inference_mode(False):  # kept for callers who need gradients, whoever asks first
        return load_regressor(path).to(device)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise Missing(f"there is no file {path.name}", "install latty again")
    return path


SCORER = FactorScorer
