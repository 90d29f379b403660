"""What a generator is: one small Protocol, and a Protocol for each thing only some can do.

registries.py says what an entry of families/ must have to make one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from latty.models.activations import UNCHANGED, Changes
from latty.scene import FP32, Noise
from latty.scene import Label as Label  # beside Labels, which it becomes

if TYPE_CHECKING:  # torch takes seconds to import: what a generator is can be said without it
    import torch
    from torch import Tensor

Meta = Mapping[str, str]
Shapes = Mapping[str, Sequence[int]]
# None, class indices (N,) int64, or weights (N, classes) float32. Those of latty lie on the host: a
# generator checks them, and a GPU would have to be waited for.
Labels: TypeAlias = "Tensor | None"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a generator says about itself.

    height, width_px  of its pictures; they need not be square
    channels     1 grey, 3 colours, 4 colours and opacity; of others the first ones are shown
    num_layers   L of its codes (N, L, D), D = width
    class_names  in the order of the labels; () where nobody named them
    space        where directions act best: "w" (codes) or "z" (before the mapping)
    notes        what was made up because the model's file does not hold it, or is not shown
    differentiable  whether gradients of pictures reach the codes
    precision    the numbers in which its layers compute: fp32, bf16 or fp16
    """

    name: str
    family: str
    height: int
    width_px: int
    channels: int
    z_dim: int
    num_layers: int
    width: int
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    space: Literal["z", "w"] = "w"
    digest: str = ""
    notes: tuple[str, ...] = ()
    differentiable: bool = True
    precision: str = FP32

    @property
    def lacks_gradients(self) -> str:
        """One line that says that no gradient reaches its codes; "" where they do."""
        return "" if self.differentiable else f"{self.name} ({self.family}) has no gradients"

    def numbers(self, device: object) -> str:
        """What the numbers of its pictures on a device depend on beside the model, for the names of
        what is kept of them: "cpu", "cuda", "cuda bf16"."""
        return str(device) if self.precision == FP32 else f"{device} {self.precision}"

    @property
    def unfit_to_train(self) -> str:
        """One line that says why nothing is trained on its gradients, whose small steps only fp32
        holds; "" where it can be."""
        if not self.lacks_gradients and self.precision != FP32:
            return f"{self.name} is open in {self.precision}: training is done in fp32"
        return self.lacks_gradients

    @property
    def resolution(self) -> int:
        """The longer side, in px."""
        return max(self.height, self.width_px)

    @property
    def colours(self) -> int:
        """How many of the channels methods look at: an opacity is none of them."""
        return min(self.channels, 3)

    @classmethod
    def of(
        cls, meta: Meta, family: str, resolution: int | None = None, **sizes: Any
    ) -> "ModelInfo":
        """With name, digest, notes and precision from the header that a family's `build` is given.

        resolution    of pictures that are square, instead of `height` and `width_px`
        """
        if resolution is not None:
            sizes |= {"height": resolution, "width_px": resolution}
        notes = tuple(line for line in meta.get("notes", "").split("\n") if line)
        notes += _of_channels(sizes["channels"])
        name, digest = meta.get("name", family), meta.get("digest", "")
        precision = meta.get("precision", FP32)
        return cls(name, family, **sizes, digest=digest, notes=notes, precision=precision)


def _of_channels(count: int) -> tuple[str, ...]:
    """What there is to say of pictures that are neither grey nor in colour."""
    if count == 4:
        return (
            "its pictures have an opacity: PNG, WebP and TIFF keep it, other files lay them on "
            "white, and scorers and methods see the colours",
        )
    if count in (1, 3):
        return ()
    shown = "the first one is shown, as grey" if count < 3 else "the first three are shown"
    return (f"its pictures have {count} channels: {shown}",)


