"""Muon for the convolutions, Adam for the rest: fewer steps to the same loss.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". torch's own Muon
takes matrices; a convolution (O, I, k, k) is given to it as the matrix (O, I k k). The update is
scaled to the root mean square of Adam's (Liu et al. 2025, arXiv:2502.16982, section 2.2), so both
share one learning rate.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

ADAM_SHARE = 0.4  # of the rate, for styles, biases and to-RGB, whose gradients are noisier


class MuonAdam:
    """torch.optim.Muon on tensors with four axes and more than one tap, Adam on the others."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float]
    ) -> None:
        every = list(parameters)
        self.kernels = [p for p in every if p.dim() == 4 and p.shape[-1] > 1]
        rest = [p for p in every if not (p.dim() == 4 and p.shape[-1] > 1)]
        self.matrices = [nn.Parameter(p.detach().flatten(1).clone()) for p in self.kernels]
        self.muon = torch.optim.Muon(
            self.matrices, lr, weight_decay=0.0, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.Adam(rest, lr * ADAM_SHARE, betas)

    def set_rate(self, lr: float) -> None:
        """Another learning rate from the next step on."""
        for optimiser, share in ((self.muon, 1.0), (self.adam, ADAM_SHARE)):
            for group in optimiser.param_groups:
                group["lr"] = lr * share

    def zero_grad(self) -> None:
        """Drop every gradient."""
        self.adam.zero_grad()
        for kernel in self.kernels:
            kernel.grad = None

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            matrix.grad = None if kernel.grad is None else kernel.grad.flatten(1)
        self.muon.step()
        self.adam.step()
        with torch.no_grad():
            for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
                kernel.copy_(matrix.view(kernel.shape))

    def state_dict(self) -> dict[str, Any]:
        """The state of both."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, and from the weights as they are now."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        with torch.no_grad():
            for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
                matrix.copy_(kernel.flatten(1))
