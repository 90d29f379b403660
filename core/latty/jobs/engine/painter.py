"""The painter of one view of the studio: pictures step by step, from what the last one left.

The pictures are those of `latty.render` to the last bit: what is kept is what would be computed
again. What takes long is shown early, small, where the network has a picture by then.
"""

import time
from collections import abc, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from latty import edits
from latty.jobs.engine.kept_states import KeptStates
from latty.models.base import AnySize, Generator
from latty.models.graphs import GRAPHS
from latty.models.steps import HasSteps, Steps, StepState
from latty.presets.formats import Pixels
from latty.render.pixels import Painter, to_uint8
from latty.scene import Scene

LEAST = 64  # px of a coarse picture
SMALLER = 4  # times, of models that draw at any size
SOON = 0.08  # seconds: a whole picture that is as near needs no coarse one before it
NEAR = 0.25  # seconds: a whole picture that is as near, and has no coarse one, is drawn to its end
COARSE = 0.12  # seconds that a coarse picture may take, where it is not near the size wanted yet
LATELY = 4  # pictures on a GPU by which it is judged how soon it draws one
ENOUGH = 0.7  # of the size that is wanted is near it


class BetweenSteps(NamedTuple):
    """What is told between two steps: a coarse picture (H, W, 3 or 4) where there is one now, and
    whether that or the whole one will be there soon."""

    coarse: Pixels | None = None
    due: bool = False


class PreviewPainter(Painter):
    """Draws single pictures step by step, and batches as any Painter; `kept`: what it may keep for
    the next picture."""

    def __init__(self, generator: Generator, kept: KeptStates) -> None:
        super().__init__(generator)
        self.kept = kept
        self._seconds: dict[int, float] = {}  # that a step took when it last ran
        self._whole = deque[float](maxlen=LATELY)  # seconds of the last pictures drawn at once

    def images(self, scenes: Sequence[Scene]) -> Tensor:
        """Images (N, C, H, W) as of any Painter; sets and latents are looked up anew: they may have
        changed since."""
        self.stack = edits.Stack(self.generator, self.foreign)
        return super().images(scenes)

    @torch.no_grad()
    def stepwise(
        self, scene: Scene, wanted: int | None = None
    ) -> abc.Generator[BetweenSteps, None, Pixels]:
        """Pixels (H, W, 3 or 4) of a scene. `wanted`: height in px at which a coarse picture would
        be seen; None = there shall be none."""
        applied = edits.applied([scene], self.generator, self.foreign)
        [run] = applied.runs
        if (whole := self._at_once(applied.codes, run)) is not None:
            begun = time.perf_counter()
            pixels: Pixels = to_uint8(self._image(whole, run))[0]
            self._whole.append(time.perf_counter() - begun)
        elif (steps := self._cut(applied)) is None:
            yield from self._smaller(scene, wanted)
            begun = time.perf_counter()
            pixels = self.pixels(applied)[0]
            self._seconds[0] = time.perf_counter() - begun
        else:
            state = yield from self._run(steps, run, wanted)
            pixels = to_uint8(steps.image(state))[0]
        return pixels

    def _at_once(self, codes: Tensor, run: edits.SynthesisRun) -> Steps | None:
        """The steps of a picture that a GPU draws so soon that nothing is gained between them."""
        if len(self._whole) == self._whole.maxlen and min(self._whole) > SOON:
            return None
        return self.on_gpu(codes, run)

    def _image(self, steps: Steps, run: edits.SynthesisRun) -> Tensor:
        """An image (1, C, H, W), by what the last one left and by graphs."""
        state, shared = self.kept.begin(steps, _read(run))
        if state.layer < shared < steps.count:
            state = GRAPHS.run(steps, state, shared)
            self.kept.keep(state, steps, shared)
        return GRAPHS.image(steps, state)

    def _run(
        self, steps: Steps, run: edits.SynthesisRun, wanted: int | None
    ) -> abc.Generator[BetweenSteps, None, StepState]:
        """The state after all steps, the first of which are those of the last picture."""
        state, shared = self.kept.begin(steps, _read(run))
        outlook = Outlook(steps, shared, wanted, self._seconds)
        held = True  # what is kept must not be overwritten
        while state.layer < steps.count:
            yield BetweenSteps(due=outlook.due(state.layer))
            begun = time.perf_counter()
            state = steps.run(state if held else state.spared(), state.layer + 1)
            held = self.kept.keep(state, steps, shared)
            outlook.took(state.layer - 1, time.perf_counter() - begun)
            if outlook.is_now(state.layer):
                yield BetweenSteps(to_uint8(steps.early(state))[0])
        return state

    def _cut(self, applied: edits.Applied) -> Steps | None:
        """The steps of one picture; None of a network that gives whole pictures only."""
        if not isinstance(self.generator, HasSteps):
            return None
        [run] = applied.runs
        return self.generator.steps(
            applied.codes, run.label, run.truncation, run.noise, run.changes
        )

    def _smaller(self, scene: Scene, wanted: int | None) -> abc.Iterator[BetweenSteps]:
        """A coarse picture of a model that draws at any size, where the last one took long."""
        height = self.generator.info.height // SMALLER
        slow = self._seconds.get(0, 0.0) > SOON
        if wanted and slow and height >= LEAST and isinstance(self.generator, AnySize):
            yield BetweenSteps(Painter(self.generator.at_size(height))([scene])[0])


def _read(run: edits.SynthesisRun) -> object:
    """What all steps of a picture read beside its codes."""
    return run.noise, run.truncation, None if run.label is None else run.label.tolist()


class Outlook:
    """When the coarse picture of a synthesis is shown: as near to the size wanted as can be had
    soon, and only where the whole one is far.

    shared   the first steps, in which the last picture was the same: it would be shown again
    seconds  that each step took when it last ran
    """

    def __init__(
        self, steps: Steps, shared: int, wanted: int | None, seconds: dict[int, float]
    ) -> None:
        self._count, self._seconds, self._wanted = steps.count, seconds, wanted or 0
        self._heights: Mapping[int, int] = {
            layer: height
            for layer, height in sorted(steps.early_heights().items())
            if wanted and layer > shared and height >= LEAST
        }
        self._elapsed = 0.0
        self._shown = False

    def took(self, step: int, seconds: float) -> None:
        """What a step of this synthesis took."""
        self._seconds[step] = seconds
        self._elapsed += seconds

    def due(self, layer: int) -> bool:
        """Whether, as far as is known before step `layer`, the first that is seen of the picture is
        soon there: a coarse one, or the whole one."""
        if self._shown:
            return False
        first = next(iter(self._heights), None)
        if first is not None and self._left(first) >= SOON:
            return True
        return not self._seconds or self._left(layer) < NEAR

    def is_now(self, layer: int) -> bool:
        """Whether the state before step `layer` is shown; it is asked once for each."""
        if layer not in self._heights:
            return False
        height = self._heights[layer]
        self._heights = {one: high for one, high in self._heights.items() if one > layer}
        if self._left(layer) < SOON:
            self._heights = {}
            return False
        later = next(iter(self._heights), None)
        if later is not None and height < ENOUGH * self._wanted and self._left(later) >= SOON:
            soon = self._left(layer) - self._left(later)
            if self._elapsed + soon <= COARSE:
                return False
        self._heights, self._shown = {}, True
        return True

    def _left(self, layer: int) -> float:
        """Seconds from step `layer` to the end, as the last picture took them; a step that has not
        run yet counts as the mean of those that have."""
        known = self._seconds
        mean = sum(known.values()) / max(1, len(known))
        return sum(known.get(step, mean) for step in range(layer, self._count))
