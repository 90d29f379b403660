"""Who draws the batches of a film: this process, or those of a pool. The pictures of a batch depend
on nothing outside it, so it does not matter which of them draws it, or when.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import ParamSpec, Protocol, TypeVar

import torch

from latty.errors import BadData
from latty.models import open_model
from latty.models.base import Generator
from latty.models.memory import collect, is_short
from latty.presets import Preset
from latty.presets.formats import Pixels
from latty.render import provenance
from latty.render.options import Options, unheard
from latty.render.pixels import Painter, at_size
from latty.scene import Scene

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Protocol):
    """A pool of processes (latty.jobs.pool): at_once = how many there are."""

    @property
    def at_once(self) -> int: ...

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]": ...


class Drawer(Protocol):
    """Draws batches.

    ahead  how many are handed in before the first of them is there
    """

    @property
    def ahead(self) -> int: ...

    def hand_in(self, scenes: Sequence[Scene]) -> "Future[Pixels | None]":
        """The pictures (N, H, W, 3 or 4) of a batch; None where memory is short for so many."""


@dataclass(frozen=True, slots=True)
class OwnDrawer:
    """This process, while it holds the lock: generators hold states."""

    paint: Callable[[Sequence[Scene]], Pixels]
    drawing: RLock
    ahead: int = 1

    def hand_in(self, scenes: Sequence[Scene]) -> "Future[Pixels | None]":
        """A future that is done. Raises what the generator does."""
        future: Future[Pixels | None] = Future()
        with self.drawing:
            future.set_result(_painted(self.paint, scenes))
        return future


@dataclass(frozen=True, slots=True)
class AheadDrawer:
    """This process with a GPU, which draws a batch while the one before it comes and is kept.

    begin  has pictures (N, H, W, 3 or 4) drawn; what it returns waits for them
    """

    begin: Callable[[Sequence[Scene]], Callable[[], Pixels]]
    drawing: RLock
    ahead: int = 2
    coming: Executor = field(default_factory=partial(ThreadPoolExecutor, 1, "pixels"))

    def hand_in(self, scenes: Sequence[Scene]) -> "Future[Pixels | None]":
        """Raises what the generator does; what is only known with the pixels, the future does."""
        with self.drawing:
            begun = _painted(self.begin, scenes)
        return self.coming.submit(_nothing if begun is None else begun)


def _nothing() -> None:
    """What comes where memory is short."""


def own(painter: Painter, drawing: RLock) -> Drawer:
    """This process, with the lock of who draws in it."""
    on_gpu = torch.device(painter.generator.device).type == "cuda"
    return AheadDrawer(painter.begin, drawing) if on_gpu else OwnDrawer(painter, drawing)


@dataclass(frozen=True, slots=True)
class FilmTask:
    """What another process has to know to draw the pictures of a film as this one would.

    folder     where the files are that the preset names: there, too, if it is there
    device     of which kind
    made_with  what the pictures depend on beside their scenes, here
    """

    preset: Preset
    options: Options
    folder: str
    device: str
    made_with: str


@dataclass(frozen=True, slots=True)
class PoolDrawer:
    """Processes of a pool, each a batch at a time. Two for each are on their way: none waits for
    the next, and memory does not grow with the film."""

    pool: Processes
    task: FilmTask

    @property
    def ahead(self) -> int:
        return 2 * max(1, self.pool.at_once)

    def hand_in(self, scenes: Sequence[Scene]) -> "Future[Pixels | None]":
        return self.pool.submit(draw_there, self.task, tuple(scenes))


def made_with(preset: Preset, generator: Generator, options: Options) -> str:
    """What the pictures of a preset depend on beside their scenes. Raises what `provenance.shared`
    does."""
    return provenance.sealed(provenance.shared(preset, generator, options), options.batches)


def others(
    pool: Processes, preset: Preset, options: Options, generator: Generator, home: str
) -> PoolDrawer:
    """Processes of a pool that draw a preset as this one, with this generator, would: options as
    they are when the batch is known, and what `made_with` says here."""
    options = replace(options, tell=unheard)  # which may not be told elsewhere
    task = FilmTask(preset, options, str(Path.cwd()), generator.device.type, home)
    return PoolDrawer(pool, task)


def draw_there(task: FilmTask, scenes: Sequence[Scene]) -> Pixels | None:
    """A batch in a process of a pool; None where memory is short for so many. Raises BadData where
    it would be drawn otherwise there, and what models and edits raise."""
    _check(task)
    scene = scenes[0]
    return _painted(_painter(task, scene.model, scene.precision, scene.size), scenes)


@lru_cache(maxsize=1)
def _check(task: FilmTask) -> None:
    """Raises BadData where something that pictures depend on is another here than at home."""
    with suppress(OSError):  # of another machine, which needs it for names of files alone
        os.chdir(task.folder)
    scene = task.preset.scene
    generator = open_model(scene.model, task.device, scene.precision)
    here = json.loads(made_with(task.preset, generator, task.options))
    home = json.loads(task.made_with)
    if differs := sorted(key for key in {*here, *home} if here.get(key) != home.get(key)):
        what = f"another process would draw with other {', '.join(differs)} than this one"
        raise BadData(what, "the same devices, versions and files for all of them")


@lru_cache(maxsize=1)
def _painter(task: FilmTask, model: str, precision: str, size: int | None) -> Painter:
    """It keeps what the batches of a film have in common."""
    generator = open_model(model, task.device, precision)
    return Painter(at_size(generator, size), task.options.foreign)


def _painted(paint: Callable[[Sequence[Scene]], T], scenes: Sequence[Scene]) -> T | None:
    """The pictures of a batch, None where memory is short for so many."""
    pixels = _tried(paint, scenes)
    if pixels is None:  # not in the handler: a traceback would keep the tensors alive
        collect()
    return pixels


def _tried(paint: Callable[[Sequence[Scene]], T], scenes: Sequence[Scene]) -> T | None:
    try:
        return paint(scenes)
    except (MemoryError, RuntimeError) as error:
        if is_short(error):
            return None
        raise
