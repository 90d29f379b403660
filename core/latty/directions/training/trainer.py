"""Trains directions by whether a network can tell them apart: for warped and voynov alike.

A picture is drawn twice, from a latent and from the latent after a shift; the reconstructor says
which direction it was and how far (Voynov and Babenko 2020, equation 4):

    loss = cls * cross entropy(direction) + reg * |magnitude - its guess|

Shifts and reconstructor learn together (Adam). The generator is frozen: no gradient of its weights
is computed, even where they ask for it, and the picture before the shift is in no graph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from latty.directions.training import charts, state
from latty.directions.training.monitor import Monitor
from latty.directions.training.pairs import DrawnLatents, Pairs
from latty.directions.training.parameters import TrainingParameters
from latty.directions.training.reconstructors import Reconstructor
from latty.errors import Interrupted
from latty.report import Report, silent

T = TypeVar("T")
KEEP = 20.0  # seconds between two states, at least; and saving takes 5 % of the time at most
LOG = 10  # iterations between two lines of figures
FIGURES = ("accuracy", "classification", "regression", "loss")
MEMORY = 0.05  # weight of the newest draw in a direction's running accuracy


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each direction (K,): accuracy, and change, the mean difference of the two pictures, of
    the range from black to white."""

    accuracy: Tensor
    change: Tensor | None = None

    def scores(self, index: int) -> dict[str, float]:
        """What a header says of direction `index`."""
        found = {"accuracy": float(self.accuracy[index])}
        if self.change is not None:
            found["change"] = float(self.change[index])
        return found


