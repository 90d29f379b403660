"""Twig: a family of two small matrices. z (N, 6) -> codes (N, 2, 5) -> pictures (N, 3, 16, 16)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, fitting_label

SIGNATURE = {"twig.mapping": 2, "twig.paint": 2}
NOISE = False


class Twig:
    """A generator."""

    def __init__(self, tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> None:
        with torch.inference_mode(False):  # gradients are wanted of it, whoever opens it
            self.matrix = tensors["twig.mapping"].clone().to(device)
            self.paint = tensors["twig.paint"].clone().to(device)
        sizes = {"resolution": 16, "channels": 3, "z_dim": 6, "num_layers": 2, "width": 5}
        self.info = ModelInfo.of(meta, "twig", **sizes)
        self.device = device

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents (N, 6)."""
        return sample_normal(seeds, 6).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, 2, 5) of latents (N, 6)."""
        fitting_label(self.info, label, len(z), self.device)
        codes = torch.tanh(z @ self.matrix)[:, None].repeat(1, 2, 1)
        return self.truncate(codes, truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, 2, 5) moved toward 0."""
        factor = torch.as_tensor(truncation).view(-1, 1, 1).to(codes)
        inside = torch.arange(2, device=codes.device) < (2 if cutoff is None else cutoff)
        return torch.where(inside.view(1, 2, 1), codes * factor, codes)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: object = "const"
    ) -> Tensor:
        """Images (N, 3, 16, 16)."""
        codes = fitting_codes(self.info, codes, self.device)
        fitting_label(self.info, label, len(codes), self.device)
        return torch.tanh(codes.flatten(1) @ self.paint).view(-1, 3, 16, 16)


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> Twig:
    """The generator of mapping (6, 5) and paint (10, 768)."""
    return Twig(tensors, meta, device)


def example() -> tuple[dict[str, Tensor], dict[str, str]]:
    """A random one."""
    draw = torch.Generator().manual_seed(1)
    mapping = torch.randn(6, 5, generator=draw)
    return {"twig.mapping": mapping, "twig.paint": torch.randn(10, 768, generator=draw) / 4}, {}
