"""The parameters that warped and voynov share: what is drawn, and how the networks are trained."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import ClassVar, Literal

from torch import nn

from latty.errors import BadData
from latty.scene import SEED_LIMIT, Label

SAMPLES = 2048  # that the spread of the latents is measured on
Distribution = Literal["uniform", "normal"]
QUICK = {"iterations": 3, "batch": 2, "probes": 2, "size": 16, "reconstructor": "lenet"}


@dataclass(kw_only=True)
class TrainingParameters(ABC):
    """Of a method whose directions are learned by telling them apart."""

    min_shift: float = 0.5  # shortest shift in training, in the latents' standard deviation
    max_shift: float = 2.0  # longest shift
    reconstructor: Literal["lenet", "resnet"] = "resnet"  # the network that tells directions apart
    reconstructor_rate: float = 1e-3  # learning rate of that network
    iterations: int = 3000  # training steps
    batch: int = 16  # pairs of pictures in a training step
    lambda_cls: float = 1.0  # weight of telling which direction
    lambda_reg: float = 0.25  # weight of telling how far
    size: int = 32  # height in px of the pictures that the network sees
    space: Literal["auto", "z", "w"] = "auto"  # auto = where the model's directions act best
    layers: str = "all"  # layers that are moved, in w: "all" or "4-8"
    truncation: float | None = None  # latents stay within it in training; none = as sampled
    label: Label = None  # the class or mixture to draw, where there are classes; none = any
    classes: tuple[int, ...] = ()  # draw these classes only
    probes: int = 16  # held-out samples that judge each direction
    seed: int = 0  # first of the sampled seeds
    chart_every: int | None = None
    # iterations between two charts of all directions, 0 = no chart; none = so that they cost little

    BESIDE: ClassVar[tuple[str, ...]] = ("chart_every",)

    @property
    @abstractmethod
    def count(self) -> int:
        """How many directions are learned."""

    @property
    def letter(self) -> str:
        """Directions are called this and their number."""
        return "d"

    @property
    def distribution(self) -> Distribution:
        """Of the lengths of shifts."""
        return "uniform"

    @abstractmethod
    def rates(self, shifter: nn.Module) -> Sequence[tuple[Iterable[nn.Parameter], float]]:
        """Groups of the shifter's parameters, each with its learning rate."""

    @property
    def drawn(self) -> int:
        """Latents that the training takes; the next ones judge it."""
        return self.iterations * self.batch

    @property
    def used(self) -> int:
        """All latents that are drawn, from the first on."""
        return max(SAMPLES, self.drawn + self.count * self.probes)

    def check(self) -> None:
        """Raises BadData for what cannot be trained."""
        if self.count < 2:
            raise BadData(f"{self.count} directions: there is nothing to tell apart")
        if self.batch < 2:
            raise BadData(f"batch {self.batch}: batch norms need 2 pictures at least")
        if not 0 <= self.min_shift < self.max_shift:
            raise BadData(
                f"shifts from {self.min_shift} to {self.max_shift}", "0 <= smallest < largest"
            )
        if self.chart_every is not None and self.chart_every < 0:
            raise BadData(
                f"a chart every {self.chart_every} iterations", "1 or more, or 0 for none"
            )
        if min(self.iterations, self.probes) < 1:
            raise BadData("iterations and probes must be 1 at least")
        if self.seed < 0 or self.seed + self.used > SEED_LIMIT:
            raise BadData(
                f"seed {self.seed} and {self.used} samples after it: seeds end at {SEED_LIMIT - 1}",
                "take fewer iterations or a lower seed",
            )

    def key(self, digest: str) -> str:
        """Names everything that a state after some iterations depends on: the parameters and the
        model's digest. A training can be made longer, so `iterations` has no part in it."""
        params = {**asdict(self), "iterations": None, "probes": None}
        params = {name: value for name, value in params.items() if name not in self.BESIDE}
        return sha256(repr((type(self).__name__, params, digest)).encode()).hexdigest()