class Trainer:
    """One training: `shifter(latents (N, d), index (N,), magnitude (N,)) -> shifts (N, d)`, in the
    latents' unit."""

    def __init__(
        self, pairs: Pairs, shifter: nn.Module, unit: float, params: TrainingParameters, key: str
    ) -> None:
        self.pairs, self.params, self.unit, self.key = pairs, params, unit, key
        kind, channels, count = params.reconstructor, pairs.generator.info.colours, params.count
        judge = seeded(params.seed, lambda: Reconstructor(kind, channels, count))
        self.nets = nn.ModuleDict({"shifter": shifter, "reconstructor": judge}).to(pairs.device)
        groups = [*params.rates(shifter), (judge.parameters(), params.reconstructor_rate)]
        learned = [([p for p in group if p.requires_grad], rate) for group, rate in groups]
        self.adam = torch.optim.Adam([{"params": g, "lr": rate} for g, rate in learned if g])
        self.learned = [p for group, _ in learned for p in group]
        self.done = 0
        self.running = torch.full((count,), 1 / count)
        self.means: dict[str, float] = {}
        # what iterations gave, and the host has not looked at: a GPU goes on meanwhile
        self._unread: list[tuple[Tensor, Tensor, Tensor]] = []
        self.seconds = 0.0  # of training, in all attempts
        self.monitor: Monitor | None = None
        self.charted: Pairs | None = None  # what draws the pictures of charts

    # --- training -----------------------------------------------------------------------------

    def run(self, report: Report, work: Path | None) -> bool:
        """Train to the end, from the state in `work` if there is one; False = interrupted.

        Raises Interrupted before the first iteration is done.
        """
        self._resume(work)
        saved, pause = monotonic(), KEEP
        try:
            while self.done < self.params.iterations:
                self._chart(report)
                self._iterate(work)
                if work is not None and monotonic() - saved > pause:
                    pause, saved = self._save(work), monotonic()
                self._tell(report)
            self._chart(report)
        except Interrupted:
            if work is not None:
                self._save(work)
            if not self.done:
                raise
            return False
        if work is not None:
            self._save(work)
        return True

    def _tell(self, report: Report) -> None:
        report(self.done, self.params.iterations, self._words())

    def _chart(self, report: Report) -> None:
        """Where it is time for one. One that an interruption costs is drawn when it goes on."""
        if self.monitor is None or self.charted is None:
            return
        if self.monitor.due(self.done, self.done == self.params.iterations):
            self._look_up()
            rows = [
                f"{self.params.letter}{k}  {a:.0%}" for k, a in enumerate(self.running.tolist())
            ]
            shifter = self.nets["shifter"].eval()
            sheet = charts.chart(self.charted, shifter, self.unit, rows, lambda: self._tell(report))
            self.monitor.chart(self.done, sheet)

    def _iterate(self, work: Path | None) -> None:
        begun = monotonic()
        self._unread.append(self._step(self.done))
        self.done += 1
        if self.pairs.device.type == "cpu" or not self.means or self.done % LOG == 0:
            self._look_up()
        self.seconds += monotonic() - begun
        if work is not None and (self.done % LOG == 0 or self.done == self.params.iterations):
            means = {name: round(mean, 6) for name, mean in self.means.items()}
            row = {"step": self.done, **means, "seconds": round(self.seconds, 3)}
            state.add(work, row)
            if self.monitor is not None:
                self.monitor.log(row)

    def _look_up(self) -> None:
        """Bring the running figures up to the last iteration."""
        unread, self._unread = self._unread, []
        if not unread:
            return
        rows = torch.stack([torch.cat([part.float() for part in one]) for one in unread]).tolist()
        batch, first = self.params.batch, self.done - len(rows)
        for place, row in enumerate(rows, first + 1):
            index, right, figures = row[:batch], row[batch : 2 * batch], row[2 * batch :]
            for k, hit in zip(map(int, index), right, strict=True):
                self.running[k] += MEMORY * (hit - self.running[k])
            weight = max(1 / place, 1 / 100)
            for name, figure in zip(FIGURES, figures, strict=True):
                before = self.means.get(name, 0.0)
                self.means[name] = before + weight * (figure - before)

    def _step(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Which directions were shown (N,), whether each was told (N,), and FIGURES of them."""
        params, pairs = self.params, self.pairs
        drawn = pairs.draw(range(number * params.batch, (number + 1) * params.batch))
        index, magnitude = self._shifts(number, params.batch, params.count)
        self.nets.train()
        logits, guess, _ = self._look(drawn, index, magnitude)
        classification = functional.cross_entropy(logits, index)
        regression = (guess - magnitude).abs().mean()
        loss = params.lambda_cls * classification + params.lambda_reg * regression
        self.adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss, inputs=self.learned)
        self.adam.step()
        right = (logits.detach().argmax(1) == index).float()
        figures = torch.stack([right.mean(), classification, regression, loss]).detach()
        return index, right, figures

    def _shifts(self, iteration: int, batch: int, count: int) -> tuple[Tensor, Tensor]:
        """Which of `count` directions (N,), and how far (N,)."""
        ends = self.params.min_shift, self.params.max_shift
        return self.pairs.shifts(iteration, batch, count, ends, self.params.distribution)

    def _look(
        self, drawn: DrawnLatents, index: Tensor, magnitude: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, K), guesses of the magnitude (N,), mean differences of the pictures (N,)."""
        with torch.no_grad():
            before = self.pairs.pictures(drawn)
        shift = self.unit * self.nets["shifter"](drawn.latents, index, magnitude)
        after = self.pairs.pictures(drawn, shift)
        logits, guess = self.nets["reconstructor"](before, after)
        change = (after.detach() - before).abs().mean((1, 2, 3)) / 2
        return logits, guess, change

    def _words(self) -> str:
        return f"iterations, accuracy {self.means['accuracy']:.0%}, loss {self.means['loss']:.2f}"

    # --- state --------------------------------------------------------------------------------

    def _facts(self) -> dict[str, Any]:
        self._look_up()
        return {"done": self.done, "running": self.running.tolist(), "means": self.means,
                "seconds": self.seconds}  # fmt: skip

    def _save(self, work: Path) -> float:
        """Seconds until the next state."""
        started = monotonic()
        state.save(work, self.key, self._facts(), self.nets, self.adam)
        return max(KEEP, 20 * (monotonic() - started))

    def _resume(self, work: Path | None) -> None:
        facts = None
        if work is not None:
            facts = state.load(work, self.key, self.params.iterations, self.nets, self.adam)
        if facts:
            self.done, self.means = int(facts["done"]), dict(facts["means"])
            self.running = torch.tensor(facts["running"])
            self.seconds = float(facts.get("seconds", 0.0))
        if work is not None:
            state.cut(work, self.done)
        if self.monitor is not None:
            self.monitor.begin(self.done)

    # --- judging ------------------------------------------------------------------------------

    def judge(self, report: Report = silent) -> Judged:
        """On latents that were not trained on, as many for each direction."""
        params, seen = self.params, list[tuple[Tensor, Tensor, Tensor]]()
        total = params.count * params.probes
        self.nets.eval()
        for start in range(0, total, params.batch):
            numbers = range(start, min(start + params.batch, total))
            first = params.drawn + numbers.start
            drawn = self.pairs.draw(range(first, first + len(numbers)))
            index = torch.tensor(numbers).to(self.pairs.device) % params.count
            place = params.iterations + start // params.batch
            magnitude = self._shifts(place, len(numbers), 1)[1]
            with torch.no_grad():
                logits, _, change = self._look(drawn, index, magnitude)
            seen.append((index, (logits.argmax(1) == index).float(), change))
            report(numbers.stop, total, "held-out samples")
        hits, changes = torch.zeros(2, params.count)
        index, right, change = (torch.cat(parts).cpu() for parts in zip(*seen, strict=True))
        hits.index_add_(0, index, right)  # on the host, in this order: a GPU adds in any
        changes.index_add_(0, index, change)
        return Judged(hits / params.probes, changes / params.probes)

    def so_far(self) -> Judged:
        """The same from the running figures of the training, at no cost."""
        self._look_up()
        return Judged(self.running)


def train(trainer: Trainer, report: Report, work: Path | None) -> tuple[Judged, bool]:
    """Train and judge; False = interrupted, and judged by what is known."""
    if not trainer.run(report, work):
        return trainer.so_far(), False
    try:
        return trainer.judge(report), True
    except Interrupted:
        return trainer.so_far(), False


def seeded(seed: int, build: Callable[[], T]) -> T:
    """What `build` makes of torch's global random numbers, without a trace in them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
