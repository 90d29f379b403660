"""Directions that are curves: the shift depends on how far, not on where the latent is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latty.directions.base import check_width
from latty.scene import Layers

if TYPE_CHECKING:
    from torch import Tensor

    from latty.models.base import Generator


@dataclass(frozen=True, slots=True, eq=False)
class CurvedDirection:
    """latents + sigma * shift(strength).

    shift  gives (N, width) for amounts (N,), float32 on the CPU; 0 for 0
    sign   -1 goes the other way
    """

    name: str
    space: Literal["z", "w"]
    layers: Layers
    shift: "Callable[[Tensor], Tensor]"
    width: int
    sigma: float
    sign: float = 1.0

    def move(self, latents: "Tensor", strength: "Tensor", generator: "Generator") -> "Tensor":
        """Latents (N, Z) or codes (N, L, D) shifted by strength (N,) sigma. Raises BadData for
        latents of another width."""
        import torch

        check_width(self, self.width, latents, generator.info)
        with torch.no_grad():
            found = self.shift(self.sign * strength.detach().float().cpu())
        moved = self.sigma * found.to(latents)
        return latents + (moved if latents.ndim == 2 else moved[:, None])
