"""Muon for the convolutions, Adam for the rest: fewer steps to the same loss.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks": the momentum of each
weight matrix is replaced by the nearest semi-orthogonal matrix, found by five Newton-Schulz steps.
A convolution (O, I, k, k) counts as the matrix (O, I k k). The update is scaled to the root mean
square of Adam's (Liu et al. 2025, arXiv:2502.16982, section 2.2), so both share one learning rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ADAM_RMS = 0.2
ADAM_SHARE = 0.4  # of the rate, for styles, biases and to-RGB, whose gradients are noisier


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Roughly U V^T of the singular value decomposition of a (rows, columns) matrix."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.t() if tall else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.t()
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = (x.t() if tall else x).to(matrix)
    return result


class MuonAdam(torch.optim.Optimizer):
    """Muon on tensors with four axes and more than one tap, Adam on the others."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "momentum": 0.95, "eps": 1e-8})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                update = self._muon if p.dim() == 4 and p.shape[-1] > 1 else self._adam
                p.add_(update(p, group), alpha=-group["lr"])

    def _muon(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - group["momentum"])
        assert p.grad is not None
        ahead = torch.lerp(p.grad, state["momentum"], group["momentum"])
        matrix = ahead.flatten(1)
        scale = ADAM_RMS * max(matrix.shape) ** 0.5
        update: Tensor = (orthogonalise(matrix) * scale).view_as(p)
        return update

    def _adam(self, p: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[p]
        if not state:
            state["step"] = torch.zeros(())
            state["first"], state["second"] = torch.zeros_like(p), torch.zeros_like(p)
        (b1, b2), grad = group["betas"], p.grad
        assert grad is not None
        state["step"] += 1
        state["first"].lerp_(grad, 1 - b1)
        state["second"].lerp_(grad.square(), 1 - b2)
        t = float(state["step"])
        first, second = state["first"] / (1 - b1**t), state["second"] / (1 - b2**t)
        update: Tensor = ADAM_SHARE * first / (second.sqrt() + group["eps"])
        return update
