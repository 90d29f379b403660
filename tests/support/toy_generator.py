"""A generator small enough to check by hand: used by the tests of directions, edits, attributes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty.models.base import Labels, ModelInfo, sample_normal


class Toy:
    """z (N, 6) -> codes (N, 4, 5) -> pictures (N, 3, 16, 16); three classes if asked for."""

    def __init__(self, classes: int = 0, space: str = "w", digest: str = "toy0") -> None:
        state = torch.Generator().manual_seed(3)
        self.matrix = torch.randn(6, 5, generator=state)
        self.embed = torch.randn(max(classes, 1), 5, generator=state)
        self.paint = torch.randn(20, 3 * 16 * 16, generator=state) / 10
        self.mean = torch.full((5,), 0.3)
        self.info = ModelInfo("toy", "toy", 16, 16, 3, 6, 4, 5, classes, (), space, digest)  # type: ignore[arg-type]
        self.device = torch.device("cpu")

    def sample(self, seeds: Sequence[int]) -> Tensor:
        return sample_normal(seeds, 6)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        w = torch.tanh(z @ self.matrix)
        if label is not None:
            w = w + (label @ self.embed if label.ndim == 2 else self.embed[label])
        return self.truncate(w[:, None].repeat(1, 4, 1), truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        psi = torch.as_tensor(truncation).view(-1, 1, 1)
        moved = torch.lerp(self.mean.expand_as(codes), codes, psi.to(codes))
        inside = torch.arange(4) < (4 if cutoff is None else cutoff)
        return torch.where(inside.view(1, 4, 1), moved, codes)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: object = "const"
    ) -> Tensor:
        return torch.tanh(codes.flatten(1) @ self.paint).view(-1, 3, 16, 16)


class Factored(Toy):
    """Knows its factors: three even ones and a switch, the switch read from layer 2 only."""

    def factor_names(self) -> tuple[str, ...]:
        return ("one", "two", "three", "switch")

    def factors(self, codes: Tensor) -> Tensor:
        mix = torch.eye(5)[:4] + 0.15
        read = torch.stack([codes[:, 0], codes[:, 1], codes.mean(1), codes[:, 2]], 1)
        values = (read * mix).sum(-1)
        return torch.cat([torch.erf(values[:, :3]), torch.sigmoid(5 * values[:, 3:])], 1)
