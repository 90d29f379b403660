"""The operations of plain networks, each torch.nn's of that name, with the tensors of a file.

Letters: N batch, I O channels, C channels, H W pixels. Features are (N, C, H, W) throughout; a
latent is (N, Z, 1, 1), and what a linear layer gives is (N, O, 1, 1) until it is reshaped.
makers.py makes them of the layers of a Spec.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.errors import BadData
from latty.models.state_dict import TensorReader

Size = tuple[int, int, int]  # C, H, W
Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Linear:
    weight: Tensor  # (O, I)
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x.flatten(1), self.weight, self.bias)[:, :, None, None]


@dataclass(frozen=True, slots=True)
class Conv:
    weight: Tensor  # (O, I / groups, h, w)
    bias: Tensor | None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    mode: str = "constant"  # what lies around the picture: zeros, or a word of F.pad

    def __call__(self, x: Tensor) -> Tensor:
        padding = self.padding
        if self.mode != "constant":
            (h, w), padding = padding, (0, 0)
            x = F.pad(x, (w, w, h, h), self.mode)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


@dataclass(frozen=True, slots=True)
class ConvTranspose:
    weight: Tensor  # (I, O / groups, h, w)
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    output_padding: tuple[int, int]
    groups: int
    dilation: tuple[int, int]

    def __call__(self, x: Tensor) -> Tensor:
        more = self.output_padding, self.groups, self.dilation
        return F.conv_transpose2d(x, self.weight, self.bias, self.stride, self.padding, *more)


@dataclass(frozen=True, slots=True)
class Reshape:
    shape: Size

    def __call__(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch norm with its running statistics, folded: x * scale + shift, each (C, 1, 1)."""

    scale: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.shift, x, self.scale).to(x.dtype)


@dataclass(frozen=True, slots=True)
class LayerNorm:
    shape: tuple[int, ...]  # the trailing axes that are normalised together
    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, *self.shape) if len(self.shape) == 3 else x
        if len(self.shape) == 1 and x.shape[2:] == (1, 1):  # after a linear layer
            flat = x.flatten(1)
        return F.layer_norm(flat, self.shape, self.weight, self.bias, self.eps).reshape(x.shape)


@dataclass(frozen=True, slots=True)
class GroupNorm:
    """Group norm; with as many groups as channels, an instance norm."""

    groups: int
    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.groups, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class PReLU:
    slopes: Tensor  # (1,) or (C,)

    def __call__(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.slopes)


@dataclass(frozen=True, slots=True)
class Residual:
    """layers(x) + shortcut(x); without a shortcut, + x."""

    layers: tuple[Step, ...]
    shortcut: tuple[Step, ...] = ()

    def __call__(self, x: Tensor) -> Tensor:
        return through(self.layers, x) + through(self.shortcut, x)


@dataclass(frozen=True, slots=True)
class Resize:
    """Up-sampling: pixels repeated, or between them, by one of F.interpolate's modes."""

    function: Callable[[Tensor], Tensor]
    sides: tuple[int, int]  # H, W of what it gives

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A function of each number by itself."""

    function: Callable[[Tensor], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


@dataclass(frozen=True, slots=True)
class Function:
    """Any other operation without tensors."""

    function: Callable[[Tensor], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


def through(steps: Iterable[Step], x: Tensor) -> Tensor:
    """Features (N, C, H, W) after the steps, in order."""
    for step in steps:
        x = step(x)
    return x


def is_weighted(step: Step) -> bool:
    """Whether a step is a linear or convolutional one, or a sum that holds one."""
    if isinstance(step, Residual):
        return any(map(is_weighted, (*step.layers, *step.shortcut)))
    return isinstance(step, Linear | Conv | ConvTranspose)


# --- norms from their tensors ---------------------------------------------------------------------


def norm(
    reader: TensorReader, prefix: str, width: int, eps: float = 1e-5, affine: bool = True
) -> BatchNorm:
    """The batch norm of tensors PREFIX.weight, .bias, .running_mean, .running_var, each (C,).
    Raises BadData for a variance of zero without an eps."""
    mean = reader.take(f"{prefix}.running_mean", width).double()
    variance = reader.take(f"{prefix}.running_var", width).double()
    weight, bias = affine_of(reader, prefix, width) if affine else (None, None)
    return folded(prefix, mean, variance, weight, bias, eps)


def affine_of(reader: TensorReader, prefix: str, *shape: int) -> tuple[Tensor, Tensor]:
    """The weight and bias of a norm, each of a shape such as (C,)."""
    return reader.take(f"{prefix}.weight", *shape), reader.take(f"{prefix}.bias", *shape)


def folded(
    prefix: str,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> BatchNorm:
    """(x - mean) / sqrt(variance + eps) * weight + bias, each (C,), as one scale and shift.
    Raises BadData for a variance of zero without an eps."""
    scale = torch.rsqrt(variance.double() + eps)
    if not bool(torch.isfinite(scale).all()):
        raise BadData(
            f"tensor '{prefix}.running_var' is zero and eps is 0", "give the layer an eps"
        )
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale + (0 if bias is None else bias.double())
    return BatchNorm(scale.float()[:, None, None], shift.float()[:, None, None])
