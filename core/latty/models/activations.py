"""What families do alike: change an activation, and keep autograd off where nobody needs it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from latty.errors import UsageError

if TYPE_CHECKING:  # torch takes seconds to import: what a generator is can be said without it
    from torch import Tensor

Change: TypeAlias = "Tensor | Callable[[Tensor], Tensor]"
Changes = Mapping[str, Change]  # by the name of the layer

UNCHANGED: Changes = MappingProxyType({})


def changed(activation: "Tensor", change: Change) -> "Tensor":
    """An activation (N, C, H, W) with a tensor added, or put through a function.

    A function that ignores its argument replaces the activation; one picture's (1, C, H, W)
    replaces those of all. Raises UsageError for another shape.
    """
    if callable(change):
        moved, wide = change(activation), activation.shape[1:]
        if tuple(moved.shape) == (1, *wide):
            moved = moved.expand(activation.shape)
        if moved.shape != activation.shape:
            raise _misfit(activation, "a function must give that", moved)
        return moved.to(activation)
    try:
        return activation + change.to(activation).expand_as(activation)
    except RuntimeError:
        raise _misfit(activation, "what is added must broadcast to that", change) from None


def _misfit(activation: "Tensor", words: str, found: "Tensor") -> UsageError:
    return UsageError(
        f"the activation is {tuple(activation.shape)}: {words}, not {tuple(found.shape)}"
    )


def gradients(*inputs: "Change | None") -> Any:
    """No autograd where no input asks for it, so that memory is reused; a function may ask."""
    import torch

    asks = any(callable(one) or (one is not None and one.requires_grad) for one in inputs)
    return torch.set_grad_enabled(torch.is_grad_enabled() and asks)
