"""A generator that knows two attributes, linear in its codes: what methods must find again."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Planted:
    """Any generator with two factors planted, "up" and "side", along two vectors of its codes.

    These overlap (cosine 0.4), so that one moves with the other unless something is done.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        info = inner.info
        random = torch.Generator().manual_seed(5)
        size = info.num_layers * info.width
        if info.space == "w" or info.z_dim != size:
            size = info.width  # the same in every layer
        up, side = torch.randn(2, size, generator=random).double()
        up = up / up.norm()
        side = side - (side @ up) * up
        self.truth = torch.stack([up, 0.4 * up + 0.84**0.5 * side / side.norm()])  # (2, D)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def factor_names(self) -> tuple[str, ...]:
        return ("up", "side")

    def factors(self, codes: Tensor) -> Tensor:
        flat = codes.double().flatten(1)
        if flat.shape[1] != self.truth.shape[1]:
            flat = codes.double().mean(1)
        return (flat @ self.truth.T).float()

    def synthesis(self, codes: Tensor, *rest: Any, **named: Any) -> Tensor:
        raise AssertionError("who knows its factors needs no picture")


def cosine(a: Tensor, b: Tensor) -> float:
    """Of two vectors, or of all their layers."""
    return float(torch.cosine_similarity(a.double().flatten(), b.double().flatten(), dim=0))


def uncorrelated(generator: Any, seeds: Sequence[int]) -> Tensor:
    """Codes' first layer, or z, of seeds: (N, D) float64."""
    z = generator.sample(seeds)
    return (z if generator.info.space == "z" else generator.mapping(z)[:, 0]).double()