@runtime_checkable
class Generator(Protocol):
    """A pretrained generator: latents -> codes -> images."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def device(self) -> "torch.device": ...

    def sample(self, seeds: Sequence[int]) -> "Tensor":
        """Latents z (N, Z) float32, one per seed, each independent of the others."""
        ...

    def mapping(
        self, z: "Tensor", label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> "Tensor":
        """Codes (N, L, D) of latents (N, Z); truncation psi acts on layers below `cutoff`."""
        ...

    def truncate(
        self, codes: "Tensor", truncation: "Tensor | float", cutoff: int | None
    ) -> "Tensor":
        """Codes (N, L, D) moved toward the mean code; `truncation` one number or (N,)."""
        ...

    def synthesis(
        self, codes: "Tensor", label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> "Tensor":
        """Images (N, C, H, W) float32, nominally in [-1, 1], unclamped, differentiable in codes."""
        ...


@runtime_checkable
class HasClasses(Protocol):
    """Can say what its classes are called; `info.num_classes` says how many there are."""

    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in the order of the labels; () where nobody named them."""
        ...


@runtime_checkable
class HasClassMeans(Protocol):
    """Knows a mean code for each class, toward which `mapping` truncates codes of that class."""

    def mean_codes(self, label: Labels, count: int) -> "Tensor":
        """The mean codes (N or 1, 1, D) of the labels of N = `count` pictures."""
        ...


@runtime_checkable
class HasLayerWeights(Protocol):
    """Offers the matrix through which each layer reads its code (SeFa, arXiv:2007.06600, eq. 4)."""

    def layer_weights(self) -> "list[Tensor]":
        """One matrix (outputs, D) per code layer: style = weight @ code."""
        ...


@runtime_checkable
class HasActivations(Protocol):
    """Can stop at a layer, and continue from changed activations."""

    def activation_names(self) -> list[str]:
        """The layers in the order in which they run."""
        ...

    def activation(
        self,
        codes: "Tensor",
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> "Tensor":
        """Activation (N, C, H, W) after layer `name`; nothing above it is computed."""
        ...

    def synthesis_with(
        self,
        codes: "Tensor",
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> "Tensor":
        """Images (N, C, H, W) with the activations after some layers changed, in one pass.

        A tensor that broadcasts to the activation is added to it; a function is given it (after
        the changes of the layers below) and returns what takes its place. It may not write into
        what it is given. Raises UsageError for unknown layers and shapes that do not fit.
        """
        ...


@runtime_checkable
class HasPrefix(Protocol):
    """Can keep what the layers below `layer` computed, for frames that differ above it only.

    Where such a family has activations, too, number j is what reads code j.
    """

    def prefix(self, codes: "Tensor", layer: int, noise: Noise = "const") -> object:
        """The state before code layer `layer`, of codes (N, L, D)."""
        ...

    def synthesis_from(
        self,
        state: object,
        codes: "Tensor",
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> "Tensor":
        """Images (N, C, H, W) from a state of batch 1 or N and codes (N, L, D).

        `changes` as in HasActivations, of activation `layer` - 1, which the state ends with, or
        of later ones.
        """
        ...


@runtime_checkable
class AnySize(Protocol):
    """Draws at any size instead of being resampled."""

    def at_size(self, size: int) -> Generator:
        """The same generator at `size` x `size` pixels."""
        ...


@runtime_checkable
class HasFactors(Protocol):
    """Knows the true factors of its pictures (procedural models only)."""

    def factor_names(self) -> tuple[str, ...]: ...

    def factors(self, codes: "Tensor") -> "Tensor":
        """The exact factors (N, A) that the codes (N, L, D) stand for."""
        ...


def sample_normal(seeds: Sequence[int], z_dim: int) -> "Tensor":
    """Latents (N, Z) float32, row i = RandomState(seeds[i]).randn(Z).

    The stream that NVIDIA's tools and GANSpace draw: frozen by numpy, the same on every device.
    """
    return drawn_rows(seeds, z_dim, "randn")


def drawn_rows(seeds: Sequence[int], count: int, draw: str, dtype: Any = "float32") -> "Tensor":
    """Rows (N, `count`) of this type, row i = RandomState(seeds[i]).randn(count); `draw` is "randn"
    or "random_sample", uniform in [0, 1).

    One RandomState is seeded again for each row: to make one costs thirty times as much as the
    numbers drawn from it. Each row is rounded as it is drawn: all of them in float64 would take
    twice as long as drawing them.
    """
    import numpy as np
    import torch

    random, rows = np.random.RandomState(0), np.empty((len(seeds), count), dtype)
    numbers = getattr(random, draw)
    for row, seed in zip(rows, seeds, strict=True):
        random.seed(seed)
        row[:] = numbers(count)
    return torch.from_numpy(rows)
