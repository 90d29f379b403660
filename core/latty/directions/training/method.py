"""What every learned method does: draw pairs of pictures, train, judge, describe the directions."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import torch
from torch import nn

from latty.directions.base import Info
from latty.directions.training import charts
from latty.directions.training.monitor import Monitor
from latty.directions.training.pairs import Pairs, Spread
from latty.directions.training.parameters import TrainingParameters
from latty.directions.training.trainer import Judged, Trainer, seeded, train
from latty.directions.viewing import Viewing
from latty.models.base import Generator
from latty.report import Report, silent

S = TypeVar("S", bound=nn.Module)


@dataclass(kw_only=True)
class LearnedMethod(TrainingParameters, Generic[S]):
    """Directions that a network can tell apart by their pictures. A method adds its parameters,
    `shifter`, the module that turns (latent, direction, how far) into a shift, and `describe`."""

    _viewing: ClassVar[Viewing | None] = None

    def show(self, viewing: Viewing) -> None:
        """Charts and figures of the training, at every `chart_every` iterations and at its end."""
        self._viewing = viewing  # type: ignore[misc]

    def missing(self, generator: Generator) -> str:
        """Gradients are all it takes."""
        return generator.info.unfit_to_train

    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Train. Raises BadData for parameters that do not fit the model or each other."""
        with torch.inference_mode(False), torch.enable_grad():
            self.check()
            pairs = Pairs(generator, self)
            spread = pairs.spread()
            shifter = seeded(self.seed, lambda: self.shifter(spread))
            trainer = Trainer(pairs, shifter, spread.unit, self, self.key(generator.info.digest))
            self._watch(trainer, generator, work)
            judged, self.complete_ = train(trainer, report, work)
            self.space_, self.seeds_ = pairs.space, f"{self.seed}-{self.seed + self.used - 1}"
        with torch.inference_mode(False), torch.no_grad():
            self.infos_: tuple[Info, ...] = self.describe(shifter, pairs, spread, judged)
        return self

    def _watch(self, trainer: Trainer, generator: Generator, work: Path | None) -> None:
        """Have the training looked at, where somebody wants to."""
        viewing, every = self._viewing, charts.interval(self)
        if viewing is None or viewing.folder is None or work is None or not every:
            return
        trainer.monitor = Monitor(viewing, viewing.folder, every, work)
        trainer.charted = Pairs(generator, replace(self, size=charts.PX))

    @abstractmethod
    def shifter(self, spread: Spread) -> S:
        """What is trained: (latents (N, d), index (N,), magnitude (N,)) -> shifts (N, d). Raises
        BadData for parameters that fit none."""

    @abstractmethod
    def describe(
        self, shifter: S, pairs: Pairs, spread: Spread, judged: Judged
    ) -> tuple[Info, ...]:
        """Sets the arrays of the results; gives what a header says of each direction."""
