"""A synthesis cut into steps: between two of them it can be left, kept, and shown as it is.

N pictures, L layers of codes, D latent width. State number j is what there is before step j; of a
network with a code for each step, the codes below j and nothing else have made it.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from latty.models.activations import UNCHANGED, Change, Changes
from latty.models.base import Labels
from latty.scene import Noise


class StepState(Protocol):
    """What there is before step `layer`."""

    @property
    def layer(self) -> int: ...

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds; the first one are the features (N, C, H, W)."""
        ...

    def spared(self) -> Any:
        """The same for whom nothing of it is worth keeping: the next step may overwrite it."""
        ...


class Steps(Protocol):
    """One synthesis of N pictures. What the last activation becomes, a step finds when it begins:
    a state knows nothing of the change of the activation that it ends with."""

    @property
    def count(self) -> int: ...

    @property
    def codes(self) -> Tensor:
        """What is drawn, (N, L, D)."""
        ...

    @property
    def each(self) -> bool:
        """Whether step j reads code j alone; else the first step reads all of them."""
        ...

    @property
    def places(self) -> Mapping[int, Change]:
        """What changes the activation after a step, by the step."""
        ...

    def start(self) -> StepState:
        """The state before the first step."""
        ...

    def run(self, state: Any, stop: int) -> StepState:
        """The state before step `stop`."""
        ...

    def image(self, state: Any) -> Tensor:
        """Images (N, C, H, W) float32 from any state: the steps that are left are run."""
        ...

    def early_heights(self) -> Mapping[int, int]:
        """The states that can be shown as they are, and px of their pictures."""
        ...

    def early(self, state: Any) -> Tensor:
        """Small images (N, C, h, w) of one of those states: what is there so far."""
        ...


@runtime_checkable
class HasSteps(Protocol):
    """Can be drawn step by step; the pictures are those of `synthesis` to the last bit."""

    def steps(
        self,
        codes: Tensor,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        changes: Changes = UNCHANGED,
    ) -> Steps | None:
        """The synthesis of codes (N, L, D); None of a network that gives whole pictures only."""
        ...


@runtime_checkable
class ShowsEarly(Protocol):
    """A network that can show what it has before it is done."""

    def early_heights(self) -> Mapping[int, int]:
        """As of Steps."""
        ...

    def early(self, state: Any, codes: Tensor) -> Tensor:
        """As of Steps, of codes (N, L, D)."""
        ...
