"""What families do alike: change an activation, and keep autograd off where nobody needs it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Change = Tensor | Callable[[Tensor], Tensor]


def changed(activation: Tensor, change: Change) -> Tensor:
    """An activation (N, C, H, W) with a tensor added, or put through a function.

    A function that ignores its argument replaces the activation.
    """
    moved = change(activation) if callable(change) else activation + change.to(activation)
    return moved.to(activation)


def gradients(*inputs: Change) -> Any:
    """No autograd where no input asks for it, so that memory is reused; a function may ask."""
    asks = any(callable(one) or one.requires_grad for one in inputs)
    return torch.set_grad_enabled(torch.is_grad_enabled() and asks)
